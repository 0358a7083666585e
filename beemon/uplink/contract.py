"""The contract of a destination: a place elsewhere that the uplink brings records to.

A record is a job that has ended, or an event. Its identity is the UUID of the archive and its
number, so that a repetition doubles nothing at the far end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from beemon.base.clock import Moment
from beemon.base.facts import Json
from beemon.base.names import IMPORT
from beemon.base.readings import Reading
from beemon.base.recording import Recording
from beemon.base.values import value_class
from beemon.protocol.replies import EventFacts, JobFacts, ReadingFacts


class NotDeliveredError(Exception):
    """The far end did not take something; the text says why, and what to do.

    ``acknowledged`` is the number of records at the front of the batch that it did take.
    ``retry_after`` is the time in seconds after which the far end wants to be asked again.
    """

    def __init__(
        self, problem: str, *, acknowledged: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(problem)
        self.acknowledged, self.retry_after = acknowledged, retry_after


@value_class
class JobRecord:
    """A job with its readings and its recording; of two records of a job the higher ``change``
    counts."""

    change: int
    job: JobFacts
    readings: tuple[Reading, ...] = ()
    recording: Recording | None = None

    @property
    def is_import(self) -> bool:
        """Whether it is history of another monitor, and no news."""
        return self.job.origin == IMPORT


@value_class
class EventRecord:
    """An event; of two records of an event the higher ``change`` counts."""

    change: int
    event: EventFacts


Record = JobRecord | EventRecord


def has_readings(record: Record, /) -> bool:
    """Whether a record is a job that measured something."""
    return isinstance(record, JobRecord) and bool(record.readings)


@value_class
class Batch:
    """Records in the order of delivery.

    ``is_first``: the destination is led through the whole ledger from here on. ``is_last``: it is
    up to date after this.
    """

    archive: str
    records: tuple[Record, ...]
    is_first: bool
    is_last: bool


@value_class
class Newest:
    """The present state: the latest reading of each quantity, and the service's status.

    ``status`` is the reply to the query; None if the service does not answer.
    """

    readings: tuple[ReadingFacts, ...]
    status: Mapping[str, Json] | None


class Destination(Protocol):
    """A place elsewhere. One thread uses it; each call ends within a bounded time.

    ``place`` is the address that the whole ledger goes to, first of all; another address gets the
    whole ledger, too. Without one, the destination begins at the end.

    Each method raises :class:`NotDeliveredError` for every problem of the far end or of the way to
    it. Any other exception is a defect.
    """

    @property
    def place(self) -> str | None: ...

    def wants(self, record: Record, /) -> bool:
        """Whether a new record is to be delivered at once; the others come at the next look.

        Another thread than that of the other methods calls it.
        """

    def deliver(self, batch: Batch, /) -> int:
        """Bring records there; return the number of those, from the front, that are there now.

        The rest comes again after the next :meth:`look`.
        """

    def show_newest(self, newest: Newest, /) -> None:
        """Show the present state there, before a backlog and every few minutes during it."""

    def look(self, now: Moment, /) -> float | None:
        """Do whatever is due without new records.

        Returns the time in seconds until it is to be called again; None: at the next record.
        """

    def close(self) -> None:
        """End connections and child processes."""
