"""How long `status` takes while another client asks for a year, again and again."""

from __future__ import annotations

import socket
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import roundtrips
from roundtrips import Subject
from services import Beemon
from table import Row

LONG = (
    "completeness 365d", "history sensor.s3 temperature 365d", "jobs 1000", "events 365d",
)
ROUNDS = 5
COUNT = 400


def measure(beemon: Beemon) -> Iterator[Row]:
    """The 99th percentile of `status` alone, then beside each long query."""
    subject = Subject("beemon", "status", beemon.address, b"status\n")
    alone = _p99(subject)
    yield Row("status p99, alone", alone, "ms")
    for text in LONG:
        with _asking(beemon, text) as count:
            beside = _p99(subject)
        name = f"  beside `{text}`, {count[0]} times"
        yield Row(name, beside, "ms", "alone", alone, beside / alone)


def _p99(subject: Subject) -> float:
    roundtrips.drive(subject, 1, roundtrips.WARM_UP)
    times = [
        statistics.quantiles(roundtrips.drive(subject, 1, COUNT), n=100)[98]
        for _ in range(ROUNDS)
    ]
    return statistics.median(times) * 1e3


@contextmanager
def _asking(beemon: Beemon, text: str) -> Iterator[list[int]]:
    """Another client that asks without a pause; how often it did."""
    count, ending = [0], threading.Event()

    def ask() -> None:
        with socket.create_connection(beemon.address, timeout=60) as connection:
            lines = connection.makefile("rb")
            while not ending.is_set():
                connection.sendall(f"{text}\n".encode())
                if not lines.readline().startswith(b"OK"):
                    raise RuntimeError(f"beemon refused {text}")
                count[0] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield count
    finally:
        ending.set()
        thread.join()
