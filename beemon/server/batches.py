"""Batches: requests that several threads make at the same time are met together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Batches(Generic[T]):
    """Has ``work`` done on items, in the order in which they come.

    It is called by one thread at a time, with one item if nobody else asks. The items that come
    meanwhile wait, and are the next batch: the thread of the first of them does it. So nobody waits
    for more than two batches, and no thread works for others alone.
    """

    def __init__(self, work: Callable[[Sequence[T]], None]) -> None:
        self._work = work
        self._lock = threading.Lock()  # of the two below
        self._waiting: list[_Turn[T]] = []
        self._working = False

    @property
    def waiting(self) -> int:
        """The number of items that no batch has begun with."""
        return len(self._waiting)

    def do(self, item: T) -> None:
        """Return once a batch with this item is done. Raises any error of that batch."""
        turn = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            if self._working:
                turn.sleep()
            self._working = True
        turn.wait()
        if not turn.is_over:
            self._do_all()
        elif turn.error is not None:
            raise turn.error

    def _do_all(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._work([turn.item for turn in batch])
        except BaseException as error:
            self._end(batch, error)
            raise
        self._end(batch)

    def _end(self, batch: Sequence[_Turn[T]], error: BaseException | None = None) -> None:
        with self._lock:
            following = self._waiting[:1]
            self._working = bool(following)
        for turn in batch:
            turn.is_over, turn.error = True, error
        for turn in (*following, *batch):
            turn.wake()


class _Turn(Generic[T]):
    """An item, and its thread, which sleeps until its batch is over or it is to do the next one."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.is_over = False
        self.error: BaseException | None = None
        self._sleeping: threading.Lock | None = None

    def sleep(self) -> None:
        """Have :meth:`wait` wait for :meth:`wake`."""
        self._sleeping = threading.Lock()
        self._sleeping.acquire()

    def wait(self) -> None:
        """Wait until it is woken, if it sleeps."""
        if self._sleeping is not None:
            self._sleeping.acquire()

    def wake(self) -> None:
        """Wake it, if it sleeps."""
        if self._sleeping is not None:
            self._sleeping.release()
