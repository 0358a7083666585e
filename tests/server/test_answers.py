"""Answers: which of them wait for which others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from beemon.config.settings import Settings
from beemon.protocol.commands import Request
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import Pong
from beemon.server.answers import _MOST_ANSWERS, _MOST_LONG, Answers
from beemon.server.in_force import ConfigInForce
from beemon.server.latest import LatestState

NOBODY: Any = None


class SlowQueries:
    """Each answer to one of the ``slow`` words waits until it is let go."""

    def __init__(self, *slow: str) -> None:
        self.slow = slow
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def answer(self, request: Request) -> Pong:
        if request.word.name in self.slow:
            self.begun.release()
            assert self.go.wait(60)
        return Pong()


def answers(queries: Any) -> Answers:
    board = LatestState()
    config = ConfigInForce(Settings(), board)
    return Answers(1024, None, config, NOBODY, queries, board, patience=0.05)


@contextmanager
def being_answered(made: Answers, queries: SlowQueries, text: bytes, count: int) -> Iterator[None]:
    threads = [
        threading.Thread(target=made.answer, args=(text, NOBODY, ("", 0))) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert queries.begun.acquire(timeout=60)
    yield
    queries.go.set()
    for thread in threads:
        thread.join()


def ask(made: Answers, text: bytes) -> bytes:
    return made.answer(text, NOBODY, ("", 0))


def test_no_short_query_waits_for_long_ones() -> None:
    queries = SlowQueries("completeness")
    made = answers(queries)
    with being_answered(made, queries, b"completeness 365d", _MOST_LONG):
        for text in (b"status", b"jobs", b"readings", b"events"):
            assert ask(made, text).startswith(b"OK")


def test_a_long_query_waits_for_long_ones_until_its_patience_ends() -> None:
    queries = SlowQueries("completeness")
    made = answers(queries)
    with being_answered(made, queries, b"completeness 365d", _MOST_LONG):
        with pytest.raises(RequestError, match="other clients") as error:
            ask(made, b"completeness 1d")
        assert error.value.code == "too-slow"
    assert ask(made, b"completeness 1d").startswith(b"OK")


def test_the_state_is_told_however_many_queries_are_being_answered() -> None:
    queries = SlowQueries("jobs")
    made = answers(queries)
    with being_answered(made, queries, b"jobs", _MOST_ANSWERS):
        assert ask(made, b"status").startswith(b"OK")
        with pytest.raises(RequestError):
            ask(made, b"events")
