"""Every write path with its n-th call failing: ``fiu-run -x python -m tests.grounds.failing``.

Each run does one path again and again, in a new folder, until the n-th call of a kind has failed
(a write with ENOSPC, a sync with EIO); then the disk is well again, and it is judged what the path
left: nothing that was promised may be missing or wrong, and after a sync that failed nothing may
be synced before it was written anew. What it saw is printed as JSON.

    python -m tests.grounds.failing FOLDER FIRST STEP LAST [PATH...]
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import logging
import os
import queue
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import Pipe
from pathlib import Path

from beemon import devices
from beemon.base import outcomes
from beemon.base.moments import US_PER_DAY
from beemon.base.recording import RecordingFacts
from beemon.config import settings as config
from beemon.ledger import recordings as catalog
from beemon.ledger import recovery
from beemon.ledger.ledger import Ledger
from beemon.ledger.session import ArchiveSession
from beemon.ledger.writer import LedgerWriter
from beemon.media.tags import Tags
from beemon.retention.keeper import Keeper, LedgerStuckError, through
from beemon.storage import files
from beemon.storage.files import Place
from beemon.storage.space import Space
from beemon.worker.messages import Work
from beemon.worker.worker import Worker

POINTS = {
    "write": ("posix/io/rw/write", "posix/io/rw/pwrite", "posix/io/rw/writev"),
    "sync": ("posix/io/sync/fsync", "posix/io/sync/fdatasync"),
}
ERRORS = {"write": errno.ENOSPC, "sync": errno.EIO}
MOST_TURNS = 400
TAGS = Tags("hive", "microphone.brood", 1)
SOON = 20.0  # seconds; only a defect takes that long


class Fault:
    """Has one call fail: the n-th of its kind after :meth:`arm`. libfiu asks before each."""

    def __init__(self) -> None:
        self._fiu = ctypes.CDLL("libfiu.so.0")
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, *[ctypes.c_void_p] * 3)
        self._callbacks = []  # libfiu holds no reference
        self._kind, self._left = "", 0
        self.struck = False
        self.seen: list[str] = []
        for what, names in POINTS.items():
            for name in names:
                callback = kind(lambda *_, what=what: self._is_due(what))
                self._callbacks.append(callback)
                info = ctypes.c_void_p(ERRORS[what])
                self._fiu.fiu_enable_external(name.encode(), 1, info, 0, callback)

    def arm(self, kind: str, number: int) -> None:
        self._kind, self._left = kind, number
        self.struck, self.seen = False, []

    def disarm(self) -> None:
        self._kind = ""

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What is written inside is not the service's."""
        kind, self._kind = self._kind, ""
        yield
        self._kind = kind

    def synced_alone(self) -> bool:
        """Whether, after the sync that failed, the next one came without a write between."""
        after = self.seen[self.seen.index("failed") + 1 :] if "failed" in self.seen else []
        return self._kind == "sync" and after[:1] == ["sync"]

    def _is_due(self, kind: str) -> int:
        if not self._kind:
            return 0
        due = kind == self._kind and not self.struck
        if due:
            self._left -= 1
        strikes = due and self._left == 0
        self.struck = self.struck or strikes
        self.seen.append("failed" if strikes else kind)
        return int(strikes)


class WritePath:
    """One write path: ``turn`` does it once, ``judge`` says what is wrong afterwards.

    ``rewrites``: after a sync that failed, it writes before it syncs the next time.
    """

    rewrites = True

    def __init__(self, folder: Path, fault: Fault) -> None:
        self.folder, self.fault = folder, fault

    def turn(self, number: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Bring it to its end, on a disk that is well."""

    def judge(self) -> list[str]:
        raise NotImplementedError


class Archived(WritePath):
    """What has an archive: a Server's hand in it, and the Orchestrator's writer."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        super().__init__(folder, fault)
        self.archive = folder / "archive"
        self.register = ArchiveSession(self.archive)
        self.register.open()
        self.writer = LedgerWriter(
            self.archive, self.register.run_number, lambda _: None, retry_seconds=0.001
        )
        self.writer.start()
        self.accepted: list[int] = []
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    def accept(self) -> int | None:
        try:
            job = self.register.accept("record microphone.brood 1", "test")
        except (sqlite3.OperationalError, OSError):
            return None  # refused: no-ledger
        self.accepted.append(job)
        return job

    def write(self, change: Callable[[Ledger], object]) -> object:
        return through(self.writer.write, SOON)(change)

    def close(self) -> None:
        assert self.writer.finish(SOON)
        self.register.close()

    def rows(self, query: str) -> list[sqlite3.Row]:
        db = sqlite3.connect(self.archive / "ledger.db")
        db.row_factory = sqlite3.Row
        with contextlib.closing(db):
            return db.execute(query).fetchall()

    def judge(self) -> list[str]:
        jobs = {row["job"]: row["outcome"] for row in self.rows("SELECT * FROM jobs")}
        integrity = self.rows("PRAGMA integrity_check")[0][0]
        return [
            *(f"job {job} was accepted and is not there" for job in self.accepted
              if job not in jobs),
            *([f"the ledger: {integrity}"] if integrity != "ok" else []),
            *self._unkept(),
        ]

    def _unkept(self) -> Iterator[str]:
        for row in self.rows("SELECT * FROM recordings WHERE deleting_us IS NULL"):
            try:
                _, sha256 = files.digest(self.archive / row["path"])
            except OSError as error:
                yield f"recording {row['recording']}: {error}"
            else:
                if sha256 != row["sha256"]:
                    yield f"recording {row['recording']} is another"
        known = {row["path"] for row in self.rows("SELECT path FROM recordings")}
        known |= {row["final"] for row in self.rows("SELECT * FROM jobs WHERE leftover NOT NULL")}
        for file in (self.archive / "recordings").rglob("*"):
            name = str(file.relative_to(self.archive))
            if file.is_file() and not files.is_temporary(file) and name not in known:
                yield f"{name} is in no row"


class Accepting(Archived):
    """The ledger: a command is accepted, and its job ends done."""

    def turn(self, number: int) -> None:
        job = self.accept()
        if job is not None:
            self.write(lambda ledger: ledger.end(job, outcomes.done()))
            self.ended.put(job)

    def judge(self) -> list[str]:
        done = {row["job"] for row in self.rows("SELECT job FROM jobs WHERE outcome = 'done'")}
        ended = {self.ended.get() for _ in range(self.ended.qsize())}
        return [*super().judge(), *(f"job {job} is not done" for job in ended - done)]


class Recording(Archived):
    """A recording: placed in the folder of a new day, written, checked, kept, entered."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        super().__init__(folder, fault)
        options = {"driver": "simulated", "speed": 100_000.0}
        device = devices.load("microphone", "microphone.brood", options)
        device.open()
        settings = config.DeviceSettings(
            name="microphone.brood", kind="microphone", table=options, lines={"": "here"}
        )
        pipe, _ = Pipe()
        self.worker = Worker("microphone.brood", {"microphone.brood": settings}, pipe)
        self.worker._devices, self.worker._running = {"microphone.brood": device}, {}

    def turn(self, number: int) -> None:
        job = self.accept()
        if job is None:
            return
        where = self.write(lambda ledger: self._place(ledger, job, number))
        if where is None:
            self.write(lambda ledger: ledger.end(job, outcomes.failed("disk-full")))
            return
        work = Work(1, "microphone.brood", "record", 0.2, where, tags=TAGS)
        try:
            done = self.worker._carry_out(work, threading.Event())
        except OSError as error:
            self.write(partial(self._fail, job=job, where=where, message=str(error)))
            return
        self.write(lambda ledger: self._keep(ledger, job, where, done.recording))

    def _place(self, ledger: Ledger, job: int, number: int) -> Place | None:
        try:
            where = files.find_place(
                self.archive, "hive", "microphone.brood", ".flac", number * US_PER_DAY
            )
        except OSError:
            return None
        ledger.begin(job, "microphone.brood", where)
        return where

    def _keep(self, ledger: Ledger, job: int, where: Place, made: RecordingFacts) -> None:
        catalog.enter(ledger, job, "microphone.brood", where.final, made)
        name = ledger.relative(where.final)
        ledger.end(job, outcomes.done(recording=name, seconds=made.seconds))

    def _fail(self, ledger: Ledger, job: int, where: Place, message: str) -> None:
        said, facts = recovery.keep_rest(ledger, where)
        ledger.end(job, outcomes.failed("archive-error", f"{message}; {said}", **facts))

    def judge(self) -> list[str]:
        left_open = self.rows("SELECT job FROM jobs WHERE outcome IS NULL")
        kept = {row["path"] for row in self.rows("SELECT path FROM recordings")}
        done = self.rows("SELECT job, facts FROM jobs WHERE outcome = 'done'")
        return [
            *super().judge(),
            *(f"job {row['job']} has no outcome" for row in left_open),
            *([] if done else ["nothing was done"]),
            *(f"job {row['job']} is done without a recording" for row in done
              if json.loads(row["facts"])["recording"] not in kept),
        ]


class LastGood(WritePath):
    """The copy of the config that ran last."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        super().__init__(folder, fault)
        self.file = folder / "beemon.toml"
        self.kept: set[str] = set()

    def turn(self, number: int) -> None:
        name = f"hive-{number}"
        self.kept.add(name)
        content = f'[hive]\nname = "{name}"\n'.encode()
        config.keep_last_good(
            config.Settings(source=self.file, files={self.file.name: content})
        )

    def judge(self) -> list[str]:
        try:
            found = config.load_last_good(self.file, config.ConfigError([])).hive.name
        except config.ConfigError:
            return [] if len(self.kept) < 2 else ["there is no last good config"]
        return [] if found in self.kept else [f"the last good config is of {found}"]


class Deleting(Archived):
    """Retention: recordings are deleted on a disk that is always short of space."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        super().__init__(folder, fault)
        settings = config.RetentionSettings()
        self.keeper = Keeper(
            self.archive, settings, ["microphone.brood"], self.write, lambda _: None,
            look=lambda _: Space(499_999_000, 2_000_000_000),
        )

    def turn(self, number: int) -> None:
        self.write(lambda ledger: self._add(ledger, number))
        self.keeper.round()

    def _add(self, ledger: Ledger, number: int) -> None:
        """A recording of which the file was written by another process."""
        path = self.archive / "recordings" / str(number % 7) / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        sha256 = hashlib.sha256(b"").hexdigest()
        job = ledger.accept("record microphone.brood 1", "test")
        catalog.enter(ledger, job, "microphone.brood", path, RecordingFacts(size=0, sha256=sha256))

    def write(self, change: Callable[[Ledger], object]) -> object:
        with contextlib.suppress(LedgerStuckError):
            return super().write(change)

    def close(self) -> None:
        for _ in range(3):
            self.keeper.round()
        super().close()

    def judge(self) -> list[str]:
        half = self.rows(
            "SELECT * FROM recordings WHERE deleting_us IS NOT NULL AND deleted_us IS NULL"
        )
        gone = self.rows("SELECT path FROM recordings WHERE deleted_us IS NOT NULL")
        return [
            *super().judge(),
            *(f"recording {row['recording']} is half deleted" for row in half),
            *(f"{row['path']} is there all the same" for row in gone
              if (self.archive / row["path"]).exists()),
        ]


class Starting(WritePath):
    """A start: the lock, a run, what an earlier one left open, each third time a damaged ledger."""

    rewrites = False  # it closes the ledger, which syncs another file

    def __init__(self, folder: Path, fault: Fault) -> None:
        super().__init__(folder, fault)
        self.archive = folder / "archive"
        self.accepted = 0
        self.damaged: list[bytes] = []

    def turn(self, number: int) -> None:
        if number % 3 == 2 and len(self.damaged) < 3:
            self._damage()
        register = ArchiveSession(self.archive)
        with contextlib.suppress(OSError, sqlite3.OperationalError):
            register.open()
            register.accept("read", "test")
            self.accepted += 1
        register.close()

    def _damage(self) -> None:
        ledger = self.archive / "ledger.db"
        if ledger.exists() and ledger.read_bytes() in self.damaged:
            return  # the last one is not set aside yet
        content = f"no ledger {len(self.damaged)}".encode() * 1000
        for file in self.archive.glob("ledger.db*"):
            file.unlink()
        with self.fault.paused():
            ledger.write_bytes(content)
        self.damaged.append(content)
        self.accepted = 0

    def close(self) -> None:
        register = ArchiveSession(self.archive)
        register.open()
        register.close()

    def judge(self) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.archive / "ledger.db")) as db:
            (jobs,) = db.execute("SELECT count(*) FROM jobs").fetchone()
            (left_open,) = db.execute(
                "SELECT count(*) FROM jobs WHERE outcome IS NULL"
            ).fetchone()
        aside = {file.read_bytes() for file in self.archive.glob("ledger-damaged-*.db")}
        return [
            *([f"{self.accepted} jobs were accepted, {jobs} are there"]
              if jobs < self.accepted else []),
            *([f"{left_open} jobs were left open"] if left_open else []),
            *(["a damaged ledger has gone"] if set(self.damaged) - aside else []),
        ]


PATHS = {
    "ledger": Accepting,
    "recording": Recording,
    "last-good": LastGood,
    "retention": Deleting,
    "start": Starting,
}


def run(path: type[WritePath], folder: Path, fault: Fault, kind: str, number: int) -> list[str]:
    """Do a path until that call has failed; what is wrong then."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subject = path(folder, fault)
    fault.arm(kind, number)
    for turn in range(MOST_TURNS):
        subject.turn(turn)
        if fault.struck:
            subject.turn(turn + 1)  # the next one finds a disk that is well
            break
    alone = path.rewrites and fault.synced_alone()
    fault.disarm()
    subject.close()
    found = subject.judge() + (["it synced again without writing"] if alone else [])
    return found + ([] if fault.struck else ["it makes too few calls"])


def main(folder: Path, calls: range, names: list[str]) -> int:
    """Each path with each of these calls failing; 1 where anything is wrong."""
    os.environ["STATE_DIRECTORY"] = str(folder / "run" / "state")
    logging.disable(logging.CRITICAL)
    fault = Fault()
    wrong = []
    for name in names or PATHS:
        for kind in POINTS:
            for number in calls:
                found = run(PATHS[name], folder / "run", fault, kind, number)
                wrong += [f"{name}, {kind} {number}: {what}" for what in found]
    print(json.dumps({"runs": len(calls) * len(POINTS) * len(names or PATHS), "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    first, step, last = map(int, sys.argv[2:5])
    sys.exit(main(Path(sys.argv[1]), range(first, last + 1, step), sys.argv[5:]))
