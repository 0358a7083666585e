"""The sound of a day: each recording's bands, how long it stands for, and what is missing."""

from __future__ import annotations

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import readings as series
from beemon.ledger.slots import Series, Skip
from beemon.ledger.sounds import Band, day_sounds
from tests.book import DAY, HOUR, NOON
from tests.ledger.test_day_recordings import MICROPHONE, book, record, slot

__all__ = ["book"]


def measure(book, job: int, at: int, **levels: float) -> None:
    with book.ledger.transaction():
        series.keep(book.ledger, job, [
            Reading(MICROPHONE, name, "dBFS", level, None, Stamp(at, 1.0, Quality.SYNCHRONISED))
            for name, level in levels.items()
        ])


def told(book):
    return day_sounds(book.ledger.db, MICROPHONE, NOON, NOON + DAY)


def test_a_day_without_recordings_has_no_parts(book):
    assert told(book) == []


def test_a_recording_has_the_bands_that_its_check_measured(book):
    job = slot(book, 1)
    path = record(book, job, NOON + HOUR)
    measure(book, job, NOON + HOUR, band_50_100=-60.5, band_100_150=-50.0, level=-30.0)
    [part] = told(book)
    assert (part.job, part.path, part.outcome) == (job, path, "done")
    assert sorted(part.bands) == [Band(50.0, 100.0, -60.5), Band(100.0, 150.0, -50.0)]


def test_a_recording_stands_for_the_time_up_to_the_next_but_for_no_gap(book):
    for hour in (1, 2, 3, 9):
        record(book, slot(book, hour), NOON + hour * HOUR)
    assert [(part.from_us - NOON, part.until_us - NOON) for part in told(book)] == [
        (HOUR, 2 * HOUR), (2 * HOUR, 3 * HOUR), (3 * HOUR, 4.5 * HOUR), (9 * HOUR, 10.5 * HOUR)]


def test_missing_recordings_are_parts_with_their_reason(book):
    record(book, slot(book, 1), NOON + HOUR)
    book.enter(Skip(MICROPHONE, "down", Series(NOON + 2 * HOUR, NOON + 5 * HOUR, 4)),
               accounted_us=NOON + 5 * HOUR)
    record(book, slot(book, 6), NOON + 6 * HOUR)
    _, *missing, _ = told(book)
    assert {(one.outcome, one.reason, one.path, one.job) for one in missing} == {
        ("skipped", "down", None, None)}
    assert [(one.from_us - NOON, one.until_us - NOON) for one in missing] == [
        (hour * HOUR, (hour + 1) * HOUR) for hour in (2, 3, 4, 5)]


@pytest.mark.parametrize("damage", [b"x", "loud", 1e300])
def test_a_damaged_level_is_left_out(book, damage):
    job = slot(book, 1)
    record(book, job, NOON + HOUR)
    measure(book, job, NOON + HOUR, band_50_100=-60.5)
    book.ledger.db.execute("UPDATE readings SET value = ?", (damage,))
    assert told(book)[0].bands == ()
