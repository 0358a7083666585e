"""Series: readings as the ledger keeps them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import UNKNOWN_QUANTITY, Calibration, Reading
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger
from beemon.protocol.replies import ReadingFacts


def at(utc_us: int) -> Stamp:
    return Stamp(utc_us, 12.5, Quality.RTC)


def reading(utc_us: int, value: float | None, reason: str | None = None, sensor="a") -> Reading:
    return Reading(f"sensor.{sensor}", "temperature", "°C", value, reason, at(utc_us))


def keep(ledger: Ledger, job: int, *readings: Reading) -> None:
    with ledger.transaction():
        series.keep(ledger, job, readings)


def test_the_latest_reading_of_each_quantity_is_at_hand(ledger):
    keep(ledger, 1, reading(1_000_000, 34.0), reading(1_000_000, 20.0, sensor="b"))
    keep(ledger, 2, reading(2_000_000, None, "timeout"))
    assert series.latest(ledger.db) == [
        ReadingFacts(
            "sensor.a", "temperature", "1970-01-01T00:00:02.000Z", "°C", reason="timeout",
            clock="rtc",
        ),
        ReadingFacts(
            "sensor.b", "temperature", "1970-01-01T00:00:01.000Z", "°C", 20.0, "good",
            clock="rtc",
        ),
    ]


def test_a_sensor_that_failed_before_it_named_its_quantities_leaves_no_old_reason(ledger):
    unknown = Reading("sensor.a", UNKNOWN_QUANTITY, "", None, "missing-device", at(1_000_000))
    keep(ledger, 1, unknown)
    assert [latest.quantity for latest in series.latest(ledger.db)] == ["reading"]
    keep(ledger, 2, reading(2_000_000, 34.0))
    assert [latest.quantity for latest in series.latest(ledger.db)] == ["temperature"]


def test_every_reading_is_kept_with_its_job(ledger):
    keep(ledger, 1, reading(1, 34.0))
    keep(ledger, 2, reading(2, None, "timeout"))
    keep(ledger, 3)
    rows = ledger.db.execute("SELECT utc_us, value, reason, job FROM readings").fetchall()
    assert [tuple(row) for row in rows] == [(1, 34.0, None, 1), (2, None, "timeout", 2)]


def test_a_reading_names_its_calibration_and_each_is_kept_once(ledger):
    first, second = Calibration(100.0, 0.5), Calibration(101.0, 0.5)
    for minute, used in enumerate((first, second, first, None)):
        keep(ledger, 1, replace(reading(minute, 4.0), calibration=used))
    rows = ledger.db.execute("SELECT calibration FROM readings ORDER BY utc_us").fetchall()
    assert [row[0] for row in rows] == [1, 2, 1, None]
    kept = ledger.db.execute("SELECT sensor, quantity, made_us, clock, facts FROM calibrations")
    assert [tuple(row) for row in kept] == [
        ("sensor.a", "temperature", 0, "rtc", '{"zero": 100.0, "factor": 0.5}'),
        ("sensor.a", "temperature", 1, "rtc", '{"zero": 101.0, "factor": 0.5}'),
    ]


def test_two_readings_of_one_moment_are_both_kept(ledger):
    keep(ledger, 1, reading(5, 1.0), reading(5, 2.0))
    keep(ledger, 2, reading(5, 3.0))
    rows = ledger.db.execute("SELECT utc_us, value FROM readings").fetchall()
    assert [tuple(row) for row in rows] == [(5, 1.0), (6, 2.0), (7, 3.0)]


def test_the_file_itself_refuses_a_reading_without_value_and_reason(ledger):
    with pytest.raises(sqlite3.IntegrityError):
        ledger.db.execute("INSERT INTO readings (utc_us, series, monotonic_ms, clock, job)"
                          " VALUES (1, 1, 1, 'rtc', 1)")


def test_a_belated_reading_does_not_become_the_latest(ledger, tmp_path):
    with ledger.transaction():
        series.keep(ledger, 1, [reading(2_000_000, 34.0)])
        series.keep_belated(ledger, 2, [reading(1_000_000, 20.0), reading(1_500_000, 21.0)])
    [latest] = series.latest(ledger.db)
    assert latest.value == 34.0
    with ledger.transaction():
        series.keep_belated(ledger, 3, [reading(3_000_000, 22.0)])
    [latest] = series.latest(ledger.db)
    assert latest.value == 22.0
