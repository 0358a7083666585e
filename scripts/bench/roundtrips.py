"""How long a request takes, at one connection and at several, in interleaved rounds."""

from __future__ import annotations

import select
import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from table import Row

Address = tuple[str, int]

REQUESTS = 1500
WARM_UP = 50
TARGET = 1.5
LABELS = {
    "threading": "ThreadingTCPServer", "echo": "bare echo", "asyncio": "asyncio streams",
    "redis": "redis-server",
}


@dataclass(frozen=True)
class Subject:
    """One kind of request to one server."""

    server: str
    word: str
    address: Address
    request: bytes


@dataclass
class Figures:
    """What each round gave: p50 and p99 in µs, and requests a second."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)

    def add(self, seconds: list[float], whole: float) -> None:
        """Take one round."""
        percentiles = statistics.quantiles(seconds, n=100)
        self.p50.append(percentiles[49] * 1e6)
        self.p99.append(percentiles[98] * 1e6)
        self.rate.append(len(seconds) / whole)


def measure(subjects: list[Subject], connections: int, rounds: int) -> dict[Subject, Figures]:
    """Every subject once in each round, in an order that turns, so that drift hits all alike."""
    figures: dict[Subject, Figures] = defaultdict(Figures)
    for number in range(rounds):
        turn = number % len(subjects)
        for subject in subjects[turn:] + subjects[:turn]:
            drive(subject, connections, WARM_UP)
            began = time.perf_counter()
            seconds = drive(subject, connections, REQUESTS)
            figures[subject].add(seconds, time.perf_counter() - began)
    return figures


def drive(subject: Subject, connections: int, count: int) -> list[float]:
    """``count`` requests, one at a time on each connection; the seconds that each took."""
    with connected(subject.address, connections) as sockets:
        if connections == 1:
            return [_round_trip(sockets[0], subject.request) for _ in range(count)]
        return list(drive_together(sockets, subject.request, count))


@contextmanager
def connected(address: Address, connections: int) -> Iterator[list[socket.socket]]:
    """So many connections to a server."""
    sockets = [socket.create_connection(address, timeout=10) for _ in range(connections)]
    try:
        for connection in sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sockets
    finally:
        for connection in sockets:
            connection.close()


def _round_trip(connection: socket.socket, request: bytes) -> float:
    began = time.perf_counter()
    connection.sendall(request)
    _read_line(connection)
    return time.perf_counter() - began


def _read_line(connection: socket.socket) -> None:
    data = connection.recv(65536)
    while not data.endswith(b"\n"):
        if not data:
            raise ConnectionError("the server hung up")
        data = connection.recv(65536)


def drive_together(
    sockets: list[socket.socket], request: bytes, count: int
) -> Iterator[float]:
    """The seconds of each request, on all connections at once.

    One thread does it, so that the client's own threads do not count.
    """
    poll = select.epoll()
    by_number = {connection.fileno(): connection for connection in sockets}
    began = {}
    for number, connection in by_number.items():
        poll.register(number, select.EPOLLIN)
        began[number] = time.perf_counter()
        connection.sendall(request)
    unsent = count - len(sockets)
    while began:
        for number, _ in poll.poll(10):
            _read_line(by_number[number])
            now = time.perf_counter()
            yield now - began.pop(number)
            if unsent > 0:
                unsent -= 1
                began[number] = now
                by_number[number].sendall(request)
    poll.close()


def rows(figures: dict[Subject, Figures], connections: int) -> Iterator[Row]:
    """beemon beside each of its peers. Ratios are medians of the rounds' ratios."""
    for own in (subject for subject in figures if subject.server == "beemon"):
        yield from _rows_of(own, figures, connections)


def _rows_of(own: Subject, figures: dict[Subject, Figures], connections: int) -> Iterator[Row]:
    mine = figures[own]
    for peer, theirs in figures.items():
        if peer.server == "beemon" or peer.word not in (own.word, "any"):
            continue
        name = f"{own.word} p50, {connections} conn."
        target = TARGET if peer.server == "threading" else None
        yield _row(name, "µs", mine.p50, LABELS[peer.server], theirs.p50, target)
        if peer.server in ("threading", "redis"):
            name = f"{own.word} p99, {connections} conn."
            yield _row(name, "µs", mine.p99, LABELS[peer.server], theirs.p99)
            name = f"{own.word} rate, {connections} conn."
            yield _row(name, "req/s", mine.rate, LABELS[peer.server], theirs.rate)


def _row(
    name: str, unit: str, mine: list[float], label: str, theirs: list[float],
    target: float | None = None,
) -> Row:
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return Row(
        name, statistics.median(mine), unit, label, statistics.median(theirs), ratio, target
    )
