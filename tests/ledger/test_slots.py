"""Slots in the ledger: accounted for once, through stops, kills, years and clocks."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beemon.base import moments, schedule
from beemon.base.clock import Quality
from beemon.base.schedule import Schedule, SunTime
from beemon.base.sun import Place
from beemon.ledger import events, slots
from beemon.ledger.slots import Due, Tick, Turn, Unaccounted
from tests.book import DAY, HOUR, HOURLY, MINUTE, MINUTELY, NOON, SECOND, Book, skip


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    book = Book(tmp_path)
    yield book
    book.ledger.close()


# A look

def test_what_is_due_becomes_jobs_with_their_slots(book):
    book.start(NOON, a=MINUTELY)
    jobs = book.enter(due=[Due("read sensor.a", NOON + MINUTE), Due("record microphone.b", None)])
    assert book.rows("SELECT job, command, origin, slot_us FROM jobs") == [
        (jobs[0], "read sensor.a", "schedule", NOON + MINUTE),
        (jobs[1], "record microphone.b", "schedule", None),
    ]


def test_the_account_is_kept_with_what_it_accounts_for(book):
    book.start(NOON, a=MINUTELY)
    with pytest.raises(AttributeError):
        book.enter(due=[Due("read sensor.a", NOON + MINUTE), None], accounted_us=NOON + MINUTE)
    assert slots.last_account(book.ledger) == (1, NOON)
    assert book.rows("SELECT count(*) FROM jobs") == [(0,)]
    book.enter(due=[Due("read sensor.a", NOON + MINUTE)], accounted_us=NOON + MINUTE)
    assert slots.last_account(book.ledger) == (1, NOON + MINUTE)


def test_a_look_by_an_unsure_clock_accounts_for_nothing(book):
    book.start_without_account(NOON)
    with book.ledger.transaction():
        slots.enter(book.ledger, Tick(book.clock.stamp(), [Due("read sensor.a", None)]))
    assert slots.last_account(book.ledger) is None


def test_skips_that_follow_each_other_for_one_reason_are_one_row(book):
    book.start(NOON, a=MINUTELY)
    book.enter(skip("paused", 1))
    book.enter(skip("paused", 2, 3))
    assert book.skips == [("sensor.a", "paused", NOON + MINUTE, NOON + 4 * MINUTE, 4)]


def test_another_reason_or_a_slot_in_between_begins_another_row(book):
    book.start(NOON, a=MINUTELY)
    book.enter(skip("paused", 1), skip("inspection", 2), skip("inspection", 4))
    assert [(reason, count) for _, reason, _, _, count in book.skips] == [
        ("paused", 1), ("inspection", 1), ("inspection", 1),
    ]


def test_skips_of_another_span_are_another_row(book):
    book.start(NOON, a=MINUTELY)
    at = NOON + MINUTE + SECOND
    book.enter(skip("paused", 1), Turn("sensor.a", at, at, MINUTELY), skip("paused", 2))
    assert len(book.skips) == 2
    assert book.spans == [("sensor.a", NOON, at), ("sensor.a", at, None)]


# The time between two runs

def test_the_first_account_begins_with_the_first_run(book):
    book.start(NOON, a=MINUTELY, b=HOURLY)
    assert book.skips == []
    assert sorted(book.spans) == [("sensor.a", NOON, None), ("sensor.b", NOON, None)]


def test_what_was_missed_between_two_runs_is_one_row_a_device(book):
    book.start(NOON, a=MINUTELY, b=HOURLY)
    book.start(NOON + 2 * HOUR + SECOND, a=MINUTELY, b=HOURLY)
    assert sorted(book.skips) == [
        ("sensor.a", "down", NOON + MINUTE, NOON + 2 * HOUR, 120),
        ("sensor.b", "down", NOON + HOUR, NOON + 2 * HOUR, 2),
    ]
    assert len(book.spans) == 2  # they go on
    assert slots.last_account(book.ledger) == (2, NOON + 2 * HOUR + SECOND)


@pytest.mark.parametrize(("wake_us", "reasons"), [
    (NOON + HOUR, [("power", 60), ("down", 60)]),  # it did not wake in time
    (NOON + 3 * HOUR, [("power", 120)]),  # it was woken earlier
    (None, [("power", 120)]),
])
def test_what_a_halt_left_out_was_left_out_to_save_power(book, wake_us, reasons):
    book.start(NOON, a=MINUTELY)
    halt(book, wake=wake_us and moments.iso(wake_us))
    book.start(NOON + 2 * HOUR, a=MINUTELY)
    assert [(reason, count) for _, reason, _, _, count in book.skips] == reasons


def test_a_halt_that_was_refused_or_of_an_earlier_run_left_nothing_out(book):
    book.start(NOON, a=MINUTELY)
    halt(book, wake=moments.iso(NOON + HOUR))
    book.start(NOON + MINUTE, a=MINUTELY)
    book.start(NOON + HOUR, a=MINUTELY)
    halt(book, wake=moments.iso(NOON + 2 * HOUR))
    halt(book)
    book.start(NOON + 2 * HOUR, a=MINUTELY)
    assert [(reason, count) for _, reason, _, _, count in book.skips] == [
        ("power", 1), ("down", 119),
    ]


def test_a_machine_that_stayed_on_after_a_halt_was_not_halted(book):
    book.start(NOON, a=HOURLY)
    halt(book, wake=moments.iso(NOON + 9 * HOUR))
    book.enter(accounted_us=NOON + HOUR)
    book.start(NOON + 3 * HOUR, a=HOURLY)
    assert [(reason, count) for _, reason, _, _, count in book.skips] == [("down", 2)]


def halt(book, **facts):
    with book.ledger.transaction() as ledger:
        events.enter(ledger, events.HALT, "about powering off", **facts)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_the_clocks_change_has_its_own_number_of_hours(book, day, hours):
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    book.start(moments.to_microseconds(midnight), a=HOURLY)
    book.start(moments.to_microseconds(midnight + timedelta(days=1)), a=HOURLY)
    assert [row[4] for row in book.skips] == [hours]


def test_a_hive_where_the_sun_does_not_set_misses_no_night(book):
    place = Place(69.65, 18.96)
    window = (SunTime("sunset"), SunTime("sunrise"))
    nightly = Schedule(interval=3600.0, window=window, place=place)
    daily = dataclasses.replace(nightly, window=window[::-1])
    definitions = {"dark": nightly, "light": daily}
    devices = {name: schedule.describe(of, "Europe/Oslo") for name, of in definitions.items()}
    book.start(NOON, **devices)
    book.start(NOON + 40 * DAY, **devices)
    assert [(row[0], row[4]) for row in book.skips] == [("sensor.light", 40 * 24)]


def test_runs_that_came_and_went_add_to_the_same_row(book):
    book.start(NOON, a=MINUTELY)
    book.start(NOON + HOUR, a=MINUTELY)
    book.start_without_account(NOON + 2 * HOUR)
    book.start(NOON + 3 * HOUR, a=MINUTELY)
    assert book.skips == [("sensor.a", "down", NOON + MINUTE, NOON + 3 * HOUR, 180)]


def test_a_years_absence_is_reckoned_in_milliseconds(book):
    devices = {f"s{number}": MINUTELY for number in range(10)}
    book.start(NOON, **devices)
    began = time.process_time()
    book.start(NOON + 365 * DAY, **devices)
    took = time.process_time() - began
    assert [row[4] for row in book.skips] == [365 * 24 * 60] * 10
    print(f"a year's absence of ten sensors: {took * 1e3:.0f} ms")
    assert took < 1.0


def test_what_was_missed_went_by_the_schedule_of_then(book):
    book.start(NOON, a=HOURLY, gone=HOURLY)
    book.start(NOON + 2 * HOUR, a=MINUTELY, new=MINUTELY)
    assert sorted((device, count) for device, _, _, _, count in book.skips) == [
        ("sensor.a", 2), ("sensor.gone", 2),
    ]
    at = NOON + 2 * HOUR
    assert sorted(book.spans, key=str) == sorted([
        ("sensor.a", NOON, at), ("sensor.gone", NOON, at), ("sensor.a", at, None),
        ("sensor.new", at, None),
    ], key=str)


def test_a_clock_that_became_right_late_leaves_a_span_without_account(book):
    book.start(NOON, a=MINUTELY)
    book.start(NOON + HOUR + 5 * MINUTE, since_us=NOON + HOUR, a=MINUTELY)
    assert book.skips == [("sensor.a", "down", NOON + MINUTE, NOON + HOUR, 60)]
    [(from_us, until_us, why)] = book.unaccounted
    assert (from_us, until_us) == (NOON + HOUR, NOON + HOUR + 5 * MINUTE)
    assert why.startswith("the clock was not right yet")
    assert book.spans == [
        ("sensor.a", NOON, NOON + HOUR), ("sensor.a", NOON + HOUR + 5 * MINUTE, None),
    ]


@pytest.mark.parametrize(("start_us", "why"), [
    (NOON - DAY, "the clock was set back while the service was down"),
    (NOON + 6 * 366 * DAY, "the clock was set far forward while the service was down"),
])
def test_an_absence_that_cannot_be_counted_is_named(book, start_us, why):
    book.start(NOON, a=MINUTELY)
    book.start(start_us, a=MINUTELY)
    assert book.skips == []
    assert book.unaccounted == [(NOON, start_us, why)]
    assert book.spans == [("sensor.a", NOON, NOON), ("sensor.a", start_us, None)]


def test_a_run_whose_clock_never_was_right_hides_how_long_the_absence_was(book):
    book.start(NOON, a=MINUTELY)
    book.start_without_account(0, Quality.UNSURE)
    book.start(NOON + DAY, a=MINUTELY)
    assert book.skips == []
    assert book.unaccounted[0][2] == "the clock was never right while the service ran"


def test_a_schedule_that_nobody_understands_any_more_is_named(book):
    book.start(NOON, a='{"interval": "1m", "zone": "Atlantis"}', b=HOURLY)
    book.start(NOON + HOUR, a=MINUTELY, b=HOURLY)
    assert [row[0] for row in book.skips] == ["sensor.b"]
    assert "Atlantis" in book.unaccounted[0][2]
    [event] = events.recent(book.ledger, 1)
    assert event.device == "sensor.a"


def test_a_span_that_cannot_be_told_is_an_event_in_words(book):
    book.start(NOON, a=MINUTELY)
    book.enter(Unaccounted(NOON, NOON + HOUR, "the clock was set forward by 3600 s"))
    assert events.latest(book.ledger, slots.UNACCOUNTED).message == (
        "the scheduled times from 2026-06-01T12:00:00.000Z to 2026-06-01T13:00:00.000Z are not "
        "known: the clock was set forward by 3600 s"
    )
