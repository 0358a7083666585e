"""The owner of an archive: it locks it, begins a run, repairs damage, and enters commands."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from beemon.base.clock import MACHINE, Clock
from beemon.base.outcomes import Ending
from beemon.ledger import (
    attempts,
    calibrations,
    events,
    examination,
    identity,
    index,
    inventory,
    quarantine,
    recovery,
    starts,
)
from beemon.ledger.identity import JOBS_AHEAD, Known, Memory
from beemon.ledger.ledger import NAME, Ledger
from beemon.ledger.quarantine import Damaged
from beemon.ledger.reader import ArchiveReader
from beemon.ledger.recovered import KIND as RECOVERED
from beemon.ledger.rows import UNREADABLE
from beemon.ledger.starts import Start
from beemon.storage import reserve
from beemon.storage.lock import ArchiveLock

log = logging.getLogger(__name__)

T = TypeVar("T")


class ArchiveSession:
    """One archive, held by this process from :meth:`open` (or the first use) to :meth:`close`.

    Usable from any thread, once. Raises ``sqlite3.Error`` where the disk is full or fails, and
    after the close. ``memory`` remembers which archive belongs here. ``result`` tells what systemd
    said of the service's last end; a run that has none is not the service's.
    """

    def __init__(
        self,
        archive: Path,
        clock: Clock = MACHINE,
        *,
        memory: Memory | None = None,
        result: Callable[[], str | None] | None = None,
    ) -> None:
        self.stranger: str | None = None
        """The problem, if another archive is in the place of the known one."""
        self.starts: list[Start] = []
        """The latest starts of the service, the newest first."""
        self._archive = archive
        self._clock = clock
        self._memory = memory
        self._result = result
        self._known: Known | None = None
        self._mutex = threading.RLock()
        self._lock: ArchiveLock | None = None
        self._ledger: Ledger | None = None
        self._reader = ArchiveReader(archive, clock)
        self._closed = False

    @property
    def run_number(self) -> int:
        """The number of this run of the service."""
        return self._opened().run

    @property
    def reader(self) -> ArchiveReader:
        """The reader of the archive, once it is taken; open until the session is closed.

        Unlike a second call of :meth:`open`, a query does not wait for a write.
        """
        if self._ledger is None:
            self.open()
        return self._reader

    def open(self) -> None:
        """Take the archive, begin a run, and end the open jobs of earlier runs.

        A damaged ledger is renamed, and a new one begun. Raises
        :class:`~beemon.storage.lock.ArchiveBusyError`,
        :class:`~beemon.ledger.ledger.LedgerVersionError`, and ``OSError`` for a problem of the disk
        or the ledger, which may pass.
        """
        with self._mutex:
            if self._closed:
                raise sqlite3.ProgrammingError("it is closed")
            if self._ledger is not None:
                return
            self._lock = ArchiveLock(self._archive)
            try:
                self._beware()
                self._ledger = self._with_reserve(self._begin_run_or_anew)
            except sqlite3.Error as error:
                self._lock.close()
                what = f"the database {self._archive / NAME} cannot be used: {error}"
                raise OSError(what) from error
            except BaseException:
                self._lock.close()
                raise

    def end_run(self, how: str, why: str | None = None) -> None:
        """Enter the end of this run, if this is still possible; the first entry counts."""
        with self._mutex:
            if self._ledger is None:
                return
            try:
                with self._ledger.transaction() as ledger:
                    starts.end(ledger, how, why)
            except sqlite3.Error as error:
                log.warning("the end of this run could not be recorded: %s", error)

    def saw(self, job: int) -> None:
        """Remember the number of a job, so that no other archive in this place repeats it."""
        if self._memory and self._known and job + JOBS_AHEAD // 2 > self._known.jobs:
            self._known = Known(self._known.uuid, job + JOBS_AHEAD)
            self._memory.keep(self._known)

    @property
    def is_known_back(self) -> bool:
        """Whether the archive that is known is in its place, and not what this run has open.

        A disk was mounted, for the first time or again.
        """
        if self._memory is None or self._ledger is None or self._ledger.is_in_place:
            return False
        known = self._memory.known()
        return known is not None and identity.at(self._archive) == known.uuid

    def note_failed(self) -> None:
        """Leave word that this start ended by a defect, unless work was done in it: then the
        ledger is not to blame."""
        if not self._has_done_work():
            attempts.note(self._archive, attempts.FAILED)

    def _has_done_work(self) -> bool:
        try:
            return self.reader.has_done_work(self.run_number)
        except (OSError, sqlite3.Error):
            return False

    def note_well(self) -> None:
        """The service works in this archive: earlier attempts count no more."""
        attempts.clear(self._archive)

    @property
    def lost_sight_of(self) -> list[str]:
        """The damaged ledgers from which no row was taken yet."""
        recovered = self.reader.events(0, 1000, RECOVERED)
        taken = {event.facts.get("aside") for event in recovered}
        return [path.name for path in quarantine.all_aside(self._archive)
                if path.name not in taken]

    def close(self) -> None:
        """Let go of the archive, for good."""
        with self._mutex:
            self._closed = True
            self._reader.close()
            for held in (self._ledger, self._lock):
                if held is not None:
                    held.close()
            self._ledger = self._lock = None

    def give_up(self, error: sqlite3.Error) -> bool:
        """If this error means damage, mark the ledger for the next start; return whether it does.

        Raises ``OSError`` if the mark cannot be written.
        """
        is_damage = quarantine.is_damage(error)
        if is_damage:
            quarantine.mark(self._archive, str(error))
        return is_damage

    def accept(self, command: str, origin: str) -> int:
        """Enter a command; return its job number."""
        return self.accept_all([(command, origin)])[0]

    def accept_all(self, commands: Sequence[tuple[str, str]]) -> list[int]:
        """Enter commands, each with its origin, by one transaction; return their job numbers.

        These rise. If this fails, none of the commands is entered.
        """
        with self._mutex:
            return self._with_reserve(partial(self._accept, commands))

    def end_all(self, endings: Mapping[int, Ending]) -> None:
        """End jobs that were entered and could not be handed on, by one transaction."""
        with self._mutex, self._opened().transaction() as ledger:
            for job, ending in endings.items():
                ledger.end(job, ending)

    def _with_reserve(self, write: Callable[[], T]) -> T:
        """Write; on a full disk, free the reserve first."""
        try:
            return write()
        except (OSError, sqlite3.OperationalError):
            if not reserve.release_if_full(self._archive):
                raise
        return write()

    def _accept(self, commands: Sequence[tuple[str, str]]) -> list[int]:
        with self._opened().transaction() as ledger:
            return [ledger.accept(command, origin) for command, origin in commands]

    def _opened(self) -> Ledger:
        with self._mutex:
            if self._ledger is None:
                self.open()
            assert self._ledger is not None
            return self._ledger

    def _beware(self) -> None:
        """Count this start. After some starts that did not get far, examine the ledger before using
        it.

        If unexpected errors ended those starts, begin a new ledger instead.
        """
        if self._result is None:
            return
        before = attempts.earlier(self._archive)
        if before.failed >= attempts.MOST and not before.renewed:
            quarantine.mark(self._archive, f"the last {before.failed} starts ended with a defect")
            attempts.clear(self._archive)
            attempts.note(self._archive, attempts.RENEWED)
        elif before.began >= attempts.MOST and (wrong := examination.of_file(self._archive)):
            quarantine.mark(self._archive, wrong)
        attempts.note(self._archive, attempts.BEGAN)

    def _is_emptied(self) -> bool:
        """Whether the ledger has lost all its bytes, rather than never had any."""
        if not quarantine.is_emptied(self._archive):
            return False
        known = self._memory.known() if self._memory else None
        return known is not None or inventory.has_files(self._archive)

    def _begin_run_or_anew(self) -> Ledger:
        """Begin the run, in a new ledger where the one that is there is damaged."""
        damaged = quarantine.marked(self._archive)
        if not damaged and self._is_emptied():
            damaged = quarantine.mark(self._archive, "it was empty")
        elif not damaged and quarantine.has_odd_header(self._archive):
            damaged = quarantine.mark(self._archive, "its header is damaged")
        if damaged:
            quarantine.set_aside(self._archive, damaged)
        try:
            ledger = self._begin_run(damaged)
        except (sqlite3.DatabaseError, *UNREADABLE) as error:
            wrong = self._wrong_by(error)
            if not wrong:
                raise
            log.debug("the database cannot be used", exc_info=True)
            damaged = quarantine.mark(self._archive, wrong)
            quarantine.set_aside(self._archive, damaged)
            ledger = self._begin_run(damaged)
        if damaged:
            quarantine.unmark(self._archive)
            log.error("%s", _set_aside(damaged))
        return ledger

    def _wrong_by(self, error: Exception) -> str | None:
        """The damage of the ledger, after an error that it may have caused; None if it is sound.

        If it is sound, the program has a defect. Such starts are counted, and the third one does
        without this ledger.
        """
        if isinstance(error, sqlite3.Error):
            return str(error) if quarantine.is_content(error) else None
        return examination.of_ledger(self._archive)

    def _begin_run(self, instead_of: Damaged | None = None) -> Ledger:
        ledger = Ledger(self._archive, clock=self._clock)
        try:
            ledger.prepare()
            with ledger.transaction():
                ledger.begin_run()
                own = self._settle_identity(ledger, follows=instead_of is not None)
                if self._result is not None:
                    starts.enter(ledger, self._result())
                left_open = recovery.close_earlier_runs(ledger)
                is_indexed = not index.begin_if_new(ledger)
                if instead_of:
                    calibrations.take_over(ledger, self._archive / instead_of.aside)
                    events.enter(
                        ledger, "ledger", _set_aside(instead_of), aside=instead_of.aside
                    )
        except BaseException:
            ledger.close()
            raise
        self._remember(ledger, own)
        self.starts = starts.recent(ledger)
        if not is_indexed:
            log.warning("the database is new: the recordings are added from their files")
        for job in left_open:
            log.warning(
                "job %d of an earlier run was interrupted: %s", job["job"], job["command"],
                extra={"JOB": str(job["job"]), "OUTCOME": "interrupted"},
            )
        return ledger

    def _settle_identity(self, ledger: Ledger, *, follows: bool) -> str:
        """Which archive this is; where another one is known, that is an event."""
        known = self._memory.known() if self._memory else None
        own = identity.settle(ledger, known, follows=follows)
        self.stranger = None
        if known is not None and known.uuid != own:
            self.stranger = f"{self._archive} does not hold the archive that was in use before"
            identity.enter_stranger(ledger, known.uuid, self.stranger)
        return own

    def _remember(self, ledger: Ledger, own: str) -> None:
        if self._memory and self.stranger is None:
            (latest,) = ledger.db.execute("SELECT ifnull(max(job), 0) FROM jobs").fetchone()
            self._known = self._memory.known() or Known(own, 0)
            self.saw(latest)


def _set_aside(damaged: Damaged) -> str:
    return (
        f"the database was damaged ({damaged.why}): it is kept as {damaged.aside}, and a new one "
        "was started; the recordings are unchanged"
    )
