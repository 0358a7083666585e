"""The power profile in the ledger: a stage outlasts a restart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beemon.base.readings import Reading
from beemon.base.status import PowerStage
from beemon.ledger import power, readings
from beemon.ledger.power import Before
from tests.book import HOUR, MINUTE, NOON, Book


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    book = Book(tmp_path)
    book.start_without_account(NOON)
    yield book
    book.ledger.close()


def enter(book: Book, stage: PowerStage) -> None:
    with book.ledger.transaction():
        power.enter(book.ledger, "changed", "sensor.a", book.clock.stamp(), stage,
                    PowerStage.FULL, {"value": 11.5})


def measure(book: Book, value: float | None, quantity: str = "voltage") -> None:
    reason = "timeout" if value is None else None
    reading = Reading("sensor.a", quantity, "V", value, reason, book.clock.stamp())
    with book.ledger.transaction():
        job = book.ledger.accept("read sensor.a", "schedule", book.clock.stamp())
        readings.keep(book.ledger, job, [reading])


def resumed(book: Book, at_us: int) -> Before:
    """What a run that begins then finds."""
    book.start_without_account(at_us)
    return power.resume(book.ledger, "sensor.a", "voltage")


def test_without_a_change_and_without_a_value_nothing_is_saved(book):
    assert resumed(book, NOON + HOUR) == Before(PowerStage.FULL, None, None, "")


def test_the_latest_stage_is_found_whenever_it_began(book):
    enter(book, PowerStage.SAVING)
    enter(book, PowerStage.SENSORS_ONLY)
    assert resumed(book, NOON + 500 * HOUR) == Before(PowerStage.SENSORS_ONLY, NOON)


def test_a_value_counts_if_it_is_later_than_the_change(book):
    measure(book, 11.5)
    book.clock.utc_us += MINUTE
    enter(book, PowerStage.FULL)
    assert resumed(book, NOON + HOUR) == Before(PowerStage.FULL, NOON + MINUTE)
    measure(book, 11.4)
    assert resumed(book, NOON + 2 * HOUR) == Before(PowerStage.FULL, NOON + MINUTE, 11.4, "V")


def test_a_reading_without_a_value_is_none(book):
    measure(book, 11.5)
    book.clock.utc_us += MINUTE
    measure(book, None)
    measure(book, 20.0, "temperature")
    assert resumed(book, NOON + HOUR) == Before()
