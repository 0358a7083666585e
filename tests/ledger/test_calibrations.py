"""Calibrations in the ledger: entered once, named by readings, never changed."""

from __future__ import annotations

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Calibration, Reading
from beemon.ledger import calibrations
from beemon.ledger import readings as series
from beemon.ledger.calibrations import Made

AT = Stamp(1_000_000, 12.5, Quality.RTC)


def made(job: int, sensor: str = "sensor.scale", quantity: str = "weight") -> Made:
    facts = {"zero": 5.0, "factor": float(job), "job": job, "of": "bridge", "points": {}}
    return Made(sensor, quantity, AT.utc_us + job, AT.quality, facts)


def reading(calibration: Calibration, second: int) -> Reading:
    at = AT._replace(utc_us=AT.utc_us * second)
    return Reading("sensor.scale", "weight", "g", 3.0, None, at, raw=4.0, calibration=calibration,
                   uncertainty=0.5)


def test_a_reading_names_the_one_that_its_job_made(ledger):
    with ledger.transaction():
        numbers = [calibrations.enter(ledger, made(job)) for job in (7, 8)]
        series.keep(ledger, 9, [reading(Calibration(5.0, 7.0, 7), 1)])
        series.keep(ledger, 9, [reading(Calibration(5.0, 8.0, 8), 2)])
    rows = ledger.db.execute("SELECT calibration, uncertainty FROM readings ORDER BY utc_us")
    assert [tuple(row) for row in rows] == [(number, 0.5) for number in numbers]
    [latest] = series.latest(ledger.db)
    assert (latest.calibration, latest.uncertainty) == (numbers[1], 0.5)


def test_a_reading_of_the_configs_enters_it_once(ledger):
    with ledger.transaction():
        series.keep(ledger, 9, [reading(Calibration(5.0, 7.0), second) for second in (1, 2)])
    [kept] = calibrations.history(ledger.db)
    assert (kept.result.zero, kept.result.factor, kept.calibration) == (5.0, 7.0, 1)
    assert calibrations.in_force(ledger.db) == []


def test_the_latest_of_each_sensor_and_quantity_is_in_force(ledger):
    all_ = [made(1), made(2), made(3, "sensor.other"), made(4, quantity="weight_compensated")]
    with ledger.transaction():
        for one in all_:
            calibrations.enter(ledger, one)
        series.keep(ledger, 9, [reading(Calibration(1.0, 1.0), 1)])
    assert calibrations.in_force(ledger.db) == all_[1:]


def test_the_history_is_of_all_or_of_some(ledger):
    with ledger.transaction():
        for one in (made(1), made(2), made(3, "sensor.other")):
            calibrations.enter(ledger, one)
    assert [one.job for one in calibrations.history(ledger.db)] == [1, 2, 3]
    [only] = calibrations.history(ledger.db, ["sensor.other"])
    assert (only.job, only.made) == (3, "1970-01-01T00:00:01.000Z")
