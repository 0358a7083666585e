"""What long work says of itself, and how it is stopped."""

from __future__ import annotations

import sqlite3

import pytest

from beemon.base.progress import Progress, StoppedError


def test_work_says_what_it_does_and_how_much_is_done() -> None:
    progress = Progress()
    progress.tell("checking the rows")
    assert progress.says == "checking the rows"
    progress.tell("files read", 1234)
    assert progress.says == "1,234 files read"
    progress.tell("files read", 1234, 10_000)
    assert progress.says == "1,234 of 10,000 files read"


def test_work_stops_when_it_next_says_something() -> None:
    progress = Progress()
    progress.stop()
    with pytest.raises(StoppedError):
        progress.tell("checking the rows")


def test_an_error_of_what_was_interrupted_is_a_stop_and_any_other_stays() -> None:
    progress, calls = Progress(), []
    with pytest.raises(sqlite3.OperationalError), progress.stopping(lambda: calls.append(1)):
        raise sqlite3.OperationalError("disk I/O error")
    progress.stop()
    with pytest.raises(StoppedError), progress.stopping(lambda: calls.append(2)):
        raise sqlite3.OperationalError("interrupted")
    progress.stop()
    assert calls == []


def test_a_stop_interrupts_what_takes_long_each_time() -> None:
    progress, calls = Progress(), []
    with progress.stopping(lambda: calls.append(1)):
        progress.stop()
        progress.stop()
    assert calls == [1, 1]
