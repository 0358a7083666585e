"""Measured: a reading as the formats need it, and the readings that belong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from beemon.base.moments import from_iso
from beemon.base.readings import Reading


class Measured(NamedTuple):
    """A quantity of a sensor at a time (microseconds since 1970): a value, or a reason.

    ``quality`` is that of the value, ``clock`` that of the time. ``uncertainty`` is the standard
    uncertainty of the value, ``raw`` the number of the hardware, ``job`` the number of the job.
    """

    utc_us: int
    sensor: str
    quantity: str
    unit: str
    value: float | None
    reason: str | None = None
    quality: str | None = None
    clock: str | None = None
    uncertainty: float | None = None
    raw: float | None = None
    job: int | None = None

    @property
    def series(self) -> Series:
        """The series of this reading."""
        return Series(self.sensor, self.quantity, self.unit)


class Series(NamedTuple):
    """One quantity of one sensor, in one unit."""

    sensor: str
    quantity: str
    unit: str


class ReadingFacts(Protocol):
    """A reading as the service tells it, :class:`beemon.protocol.replies.ReadingFacts`."""

    @property
    def sensor(self) -> str: ...
    @property
    def quantity(self) -> str: ...
    @property
    def utc(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def quality(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def raw(self) -> float | None: ...
    @property
    def uncertainty(self) -> float | None: ...


def of_reading(reading: Reading, job: int | None = None) -> Measured:
    """A reading of the database; ``job`` is the number of its job."""
    return Measured(
        reading.at.utc_us, reading.sensor, reading.quantity, reading.unit, reading.value,
        reading.reason, None if reading.value is None else reading.quality,
        reading.at.quality.value, reading.uncertainty, reading.raw, job,
    )


def of_facts(facts: ReadingFacts, clock: str | None = None, job: int | None = None) -> Measured:
    """A reading as the service tells it; ``clock`` and ``job`` are facts of its job."""
    return Measured(
        from_iso(facts.utc), facts.sensor, facts.quantity,
        facts.unit, facts.value, facts.reason, facts.quality, clock, facts.uncertainty, facts.raw,
        job,
    )


def sets(readings: Iterable[Measured], span_us: int) -> Iterator[list[Measured]]:
    """Readings in order of time, in sets of one span of time each, such as one second.

    A set ends early where a series comes again, so that no reading takes the place of another.
    """
    found: list[Measured] = []
    known: set[Series] = set()
    for one in readings:
        if found and (one.utc_us // span_us != found[0].utc_us // span_us or one.series in known):
            yield found
            found, known = [], set()
        found.append(one)
        known.add(one.series)
    if found:
        yield found
