"""How long the durable acknowledgement of a command takes, against a bare SQLite insert.

The insert has the ledger's pragmas (WAL, synchronous=FULL) and a row of the same kind, in a
database beside the archive. beemon's time goes from the client's send to its reply: TCP, parse,
checks, the commit, and the place on the queue.
"""

from __future__ import annotations

import socket
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from services import Beemon
from table import Row

IN_A_ROUND = 40
TARGET = 1.5
_BARE_TABLE = """
CREATE TABLE jobs (
    job INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, command TEXT NOT NULL,
    origin TEXT NOT NULL, accepted_us INTEGER NOT NULL, accepted_monotonic REAL NOT NULL,
    clock TEXT NOT NULL, outcome TEXT
)"""
_BARE_INSERT = (
    "INSERT INTO jobs (run, command, origin, accepted_us, accepted_monotonic, clock)"
    " VALUES (1, 'record microphone.brood 10', '127.0.0.1:40000', ?, ?, 'synchronised')"
)


def measure(beemon: Beemon, rounds: int) -> list[Row]:
    """Two figures: with an Orchestrator that writes nothing meanwhile, and with one that does."""
    with closing(_bare(beemon.folder / "bare.db")) as bare:
        def insert() -> None:
            _insert(bare)

        quiet = _compare(lambda: _queued_records(beemon), insert, rounds)
        busy = _compare(lambda: _ended_at_once(beemon), insert, rounds)
    return [
        Row("record acknowledged, p50", *quiet, target=TARGET),
        Row("same, an outcome is entered for each", *busy),
    ]


def _compare(
    acknowledgements: Callable[[], list[float]], insert: Callable[[], None], rounds: int
) -> tuple[float, str, str, float, float]:
    mine, theirs = [], []
    for _ in range(rounds):
        theirs.append(statistics.median(_timed(insert) for _ in range(IN_A_ROUND)) * 1e3)
        mine.append(statistics.median(acknowledgements()) * 1e3)
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return statistics.median(mine), "ms", "bare SQLite insert", statistics.median(theirs), ratio


def _queued_records(beemon: Beemon) -> list[float]:
    """`record` while the microphone is busy: each command waits, so only the Server writes."""
    first = beemon.ask("record microphone.brood 600")["job"]
    _await_running(beemon, first)
    with socket.create_connection(beemon.address, timeout=30) as connection:
        lines = connection.makefile("rb")
        times, jobs = [], []
        for _ in range(IN_A_ROUND):
            times.append(_timed(lambda: _say(connection, lines, "record microphone.brood 10")))
        jobs = [entry["job"] for entry in beemon.ask(f"jobs {IN_A_ROUND + 1}")["jobs"]]
    for job in jobs:
        beemon.ask(f"cancel {job}")
    for job in jobs:
        beemon.ask(f"wait {job}")
    return times


def _ended_at_once(beemon: Beemon) -> list[float]:
    """`start all` back to back: the Orchestrator commits an outcome for each, in the same file."""
    with socket.create_connection(beemon.address, timeout=30) as connection:
        lines = connection.makefile("rb")
        times = [_timed(lambda: _say(connection, lines, "start all")) for _ in range(IN_A_ROUND)]
    beemon.ask(f"wait {beemon.ask('jobs 1')['jobs'][0]['job']}")
    return times


def _say(connection: socket.socket, lines: socket.SocketIO, text: str) -> None:
    connection.sendall(f"{text}\n".encode())
    reply = lines.readline()
    if not reply.startswith(b"OK"):
        raise RuntimeError(f"beemon refused {text}: {reply!r}")


def _await_running(beemon: Beemon, job: int) -> None:
    """The recording has begun, so nothing more is written about it until it ends."""
    deadline = time.monotonic() + 30
    while "started" not in beemon.ask(f"job {job}"):
        if time.monotonic() > deadline:
            raise RuntimeError("the simulated microphone does not record")
        time.sleep(0.05)


def _bare(path: Path) -> sqlite3.Connection:
    bare = sqlite3.connect(path, isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute(_BARE_TABLE)
    return bare


def _insert(bare: sqlite3.Connection) -> None:
    bare.execute("BEGIN IMMEDIATE")
    bare.execute(_BARE_INSERT, (time.time_ns() // 1000, time.monotonic()))
    bare.execute("COMMIT")


def _timed(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
