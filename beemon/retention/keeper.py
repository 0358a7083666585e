"""Keeper: the thread that keeps the archive's disk from filling up.

It checks the free space, and deletes recordings while there is too little. It restores the reserve
when there is enough, and reports which recorders must pause if deleting was not enough. It changes
the ledger only through the ledger's writer.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from beemon.base.values import value_class
from beemon.config.settings import RetentionSettings
from beemon.ledger import events, index, wal
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.ledger.writer import Write, Written
from beemon.protocol.reports import Trouble
from beemon.retention import deletion_note, pausing, retention, thinning
from beemon.retention.retention import Candidate
from beemon.storage import files, reserve, space
from beemon.storage.space import AGAIN, Limits, Space

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""Time in seconds between two looks at the disk; a recording that finds it full causes a look at
once."""
RESTING_SECONDS = 15.0
"""The same while nothing is under way and there is room: only other programs fill the disk then."""

PATIENCE_SECONDS = 5.0
"""Maximum time in seconds to wait for the ledger before it continues without."""

T = TypeVar("T")
U = TypeVar("U")


class Transaction(Protocol):
    """Has something written to the ledger in a transaction."""

    def __call__(self, change: Callable[[Ledger], T], /) -> T:
        """Return the result of the change when it is durable."""


class LedgerStuckError(OSError):
    """The change waits for the disk; it is written as soon as possible."""


IS_OFF = "deleting has a defect and is switched off"
"""The result of a change that was not made, so that the round ends over it."""


class Guard(Protocol):
    """Does work that has a name."""

    def __call__(self, name: str, work: Callable[[], T], otherwise: U, /) -> T | U:
        """Return what the work returns; ``otherwise`` if it has a defect."""


def unguarded(_look: str, work: Callable[[], T], _otherwise: object) -> T:
    """Do the work, and let its defects go up."""
    return work()


@value_class
class Room:
    """The state of the disk at the last look, and its consequences.

    ``paused`` are the recorders that must pause. ``trouble`` is the reason why deleting fails, and
    ``log`` is the problem if the ledger's log grows.
    """

    space: Space | None = None
    limits: Limits = Limits(0, 0)
    paused: frozenset[str] = frozenset()
    trouble: str | None = None
    log: Trouble | None = None

    @property
    def sentence(self) -> str | None:
        """The problem in words; None while there is none."""
        said = [self.trouble] if self.trouble else []
        if self.paused and self.space:
            lacks_inodes = self.limits.lack(self.space)[1] > 0
            free = f"{self.space.free_inodes:,} inodes" if lacks_inodes else \
                f"{self.space.free_bytes / 1e6:.1f} MB"
            said.append(f"only {free} are free: {', '.join(sorted(self.paused))} paused")
        return "; ".join(said) or None


@dataclass
class _Tally:
    """Counts of the deletions since the last report."""

    files: int = 0
    bytes: int = 0
    devices: set[str] = field(default_factory=set)
    why: str = "for space"


class Keeper:
    """Keeps room in an archive: each :meth:`round` looks once and deletes one batch at most.

    ``write`` is how it writes to the ledger, ``tell`` gets each new :class:`Room`. While the ledger
    does not know all files yet (``may_delete`` is false), nothing is deleted. A log of the ledger
    beyond ``log_bytes`` is emptied.
    """

    def __init__(
        self,
        archive: Path,
        settings: RetentionSettings,
        recorders: Collection[str],
        write: Transaction,
        tell: Callable[[Room], None],
        *,
        look: Callable[[Path], Space] = space.measure_space,
        may_delete: Callable[[sqlite3.Connection], bool] = index.is_complete,
        log_bytes: int = wal.MOST_BYTES,
        guard: Guard = unguarded,
    ) -> None:
        self._guard = guard
        self._log_bytes = log_bytes
        self._archive = archive
        self._settings, self._recorders = settings, recorders
        self._write, self._tell = write, tell
        self._look, self._may_delete = look, may_delete
        self._reader: LedgerReader | None = None
        self._room = Room()
        self._deleting = False
        self._trouble: str | None = None
        self._log: Trouble | None = None
        self._tally = _Tally()

    @property
    def has_room(self) -> bool:
        """Whether the last look found nothing to do, and no problem."""
        room = self._room
        return not (self._deleting or room.paused or room.sentence or room.log)

    def change(self, settings: RetentionSettings, recorders: Collection[str]) -> None:
        """Take over other settings."""
        self._settings, self._recorders = settings, recorders

    def close(self) -> None:
        """Let go of the ledger."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def round(self) -> bool:
        """Look, and do what there is to do; whether there is more to do at once."""
        self._trouble = None
        more = bool(self._guard("retention", self._delete, False))
        self._guard("room", lambda: self._see(deleting=more), None)
        return more

    def _delete(self) -> bool:
        try:
            self._log = wal.keep_short(self._archive, self._log_bytes)
            self._take_note()
            self._finish(retention.half_done(self._db))
            return self._make_room()
        except (OSError, sqlite3.Error) as error:
            self._trouble = _said(error)
            return False

    # Deleting

    def _make_room(self) -> bool:
        found = self._look(self._archive)
        limits = self._limits(found)
        self._deleting = limits.times(AGAIN if self._deleting else 1).exceed(found)
        chosen = self._choose(*limits.times(AGAIN).lack(found)) if self._may_delete_now() else []
        why = "for space"
        if not chosen and self._may_delete(self._db):
            chosen, why = self._surplus_evidence(), "that failed their check, beyond their quota"
        if chosen:
            self._begin(chosen, found)
            self._tally.why = why
            return self._finish(chosen)
        self._tell_tally()
        return self._deleting and self._thin(found)

    def _begin(self, chosen: list[Candidate], found: Space) -> None:
        """Enter that they are about to go; if the disk is too full for this, write the note."""
        try:
            self._write(lambda ledger: retention.begin_deletion(ledger, chosen))
        except LedgerStuckError:
            if not reserve.is_full(found):
                raise
            deletion_note.write(self._archive, [candidate.recording for candidate in chosen])
            retention.remove_files(self._archive, chosen)
            raise

    def _take_note(self) -> None:
        """Enter what was noted before."""
        noted = deletion_note.read(self._archive)
        if noted:
            self._write(lambda ledger: retention.begin_noted_deletion(ledger, noted))
            deletion_note.write(self._archive, [])

    def _may_delete_now(self) -> bool:
        return self._deleting and self._may_delete(self._db)

    def _choose(self, bytes_wanted: float, inodes_wanted: float) -> list[Candidate]:
        offered = retention.candidates(self._db, self._settings.order, self._settings.keep)
        return retention.choose(offered, bytes_wanted, inodes_wanted, self._is_held)

    def _surplus_evidence(self) -> list[Candidate]:
        wanted = self._settings
        return retention.surplus_evidence(self._db, wanted.evidence, wanted.keep, self._is_held)

    def _is_held(self, candidate: Candidate) -> bool:
        return files.is_held(self._archive / candidate.path)

    def _finish(self, chosen: list[Candidate]) -> bool:
        """Remove files whose deletion has begun; whether any went."""
        gone, trouble = retention.remove_files(self._archive, chosen)
        if trouble:
            self._trouble = f"recordings cannot be deleted: {_said(trouble)}"
        if gone:
            self._write(lambda ledger: retention.end_deletion(ledger, gone))
        self._tally.files += len(gone)
        self._tally.bytes += sum(candidate.size for candidate in gone)
        self._tally.devices |= {candidate.device for candidate in gone}
        return bool(gone)

    def _tell_tally(self) -> None:
        """One line and one event for a series of deletions."""
        tally, self._tally = self._tally, _Tally()
        if not tally.files:
            return
        devices = sorted(tally.devices)
        message = (
            f"{tally.files} recording{'s' if tally.files > 1 else ''} deleted {tally.why}: "
            f"{tally.bytes / 1e6:.1f} MB of {', '.join(devices)}"
        )
        log.info("%s", message)
        self._write(
            lambda ledger: events.enter(
                ledger, "deletion", message,
                recordings=tally.files, bytes=tally.bytes, devices=devices,
            )
        )

    def _thin(self, found: Space) -> bool:
        """If nothing else can be deleted and the ledger needs room, delete old readings in it."""
        if not reserve.is_full(found) and reserve.is_whole(self._archive):
            return False
        return thinning.is_wanted(self._db) and bool(self._write(thinning.thin))

    @property
    def _db(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = LedgerReader(self._archive)
        return self._reader.db

    # Seeing

    def _see(self, *, deleting: bool) -> None:
        """Look at what there is after that, and tell it."""
        try:
            found = self._look(self._archive)
            limits = self._limits(found)
            if reserve.is_full(found):
                reserve.release(self._archive)
            elif not limits.exceed(found):
                deletion_note.make(self._archive)
                if not reserve.is_whole(self._archive):
                    reserve.make(self._archive, found)
        except OSError as error:
            last = self._room
            self._tell(Room(last.space, last.limits, last.paused, _said(error), self._log))
            return
        before = self._room.paused
        paused = before if deleting else pausing.paused(
            found, limits, self._recorders, self._settings.order, before
        )
        self._room = Room(found, limits, paused, self._trouble, self._log)
        self._tell(self._room)

    def _limits(self, found: Space) -> Limits:
        return Limits(self._settings.min_free, self._settings.min_free_inodes).on(found)


class KeeperThread(threading.Thread):
    """Has a keeper go its rounds until :meth:`finish`.

    ``is_resting`` tells it that nothing is under way.
    """

    def __init__(
        self, keeper: Keeper, *, look_seconds: float = LOOK_SECONDS,
        resting_seconds: float = RESTING_SECONDS,
    ) -> None:
        super().__init__(name="keeper", daemon=True)
        self.is_resting = False
        self._keeper = keeper
        self.change = keeper.change
        self._look_seconds, self._resting_seconds = look_seconds, resting_seconds
        self._called = threading.Event()
        self._ending = False

    def call(self) -> None:
        """Have it look at once."""
        self._called.set()

    def finish(self) -> None:
        """End after this round, without waiting for anything that it waits for."""
        self._ending = True
        self._called.set()

    def run(self) -> None:
        """Round after round."""
        while not self._ending:
            self.make_room()
            rests = self.is_resting and self._keeper.has_room
            self._called.wait(self._resting_seconds if rests else self._look_seconds)
            self._called.clear()
        self._keeper.close()

    def make_room(self) -> None:
        """Look, and delete until there is room, or nothing may go."""
        while self._keeper.round() and not self._ending:
            pass


def through(
    write: Callable[[Write, Written], None],
    patience_seconds: float = PATIENCE_SECONDS,
) -> Transaction:
    """A function that hands a transaction to the ledger's writer and waits for it.

    Raises :class:`LedgerStuckError` if this takes too long; the change is then made later. Until
    then no other change is accepted, so that they do not pile up. Raises ``OSError`` if the change
    :data:`IS_OFF`.
    """
    has_no_result: list[Callable[[], bool]] = []

    def transaction(change: Callable[[Ledger], T]) -> T:
        if has_no_result and has_no_result[0]():
            raise LedgerStuckError("the database cannot be written at the moment")
        has_no_result.clear()
        result: queue.SimpleQueue[T] = queue.SimpleQueue()
        write(change, result.put)
        try:
            found = result.get(timeout=patience_seconds)
        except queue.Empty:
            has_no_result.append(result.empty)
            raise LedgerStuckError("the database cannot be written at the moment") from None
        if found == IS_OFF:
            raise OSError(IS_OFF)
        return found

    return transaction


def _said(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
