"""Leftovers: unfinished recordings are found in the ledger, and repaired by a worker.

A new ledger also gets an entry for each recording of the archive. Both are looked for at the start,
and unfinished recordings again whenever a job leaves one behind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from beemon.ledger import index, recovery
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.recovery import Leftover
from beemon.ledger.writer import Write, Written
from beemon.orchestrator import archive_worker
from beemon.orchestrator.archive_worker import ArchiveWorker
from beemon.orchestrator.worker_process import Mailbox, StartWorker, WorkerProcess, monotonic
from beemon.system.service import fields
from beemon.worker.messages import Done

log = logging.getLogger(__name__)


class Leftovers:
    """Of the archive, in the run with this number; ``write`` has something written to its ledger.

    ``mailbox`` hands the Orchestrator's loop something to do; ``start`` and ``now`` are for the
    worker. ``chores`` take other work for the archive, too.
    """

    def __init__(
        self,
        archive: Path,
        run: int,
        write: Callable[[Write, Written], None],
        looks: Looks,
        mailbox: Mailbox,
        *,
        start: StartWorker = WorkerProcess,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._archive, self._run = archive, run
        self._write, self._looks, self._mailbox = write, looks, mailbox
        self.chores = ArchiveWorker(mailbox, start=start, now=now)

    @property
    def is_idle(self) -> bool:
        """Whether no worker is at it."""
        return not self.chores.alive

    def look(self) -> None:
        """Have done what the ledger knows to be unfinished."""

        def look(ledger: Ledger) -> tuple[list[Leftover], bool]:
            return recovery.leftovers(ledger), index.is_complete(ledger.db)

        self._write(
            self._looks.within("leftovers", look, ([], True)),
            lambda found: self._mailbox(partial(self._add, *found)),
        )

    def tick(self, now: float) -> list[float]:
        """Act on what the time says; return when to look again (monotonic), if at all."""
        again = self.chores.tick(now)
        return [] if again is None else [again]

    def finish(self) -> None:
        """Begin nothing more."""
        self.chores.finish()

    def _add(self, leftovers: list[Leftover], is_indexed: bool) -> None:
        self.chores.add(
            [archive_worker.salvage(leftover, self._salvaged) for leftover in leftovers]
        )
        if not is_indexed:
            self.chores.add([archive_worker.index(self._archive, self._run, self._indexed)])

    def _salvaged(self, leftover: Leftover, done: Done) -> None:

        def settle(ledger: Ledger) -> str:
            return recovery.settle(ledger, leftover, done.recording)

        self._write(
            self._looks.within("leftovers", settle, "it could not be added"),
            lambda said: log.info("job %d left a file unfinished: %s", leftover.job, said,
                                  extra=fields(job=leftover.job, device=leftover.device)),
        )

    def _indexed(self, done: Done) -> None:
        log.info("the new database knows the recordings: %(entered)d added", done.facts)
