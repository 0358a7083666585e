"""What ``scripts/damage`` runs: seeded damages to a ledger, and what the service makes of each.

Each start is a process that is forked from one that has everything imported: its Server answers
requests as on a socket, and its Orchestrator works in a thread. So a thousand damages take minutes.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import queue
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.config import settings as config
from beemon.ledger import attempts, calibrations, events, inspections
from beemon.ledger import readings as series
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import NAME, Ledger
from beemon.ledger.session import ArchiveSession
from beemon.orchestrator import work
from beemon.orchestrator.inbox import RESTING_SECONDS
from beemon.orchestrator.orchestrator import EXIT_DEFECT
from beemon.protocol.reports import Started, Stopped
from beemon.repair import check
from beemon.repair.rebuild import rebuild
from beemon.server import Server
from tests import seasons

PAGE = 1024
STARTS = 3
"""So many starts at most until the service is up."""
REQUESTS = (
    "status", "jobs", "job 7", "readings", "events 4000d", "history sensor.brood temperature 4000d",
    "completeness 4000d", "calibrations", "inspection end",
)
CONFIG = """
[archive]
path = "{archive}"
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "1s"
"""
START_SECONDS, SLOT_SECONDS, CHILD_SECONDS = 10.0, 10.0, 60.0
TABLES = ("jobs", "readings", "events", "calibrations", "skips", "schedules")
DEFINITION = json.dumps({"interval": "60.0s", "window": ["00:00", "00:00"], "zone": "UTC"})


def make(archive: Path) -> None:
    """An archive with a bit of everything, of some 200 pages."""
    seasons.make(archive)
    with closing(Ledger(archive, 1)) as ledger, ledger.transaction():
        for minute in range(600):
            at = Stamp(seasons.NOON + minute * 60_000_000, 5.0 + minute * 60, Quality.RTC)
            job = ledger.accept("read sensor.brood", "schedule", at, at.utc_us)
            reading = Reading("sensor.brood", "temperature", "°C", 35 + minute % 7, None, at)
            series.keep(ledger, job, [reading])
            ledger.end(job, outcomes.done(readings={"temperature": 35.0}))
        facts = {"job": 3, "factor": 2.0, "zero": 1.0, "of": "raw", "points": {}}
        calibrations.enter(ledger, Made("sensor.scale", "weight", 5, Quality.RTC, facts))
        ledger.db.execute(
            "INSERT INTO schedules (device, from_us, definition) VALUES ('sensor.brood', ?, ?)",
            (seasons.NOON - 1, DEFINITION),
        )
        ledger.db.execute("UPDATE runs SET accounted_us = ?, accounted_clock = 'rtc', began ="
                          " 'first', ended = 'stopped'", (seasons.NOON + 600 * 60_000_000 - 1,))
        for _ in range(40):
            events.enter(ledger, "weight", "swarm", "sensor.scale", step="swarm", seconds=60)
        inspections.enter_begin(ledger, "lid off", ledger.clock.stamp())
    with closing(sqlite3.connect(archive / NAME)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# Damages

Damage = Callable[[Path, random.Random], str]


def flip_bits(archive: Path, chance: random.Random) -> str:
    content = bytearray((archive / NAME).read_bytes())
    bits = chance.randint(1, 20)
    for _ in range(bits):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    (archive / NAME).write_bytes(content)
    return f"{bits} bits"


def ruin_page(archive: Path, chance: random.Random) -> str:
    pages = (archive / NAME).stat().st_size // PAGE
    content = bytearray((archive / NAME).read_bytes())
    page, other = chance.randrange(pages), chance.randrange(pages)
    kinds = {"zeroed": bytes(PAGE), "of ones": b"\xff" * PAGE, "random": chance.randbytes(PAGE),
             "another's": bytes(content[other * PAGE : (other + 1) * PAGE])}
    kind = chance.choice(sorted(kinds))
    content[page * PAGE : (page + 1) * PAGE] = kinds[kind]
    (archive / NAME).write_bytes(content)
    return f"page {page + 1} {kind}"


def cut_short(archive: Path, chance: random.Random) -> str:
    size = (archive / NAME).stat().st_size
    left = chance.choice([0, 1, 100, size - 1, chance.randrange(size)])
    os.truncate(archive / NAME, left)
    return f"{left} of {size} bytes left"


def change_header(archive: Path, chance: random.Random) -> str:
    if chance.random() < 0.3:
        version = chance.choice([-1, 0, 1, 2, 3, 5, 7, 2**31 - 1])
        with closing(sqlite3.connect(archive / NAME)) as db:
            db.execute(f"PRAGMA user_version = {version}")
        return f"user_version {version}"
    content = bytearray((archive / NAME).read_bytes())
    offset = chance.randrange(100)
    content[offset] = chance.randrange(256)
    (archive / NAME).write_bytes(content)
    return f"byte {offset} of the header"


VALUES: tuple[Any, ...] = (
    None, -1, 0, 2**62, -(2**63), 2**63 - 1, 9e18, float("inf"), "", "x", "{", "[]", "{}", "null",
    '{"state": 5}', '{"a": 1e999}', b"\xff\xfe", b"", "\x00", "2026-06-01", '{"place": [1]}',
)


def change_values(archive: Path, chance: random.Random) -> str:
    with closing(sqlite3.connect(archive / NAME, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        tables = [name for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        table = chance.choice(tables)
        column = chance.choice([row[1] for row in db.execute(f"PRAGMA table_info({table})")])
        value = chance.choice(VALUES)
        where = chance.choice(["", f" WHERE {column} = (SELECT max({column}) FROM {table})"])
        as_text = isinstance(value, bytes) and chance.random() < 0.5
        marked = "CAST(? AS TEXT)" if as_text else "?"
        try:
            db.execute(f"UPDATE {table} SET {column} = {marked}{where}", (value,))
        except sqlite3.IntegrityError:  # a key, or what must hold something
            db.execute(f"UPDATE OR REPLACE {table} SET {column} = {column} + 2.0e15{where}")
    return f"{table}.{column} = {value!r}{' (the latest)' if where else ''}"


def change_tables(archive: Path, chance: random.Random) -> str:
    with closing(sqlite3.connect(archive / NAME, isolation_level=None)) as db:
        table = chance.choice([name for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")])
        statement = chance.choice([
            f"DROP TABLE {table}", f"DELETE FROM {table}", f"ALTER TABLE {table} RENAME TO other",
        ])
        db.execute(statement)
    return statement


def ruin_sidecar(archive: Path, chance: random.Random) -> str:
    name = chance.choice([f"{NAME}-wal", f"{NAME}-shm", "ledger.damaged", "ledger.starts", "noted"])
    content = chance.choice([b"", b"[]", b"{}", b"null", b"\xff" * 5000, chance.randbytes(40_000),
                             b'{"why": 1, "aside": 2}', b"failed\n" * 9, b"began\nbegan\n"])
    (archive / name).write_bytes(content)
    return f"{name} of {len(content)} bytes {content[:20]!r}"


DAMAGES: dict[str, tuple[Damage, int]] = {
    "1 to 20 bits": (flip_bits, 30), "a page": (ruin_page, 20), "cut short": (cut_short, 8),
    "the header": (change_header, 10), "values": (change_values, 24),
    "tables": (change_tables, 4), "files beside it": (ruin_sidecar, 4),
}
"""Each kind, and how many of a hundred are of it."""


# One run

@dataclass
class Seen:
    """What became of one damage."""

    seed: int
    kind: str = ""
    what: str = ""
    seen: bool = False
    starts: list[int] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    slot: bool = False
    up: bool = False
    aside: int = 0
    kept: float = 0.0
    trouble: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether the service came up, answered, and kept nobody from working."""
        return self.up and self.slot and not self.unanswered and not self.trouble


class Wire:
    """The least that a socket needs to be for ``on_receive``."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data


def serve(archive: Path, tell: Callable[[dict[str, Any]], None]) -> None:
    """A start: nine requests, a slot, and the stop; in a process of its own."""
    settings = config.load(archive.with_name("beemon.toml"))
    register = ArchiveSession(archive, result=lambda: None)
    commands: queue.Queue[Any] = queue.Queue()
    reports: queue.Queue[Any] = queue.Queue()
    server = Server(settings=settings, ledger=register, command_queue=commands)
    register.open()
    run = settings, commands, reports.put, register.run_number, RESTING_SECONDS
    orchestrator = threading.Thread(target=work.work, args=run)
    orchestrator.start()
    while not isinstance(reports.get(timeout=START_SECONDS), Started):
        pass
    threading.Thread(target=_hear, args=(server, reports), daemon=True).start()
    for request in REQUESTS:
        wire = Wire()
        server.on_receive(request.encode(), wire, ("127.0.0.1", 1))  # type: ignore[arg-type]
        is_one_line = wire.sent.count(b"\n") == 1 and wire.sent.startswith((b"OK ", b"ERROR "))
        code = "" if wire.sent.startswith(b"OK") else json.loads(wire.sent[6:] or b"{}").get("code")
        tell({"request": request, "answered": is_one_line, "code": code})
    tell({"slot": _sees_slot(archive, register.run_number)})
    commands.put(None)
    orchestrator.join(START_SECONDS)
    register.note_well()
    register.close()


def _hear(server: Server, reports: queue.Queue[Any]) -> None:
    while not isinstance(report := reports.get(), Stopped):
        server._hearing.hear(report)


def _sees_slot(archive: Path, run: int) -> bool:
    """Whether this run accounts for slots, which by an unsure clock it does as jobs alone."""
    deadline = time.monotonic() + SLOT_SECONDS
    with closing(sqlite3.connect(archive / NAME, timeout=10)) as db:
        while time.monotonic() < deadline:
            row = db.execute("SELECT accounted_us FROM runs WHERE run = ?", (run,)).fetchone()
            jobs = db.execute("SELECT count(*) FROM jobs WHERE run = ? AND origin = 'schedule'",
                              (run,)).fetchone()
            if (row and row[0]) or jobs[0]:
                return True
            time.sleep(0.1)
    return False


def forked(archive: Path, act: Callable[[Callable[[dict[str, Any]], None]], None]) -> tuple[
    int, list[dict[str, Any]]
]:
    """Act in a process of its own; its exit status (negative: a signal), and what it told."""
    told_file = archive.with_name("told")
    told_file.write_text("")
    pid = os.fork()
    if pid == 0:
        _child(archive, act, told_file)
    deadline = time.monotonic() + CHILD_SECONDS
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    told = [json.loads(line) for line in told_file.read_text().splitlines()]
    return os.waitstatus_to_exitcode(status), told


def _child(archive: Path, act: Callable[[Callable[[dict[str, Any]], None]], None],
           told_file: Path) -> None:
    log = os.open(archive.with_name("log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)

    def crash(error: object = None) -> None:
        traceback.print_exc()
        if error is not None:
            print(error, file=sys.stderr)
        attempts.note(archive, attempts.FAILED)
        os._exit(EXIT_DEFECT)

    threading.excepthook = crash
    with told_file.open("a", buffering=1) as file:
        try:
            act(lambda fact: print(json.dumps(fact), file=file))
        except OSError:
            traceback.print_exc()
            os._exit(1)
        except BaseException:  # noqa: BLE001  (whatever it is: the process ends of it)
            crash()
    os._exit(0)


def count(archive: Path) -> int:
    """The rows of what cannot be had from files."""
    try:
        with closing(sqlite3.connect(archive / NAME)) as db:
            return sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                       for table in TABLES)
    except sqlite3.DatabaseError:
        return 0


def try_one(template: Path, folder: Path, seed: int) -> Seen:
    """One damage, from the check to what is taken back."""
    chance = random.Random(seed)
    kinds = list(DAMAGES)
    kind = chance.choices(kinds, [DAMAGES[each][1] for each in kinds])[0]
    seen = Seen(seed, kind)
    archive = folder / "archive"
    shutil.copytree(template, archive)
    folder.joinpath("beemon.toml").write_text(CONFIG.format(archive=archive))
    before = count(archive)
    seen.what = DAMAGES[kind][0](archive, chance)
    seen.seen = _check(archive, seen)
    for _ in range(STARTS):
        status, told = forked(archive, lambda tell: serve(archive, tell))
        seen.starts.append(status)
        if status == 0:
            break
    asked = [fact for fact in told if "request" in fact]
    seen.unanswered = [fact["request"] for fact in asked if not fact["answered"]]
    seen.unanswered += list(REQUESTS[len(asked):])
    seen.codes = sorted({fact["code"] for fact in asked if fact["code"]})
    seen.slot = any(fact.get("slot") for fact in told)
    seen.up = seen.starts[-1] == 0
    _check(archive, seen)
    status, _ = forked(archive, lambda tell: serve(archive, tell))
    if status:
        seen.trouble.append(f"the next start ended with {status}")
    seen.aside = len(list(archive.glob("ledger-damaged-*.db")))
    status, _ = forked(archive, lambda _: rebuild(archive) and None)
    if status:
        seen.trouble.append(f"the rebuild ended with {status}")
    seen.kept = min(1.0, count(archive) / before)
    return seen


def _check(archive: Path, seen: Seen) -> bool:
    try:
        return bool(check.check(archive).findings)
    except Exception as error:  # noqa: BLE001  (what a check raises is what is looked for)
        seen.trouble.append(f"the check raised {error!r}")
        return False


# Many

def run_some(template: Path, folder: Path, seeds: list[int]) -> Iterator[Seen]:
    """The damages of these seeds, one after the other."""
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        seen = try_one(template, place, seed)
        yield seen
        if seen.is_right:
            shutil.rmtree(place)


def run_all(folder: Path, seeds: list[int], at_once: int) -> list[Seen]:
    """All of them, in some processes at once."""
    template = folder / "template"
    make(template)
    parts = [seeds[n::at_once] for n in range(at_once)]
    pids = []
    for number, part in enumerate(parts):
        if pid := os.fork():
            pids.append(pid)
            continue
        with (folder / f"seen-{number}").open("w", buffering=1) as file:
            for seen in run_some(template, folder, part):
                print(json.dumps(vars(seen)), file=file)
        os._exit(0)
    for pid in pids:
        os.waitpid(pid, 0)
    lines = "".join((folder / f"seen-{n}").read_text() for n in range(at_once)).splitlines()
    return sorted((Seen(**json.loads(line)) for line in lines), key=lambda seen: seen.seed)


HEADINGS = ("damage", "runs", "seen by `check`", "went on with it", "set aside", "up at 1st start",
            "2nd", "3rd", "never", "unanswered", "rows kept, in %")


def table(found: list[Seen]) -> Iterator[str]:
    """What was seen, as a table of Markdown."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{' --- |' * len(HEADINGS)}"
    for kind in (*DAMAGES, "all"):
        of = [seen for seen in found if kind in (seen.kind, "all")]
        if not of:
            continue
        starts = collections.Counter(len(seen.starts) if seen.up else 0 for seen in of)
        cells = (
            kind, len(of), sum(s.seen for s in of), sum(not s.aside for s in of),
            sum(bool(s.aside) for s in of), starts[1], starts[2], starts[3], starts[0],
            sum(len(s.unanswered) for s in of), f"{100 * sum(s.kept for s in of) / len(of):.1f}",
        )
        yield f"| {' | '.join(map(str, cells))} |"


def main() -> int:
    """Run it; 0 where all is right."""
    parser = argparse.ArgumentParser(prog="damage")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)
    options = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="beemon-damage-"))
    found = run_all(folder, list(range(options.seed, options.seed + options.runs)), options.at_once)
    wrong = [seen for seen in found if not seen.is_right]
    for seen in wrong:
        print(f"seed {seen.seed}: {seen.what}: starts {seen.starts}, unanswered {seen.unanswered},"
              f" slot {seen.slot}, {seen.trouble}; see {folder / str(seen.seed)}")
    print(*table(found), sep="\n")
    print(f"{len(found)} damages in {time.monotonic() - began:.0f} s, {len(wrong)} of them wrong")
    if not wrong:
        shutil.rmtree(folder)
    return 1 if wrong or len(found) < options.runs else 0


if __name__ == "__main__":
    sys.exit(main())
