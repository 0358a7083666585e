"""Writer: the one thread of the Orchestrator that waits for the disk: it writes the ledger in
order.

All waiting entries go into one transaction. While the ledger cannot be written, because the disk is
full or fails, all entries wait here in order and are tried again. None is dropped. If the ledger is
damaged, the process ends, and leaves a mark that makes the next start begin a new one.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beemon.base.clock import MACHINE, Clock
from beemon.ledger import quarantine, wal
from beemon.ledger.ledger import Ledger
from beemon.storage import reserve

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

Write = Callable[[Ledger], Any]
"""A change to make within a transaction; its result is passed to ``Written``."""
Written = Callable[[Any], None]
"""A function to call when the change is durable."""


class LedgerWriter(threading.Thread):
    """Writes to the ledger, and calls back when it is durable.

    ``on_trouble`` gets the problem when writing begins to fail, and None when it works again.
    """

    def __init__(
        self,
        archive: Path,
        run: int,
        on_trouble: Callable[[str | None], None],
        *,
        retry_seconds: float = RETRY_SECONDS,
        clock: Clock = MACHINE,
    ) -> None:
        super().__init__(name="ledger-writer", daemon=True)
        self._archive = archive
        self._clock = clock
        self._run_number = run
        self._on_trouble = on_trouble
        self._retry_seconds = retry_seconds
        self._queue: queue.SimpleQueue[tuple[Write, Written] | None] = queue.SimpleQueue()
        self._ledger: Ledger | None = None
        self._trouble: str | None = None
        self._giving_up = threading.Event()

    def write(self, write: Write, written: Written) -> None:
        """Have ``write`` done in a transaction, and ``written`` called after it."""
        self._queue.put((write, written))

    def finish(self, seconds: float) -> bool:
        """Write what is waiting and end; False if that took longer than ``seconds``."""
        self._queue.put(None)
        self.join(seconds)
        self._giving_up.set()
        return not self.is_alive()

    def run(self) -> None:
        """Write batch after batch until :meth:`finish`."""
        ending = False
        while not ending:
            batch, ending = self._next_batch()
            self._write_until_durable(batch)
            if self._ledger is not None and not ending:
                wal.grow(self._ledger)
        if self._ledger is not None:
            self._ledger.close()

    def _next_batch(self) -> tuple[list[tuple[Write, Written]], bool]:
        batch = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write_until_durable(self, batch: list[tuple[Write, Written]]) -> None:
        while batch and not self._giving_up.is_set():
            try:
                results = self._write([write for write, _ in batch])
            except (sqlite3.OperationalError, OSError) as error:
                if quarantine.is_content(error):
                    raise  # to wait would not mend it
                if reserve.release_if_full(self._archive):
                    continue
                self._tell(f"the database cannot be written: {error}")
                self._giving_up.wait(self._retry_seconds)
                continue
            self._tell(None)
            for (_, written), result in zip(batch, results, strict=True):
                written(result)
            return

    def _write(self, writes: list[Write]) -> list[Any]:
        try:
            if self._ledger is None:
                self._ledger = Ledger(self._archive, self._run_number, self._clock)
            with self._ledger.transaction() as ledger:
                return [write(ledger) for write in writes]
        except sqlite3.DatabaseError as error:
            if quarantine.is_damage(error):
                quarantine.mark(self._archive, str(error))
            raise

    def _tell(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._on_trouble(trouble)
