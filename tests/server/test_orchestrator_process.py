"""The Server's judgement of the Orchestrator: whether it hangs, or the Server did not look."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from beemon.protocol.reports import Report
from beemon.server.orchestrator_process import Misses, OrchestratorProcess


def judge(*looks: tuple[float, float, bool]) -> list[bool]:
    misses = Misses(10.0)
    return [misses.is_hung(now, age, is_unread) for now, age, is_unread in looks]


def test_a_heartbeat_that_stays_away_is_judged_once():
    looks = [(float(t), float(t), False) for t in range(8, 16)]
    assert judge(*looks) == [False] * 4 + [True] + [False] * 3


def test_one_that_comes_in_time_is_none():
    assert not any(judge(*[(float(t), t % 10.0, False) for t in range(40)]))


def test_a_server_that_was_stopped_itself_does_not_blame_the_orchestrator():
    assert not any(judge((1, 1, False), (15, 15, False), (16, 16, False), (17, 0.5, False)))


def test_while_reports_wait_to_be_read_nobody_is_blamed():
    assert not any(judge(*[(float(t), 10.0 + t, True) for t in range(1, 9)]))


def test_after_a_stop_of_its_own_it_judges_again():
    assert judge((1, 1, False), (15, 15, False), (16, 16, False), (17, 17, False)) == [
        False, False, False, True,
    ]


class Nobody:
    """An owner that must not hear anything."""

    heartbeat_age = None

    def hear(self, report: Report) -> None:
        raise AssertionError(report)

    def note_hung(self, how: str) -> None:
        raise AssertionError(how)

    def note_died(self, how: str) -> None:
        raise AssertionError(how)


@pytest.mark.process
def test_an_orchestrator_that_never_begins_leaves_no_process() -> None:
    commands = multiprocessing.get_context("spawn").Queue()
    process = OrchestratorProcess(commands, Nobody(), stale_seconds=10.0)
    process.load()
    pid = process.pid
    assert pid is not None
    process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
