"""How long the durable acknowledgement of a command takes, against a bare SQLite insert.

The insert has the ledger's pragmas (WAL, synchronous=FULL) and a row of the same kind, in a
database beside the archive. beemon's time goes from the client's send to its reply: TCP, parse,
checks, the commit, and the place on the queue. An insert and an acknowledgement take turns, with
a pause before each, as commands come in life; then blocks of each are done back to back, where a
commit costs half as much, since neither processor nor disk has gone to sleep. Both are repeated
beside a TCP server that does nothing but that insert: the rest of the ratio is the way there and
back. At last several clients command back to back, each on its own connection: then one commit
enters several commands.
"""

from __future__ import annotations

import socket
import sqlite3
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import services
from roundtrips import Address, connected, drive_together
from services import Beemon
from table import Row

IN_A_ROUND = 40
WARM_UP = 600  # commits, so that both write into a log that no longer grows
PAUSE_SECONDS = 0.005
TARGET, TARGET_BACK_TO_BACK = 1.5, 2.0
CLIENTS, TARGET_COMMITS = 8, 0.5  # for each command; one sync each would be 1
_BARE_TABLE = """
CREATE TABLE jobs (
    job INTEGER PRIMARY KEY, run INTEGER NOT NULL, command TEXT NOT NULL,
    origin TEXT NOT NULL, accepted_us INTEGER NOT NULL, accepted_monotonic REAL NOT NULL,
    clock TEXT NOT NULL, outcome TEXT
)"""
_BARE_INSERT = (
    "INSERT INTO jobs (run, command, origin, accepted_us, accepted_monotonic, clock)"
    " VALUES (1, 'record microphone.brood 10', '127.0.0.1:40000', ?, ?, 'synchronised')"
)

Action = Callable[[], None]
Times = tuple[list[float], list[float]]
"""Seconds for each acknowledgement, and for each insert."""


def measure(beemon: Beemon, rounds: int) -> list[Row]:
    """`record` with pauses and without; then with an Orchestrator that writes at the same time."""
    with (
        closing(bare_database(beemon.folder / "bare.db")) as bare, _saying(beemon.address) as say,
        services.peer(
            "inserting", beemon.folder, {"path": str(beemon.folder / "peer.db")}
        ) as peer,
        _saying(peer) as say_to_peer,
    ):

        def insert() -> None:
            insert_bare(bare)

        for _ in range(WARM_UP // IN_A_ROUND):
            _ended_at_once(beemon, say, insert)
        for _ in range(WARM_UP):
            say_to_peer("any")
        record = partial(say, "record microphone.brood 10")
        paced = [_while_busy(beemon, record, insert, _in_turns) for _ in range(rounds)]
        quick = [_while_busy(beemon, record, insert, _in_blocks) for _ in range(rounds)]
        told = partial(say_to_peer, "any")
        served = [_while_busy(beemon, record, told, _in_turns) for _ in range(rounds)]
        quickly_served = [_while_busy(beemon, record, told, _in_blocks) for _ in range(rounds)]
        commits: list[float] = []
        crowded = [
            _while_busy(beemon, record, insert, partial(_in_crowd, beemon, commits))
            for _ in range(rounds)
        ]
        shared = [_ended_at_once(beemon, say, insert) for _ in range(rounds)]
    return [
        _row("record acknowledged, p50", paced, TARGET),
        _row("  back to back", quick, TARGET_BACK_TO_BACK),
        _row("  alone, beside the same over TCP", served, None, "TCP server that inserts"),
        _row("  and back to back", quickly_served, None, "TCP server that inserts"),
        _row(f"  {CLIENTS} clients back to back, each", crowded, None),
        Row("  commits for each of those", statistics.median(commits), "", target=TARGET_COMMITS),
        _row("  and an outcome entered for each", shared, None),
    ]


def _row(
    name: str, rounds: list[Times], target: float | None, reference: str = "bare SQLite insert"
) -> Row:
    """Medians in ms, and the median of the rounds' ratios."""
    mine = [statistics.median(acknowledged) * 1e3 for acknowledged, _ in rounds]
    theirs = [statistics.median(inserted) * 1e3 for _, inserted in rounds]
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    insert = statistics.median(theirs)
    return Row(name, statistics.median(mine), "ms", reference, insert, ratio, target)


def _in_turns(acknowledge: Action, insert: Action) -> Times:
    mine, theirs = [], []
    for _ in range(IN_A_ROUND):
        time.sleep(PAUSE_SECONDS)
        mine.append(_timed(acknowledge))
        time.sleep(PAUSE_SECONDS)
        theirs.append(_timed(insert))
    return mine, theirs


def _in_blocks(acknowledge: Action, insert: Action) -> Times:
    theirs = [_timed(insert) for _ in range(IN_A_ROUND)]
    return [_timed(acknowledge) for _ in range(IN_A_ROUND)], theirs


def _in_crowd(beemon: Beemon, commits: list[float], _: Action, insert: Action) -> Times:
    """The time from the first request to the last reply, shared out; and the commits likewise."""
    theirs = [_timed(insert) for _ in range(IN_A_ROUND)]
    with connected(beemon.address, CLIENTS) as sockets:
        for _took in drive_together(sockets, b"ping\n", CLIENTS):
            pass  # each connection has its thread
        before, job = _commits(beemon), _latest_job(beemon)
        began = time.perf_counter()
        for _took in drive_together(sockets, b"record microphone.brood 10\n", IN_A_ROUND):
            pass
        seconds = time.perf_counter() - began
    commits.append((_commits(beemon) - before) / IN_A_ROUND)
    if _latest_job(beemon) < job + IN_A_ROUND:  # a sensor may have been due as well
        raise RuntimeError("beemon refused some of the commands")
    return [seconds / IN_A_ROUND], theirs


def _latest_job(beemon: Beemon) -> int:
    job: int = beemon.ask("jobs 1")["jobs"][0]["job"]
    return job


def _commits(beemon: Beemon) -> int:
    """The commits so far; each syncs the log (sqlite.org/walformat.html, 2.1: iChange)."""
    index = (beemon.folder / "archive" / "ledger.db-shm").read_bytes()
    count: int = struct.unpack_from("=I", index, 8)[0]
    return count


def _ended_at_once(beemon: Beemon, say: Callable[[str], None], insert: Action) -> Times:
    """`start all`: the Orchestrator commits an outcome for each, in the same file."""
    times = _in_blocks(partial(say, "start all"), insert)
    beemon.ask(f"wait {beemon.ask('jobs 1')['jobs'][0]['job']}")
    return times


def _while_busy(
    beemon: Beemon, acknowledge: Action, insert: Action, how: Callable[[Action, Action], Times]
) -> Times:
    """While the microphone records: each `record` waits its turn, so only the Server writes."""
    first = beemon.ask("record microphone.brood 600")["job"]
    _await_started(beemon, first)
    times = how(acknowledge, insert)
    last = beemon.ask("cancel microphone.brood")["job"]
    for job in range(first, last + 1):
        beemon.ask(f"wait {job}")
    return times


def _await_started(beemon: Beemon, job: int) -> None:
    """The recording has begun, so nothing more is written about it until it ends."""
    deadline = time.monotonic() + 30
    while "started" not in beemon.ask(f"job {job}"):
        if time.monotonic() > deadline:
            raise RuntimeError("the simulated microphone does not record")
        time.sleep(0.05)


@contextmanager
def _saying(address: Address) -> Iterator[Callable[[str], None]]:
    """What says a command on one connection, and returns when it was acknowledged."""
    with socket.create_connection(address, timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = connection.makefile("rb")

        def say(text: str) -> None:
            connection.sendall(f"{text}\n".encode())
            reply = lines.readline()
            if not reply.startswith(b"OK"):
                raise RuntimeError(f"{text} was refused: {reply!r}")

        yield say


def bare_database(path: Path) -> sqlite3.Connection:
    """A database with one table, and the ledger's pragmas."""
    bare = sqlite3.connect(path, isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute(_BARE_TABLE)
    return bare


def insert_bare(bare: sqlite3.Connection) -> int:
    """Insert a row durably; return its number."""
    bare.execute("BEGIN IMMEDIATE")
    row = bare.execute(_BARE_INSERT, (time.time_ns() // 1000, time.monotonic())).lastrowid
    bare.execute("COMMIT")
    return row or 0


def _timed(action: Action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
