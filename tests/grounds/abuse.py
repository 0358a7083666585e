"""What ``scripts/abuse`` runs: a service under bad requests, then under random kills."""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from beemon.protocol.lines import parse_reply
from beemon.repair.check import check
from tests.corpus import MESSAGES
from tests.hive import SHORT_SLOTS, Hive, until

CLIENTS = 8
A_CONNECTION = 12
"""Requests that a client sends before it connects anew."""
SCHEDULED = SHORT_SLOTS + """[camera.entrance]
driver = "simulated"
width = 160
height = 120
frame_rate = 10
[sensor.scale]
driver = "simulated"
"""
WORK = [b"record microphone.brood 0.3", b"read sensor.climate", b"snapshot camera.entrance",
        b"start all", b"reload", b"inspection end"]


class Tally:
    """What the clients saw, counted under one lock; ``jobs`` are those that were accepted."""

    def __init__(self) -> None:
        self.sent = self.answered = 0
        self.codes: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self.jobs: set[int] = set()
        self._lock = threading.Lock()

    def take(self, request: bytes, line: bytes) -> bool:
        """Keep a request's reply; False where there was none."""
        with self._lock:
            self.sent += 1
            if not line.endswith(b"\n"):
                return False
            try:
                ok, payload = parse_reply(line)
            except ValueError as error:
                self.wrong.append(f"{request[:60]!r}: {error}")
                return True
            self.answered += 1
            self.codes["OK" if ok else payload["code"]] += 1
            if payload.get("code") == "defect":
                self.wrong.append(f"{request[:60]!r}: {payload['message']}")
            if ok and set(payload) == {"job"}:
                self.jobs.add(payload["job"])
            return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=26)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="abuse-") as folder:
        hive = Hive(Path(folder), SCHEDULED)
        fuzzed, flowing = Tally(), Tally()
        with hive:
            ask_at_once(hive, fuzzed, options.requests // CLIENTS, options.seed)
            status = hive.stop()
        kills = kill_at_random(hive, flowing, options.kills, options.seed)
        return judge(hive, fuzzed, flowing, kills, status)


def ask_at_once(hive: Hive, tally: Tally, each: int, seed: int) -> None:
    """Eight clients send ``each`` requests, and read the one reply of each."""
    threads = [
        threading.Thread(target=ask_in_turn, args=(hive, tally, each, random.Random(f"{seed} {n}")))
        for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask_in_turn(hive: Hive, tally: Tally, each: int, dice: random.Random) -> None:
    sent = 0
    while sent < each:
        with connected(hive) as (connection, lines):
            for _ in range(A_CONNECTION):
                request = garbled(dice)
                send(connection, request, dice)
                sent += 1
                with contextlib.suppress(ConnectionError):
                    line = lines.readline()
                if not tally.take(request, line):
                    tally.wrong.append(f"{request[:60]!r}: no reply")
                    break
                if may_close(line):
                    break


def may_close(line: bytes) -> bool:
    """Whether this reply may be the connection's last."""
    return line.startswith(b"ERROR")


def garbled(dice: random.Random) -> bytes:
    """A request of the corpus, as it is or with some bytes changed, or bytes by chance."""
    kind = dice.random()
    if kind < 0.1:
        return bytes(b for b in dice.randbytes(dice.randrange(1, 1500)) if b != 10) or b"?"
    request = bytearray(dice.choice(MESSAGES).sent)
    if kind < 0.6:
        for _ in range(dice.randrange(1, 4)):
            request.insert(dice.randrange(len(request) + 1), dice.randrange(256))
    return bytes(request).replace(b"\n", b" ").replace(b"3600", b"0.3")


def send(connection: socket.socket, request: bytes, dice: random.Random) -> None:
    """In one piece or two."""
    cut = dice.randrange(len(request) + 1)
    with contextlib.suppress(ConnectionError):
        connection.sendall(request[:cut])
        connection.sendall(request[cut:] + b"\n")


@contextlib.contextmanager
def connected(hive: Hive) -> Iterator[tuple[socket.socket, socket.SocketIO]]:
    with socket.create_connection(("127.0.0.1", hive.port), timeout=30) as connection:
        yield connection, connection.makefile("rb")


def kill_at_random(hive: Hive, tally: Tally, kills: int, seed: int) -> int:
    """Kill one process after another while commands flow, and start the service as systemd does."""
    dice, over = random.Random(seed), threading.Event()
    hive.start()
    flows = [
        threading.Thread(target=flow, args=(hive, tally, over, random.Random(n))) for n in range(4)
    ]
    for thread in flows:
        thread.start()
    done = 0
    while done < kills:
        time.sleep(dice.uniform(0.2, 2.0))
        done += kill_one(hive, dice)
    over.set()
    for thread in flows:
        thread.join()
    hive.stop()
    return done


def kill_one(hive: Hive, dice: random.Random) -> bool:
    """Kill the Server, the Orchestrator or a worker; whether there was one to kill."""
    assert hive.process is not None
    victims = [hive.process.pid, *hive.children().values()]
    with contextlib.suppress(ProcessLookupError):
        os.kill(dice.choice(victims), signal.SIGKILL)
        time.sleep(0.5)
        until(lambda: hive.process.poll() is not None or hive.answers(), 30)
        if hive.process.poll() is not None:
            hive.start()
        return True
    return False


def flow(hive: Hive, tally: Tally, over: threading.Event, dice: random.Random) -> None:
    while not over.is_set():
        with contextlib.suppress(OSError), connected(hive) as (connection, lines):
            while not over.is_set():
                request = dice.choice(WORK)
                connection.sendall(request + b"\n")
                if not tally.take(request, lines.readline()):
                    break
                time.sleep(0.01)


def judge(hive: Hive, fuzzed: Tally, flowing: Tally, kills: int, status: int) -> int:
    """Print what was seen; 0 where all of it is as it should be."""
    accepted = fuzzed.jobs | flowing.jobs
    with contextlib.closing(sqlite3.connect(hive.archive / "ledger.db")) as db:
        ended = {job for (job,) in db.execute("SELECT job FROM jobs WHERE outcome IS NOT NULL")}
    with hive:
        sums = hive.ask("completeness 1d")
        hive.stop()
    report = check(hive.archive, full=True)
    wrong = [*fuzzed.wrong, *flowing.wrong, *map(str, report.findings)]
    wrong += [f"job {job} was accepted and has no outcome" for job in sorted(accepted - ended)]
    wrong += [] if sums["adds_up"] else [f"the slots do not add up: {sums}"]
    wrong += [] if status == 0 else [f"the service ended with {status}"]
    print(f"{fuzzed.sent} requests, {fuzzed.answered} replies: {dict(fuzzed.codes.most_common())}")
    print(f"{kills} kills among {flowing.sent} commands, {len(flowing.jobs)} acknowledged")
    print(f"{len(accepted)} accepted jobs, {len(accepted & ended)} with an outcome; "
          f"{report.recordings} recordings are as the ledger says")
    for sentence in wrong[:20]:
        print(f"WRONG {sentence}")
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
