"""The reporter: who makes a report never waits for who reads it."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest

from beemon.orchestrator.reporter import Reporter
from beemon.protocol.reports import Heartbeat, Planned, Report

MANY = 2000  # more than any socket has room for
SOON = 20.0  # seconds; only a defect takes that long


class Line:
    """A reporter, and the other end of its channel."""

    def __init__(self) -> None:
        ends: tuple[Connection[Any, Any], Connection[Any, Any]] = multiprocessing.Pipe()
        self.end, self.channel = ends
        self.reporter = Reporter(self.channel)

    def heard(self, count: int) -> list[Report]:
        return [self.end.recv() for _ in range(count) if self.end.poll(SOON)]


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.end.close()
    line.channel.close()


def test_a_report_is_sent_at_once_and_by_nobody_else(line: Line) -> None:
    line.reporter.send(Heartbeat(1.0))
    assert line.heard(1) == [Heartbeat(1.0)]
    assert line.reporter._thread is None


def test_while_nobody_reads_reports_wait_in_their_order(line: Line) -> None:
    sent = [Heartbeat(float(number), waiting=number) for number in range(MANY)]
    for report in sent:
        line.reporter.send(report)
    assert line.heard(MANY) == sent
    line.reporter.finish(SOON)
    line.reporter.send(Heartbeat(0.5))
    assert line.heard(1) == [Heartbeat(0.5)]


def test_a_report_of_any_size_arrives(line: Line) -> None:
    planned = Planned({f"sensor.{number}": float(number) for number in range(50_000)})
    line.reporter.send(planned)
    line.reporter.send(Heartbeat(1.0))
    assert line.heard(2) == [planned, Heartbeat(1.0)]


def test_reports_that_wait_one_by_one_are_sent_once(line: Line) -> None:
    large = {f"sensor.{number}": float(number) for number in range(1000)}
    sent = [Planned({**large, "count": float(number)}) for number in range(300)]
    heard: list[Report] = []
    reading = threading.Thread(target=lambda: heard.extend(line.heard(len(sent))))
    reading.start()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for report in sent:
            line.reporter.send(report)
    finally:
        sys.setswitchinterval(before)
    reading.join(SOON)
    assert heard == sent


def test_what_the_last_reports_say_arrives_before_the_end(line: Line) -> None:
    for number in range(MANY):
        line.reporter.send(Heartbeat(float(number)))
    line.reporter.finish(0.01)
    heard = line.heard(MANY)
    line.reporter.finish(SOON)
    assert len(heard) == MANY
    assert not line.end.poll(0)


def test_a_server_that_has_gone_is_told_nothing(line: Line) -> None:
    line.end.close()
    line.reporter.send(Heartbeat(1.0))
    line.reporter.finish(SOON)
