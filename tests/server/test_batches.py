"""Batches: which of the requests that come together are met together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from beemon.server.batches import Batches
from tests.hive import until


class Work:
    """Notes the batches and who does them; each waits until it is let go, and may fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.workers: list[int] = []
        self.at_once = 0
        self.fails: set[int] = set()
        self.go = threading.Semaphore(0)
        self.requests = Batches(self.do)

    def do(self, items: Sequence[str]) -> None:
        self.at_once += 1
        assert self.at_once == 1
        self.batches.append(list(items))
        self.workers.append(threading.get_ident())
        assert self.go.acquire(timeout=60)
        self.at_once -= 1
        if len(self.batches) in self.fails:
            raise OSError(f"batch {len(self.batches)} failed")

    def ask(self, threads: ThreadPoolExecutor, items: str) -> list[Future[int]]:
        """Ask for one after the other, each in a thread of its own."""
        asked = []
        for item in items:
            before = self.requests.waiting, len(self.batches)
            asked.append(threads.submit(self._ask, item))
            until(lambda before=before: (self.requests.waiting, len(self.batches)) != before)
        return asked

    def _ask(self, item: str) -> int:
        self.requests.do(item)
        return threading.get_ident()


def test_one_that_comes_alone_is_done_at_once_by_its_own_thread() -> None:
    work = Work()
    work.go.release(2)
    for item in "ab":
        work.requests.do(item)
    assert work.batches == [["a"], ["b"]]
    assert set(work.workers) == {threading.get_ident()}


def test_those_that_come_meanwhile_are_done_together_in_their_order_by_the_first_of_them() -> None:
    work = Work()
    with ThreadPoolExecutor(8) as threads:
        first, *others = work.ask(threads, "abcdef")
        work.go.release()
        first.result(60)
        until(lambda: len(work.batches) == 2)
        late = work.ask(threads, "gh")
        work.go.release(2)
        done = [request.result(60) for request in (first, *others, *late)]
    assert work.batches == [["a"], ["b", "c", "d", "e", "f"], ["g", "h"]]
    assert work.workers == [done[0], done[1], done[6]]


def test_an_error_is_that_of_each_in_the_batch_and_of_no_other() -> None:
    work = Work()
    work.fails = {2}
    with ThreadPoolExecutor(8) as threads:
        first, *others = work.ask(threads, "abcd")
        work.go.release()
        until(lambda: len(work.batches) == 2)
        late = work.ask(threads, "ef")
        work.go.release(2)
        for request in others:
            with pytest.raises(OSError, match="batch 2 failed"):
                request.result(60)
        for request in (first, *late):
            request.result(60)
    assert work.batches == [["a"], ["b", "c", "d"], ["e", "f"]]


def test_after_an_error_the_next_is_done_like_any_other() -> None:
    work = Work()
    work.fails = {1}
    work.go.release(2)
    with pytest.raises(OSError, match="batch 1"):
        work.requests.do("a")
    work.requests.do("b")
    assert work.batches == [["a"], ["b"]]
