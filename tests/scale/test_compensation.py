"""Compensation: a fit out of the ledger's nights, and weights beside weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.config.settings import DeviceSettings, Weighing
from beemon.devices.sensors.simulated import outside_temperature, weight
from beemon.ledger import calibrations, events, hours
from beemon.ledger import readings as series
from beemon.scale.compensation import FRESH_SECONDS, QUANTITY, Compensation, fitted
from beemon.scale.drift import NoFitError
from tests.book import DAY, HOUR, NOON, Book

WEIGHING = Weighing(temperature=("sensor.outside", "temperature"), rain="sensor.rain")
SCALE = DeviceSettings(
    name="sensor.scale", kind="sensor", table={}, lines={}, weighing=WEIGHING
)
DEVICES = {"sensor.scale": SCALE}
AT = Stamp(NOON, 5000.0, Quality.SYNCHRONISED)


def is_day(at: float) -> bool:
    return 6 <= at % 86400 / 3600 < 20


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """Twenty days before noon, with two readings an hour of a scale that drifts by 15 g/K."""
    book = Book(tmp_path)
    book.start_without_account(NOON)
    with book.ledger.transaction() as ledger:
        for utc_us in range(NOON - 20 * DAY, NOON, HOUR // 2):
            celsius = outside_temperature(1, utc_us / 1e6)
            series.keep(ledger, 1, [
                measured("sensor.scale", "weight", utc_us, weight(1, utc_us / 1e6) + 15 * celsius),
                measured("sensor.outside", "temperature", utc_us, celsius),
            ])
    yield book
    book.ledger.close()


def measured(sensor: str, quantity: str, utc_us: int, value: float) -> Reading:
    at = Stamp(utc_us, utc_us / 1e6 - 1e9, Quality.SYNCHRONISED)
    return Reading(sensor, quantity, "", value, None, at)


def fit(book: Book, job: int = 7) -> calibrations.Made:
    with book.ledger.transaction() as ledger:
        while hours.reckon(ledger, NOON):
            pass
        return fitted(ledger, "sensor.scale", WEIGHING, is_day, job)


def weighed(value: float | None = 35_000.0, reason: str | None = None, **more: Any) -> Reading:
    return Reading("sensor.scale", "weight", "g", value, reason, AT, uncertainty=10.0, **more)


def warmth(celsius: float | None, monotonic: float = 4990.0) -> Reading:
    reason = None if celsius is not None else "timeout"
    at = AT._replace(monotonic=monotonic)
    return Reading("sensor.outside", "temperature", "°C", celsius, reason, at)


def test_the_nights_in_the_ledger_tell_the_slope(book):
    made = fit(book)
    assert (made.sensor, made.quantity, made.facts["job"]) == ("sensor.scale", QUANTITY, 7)
    assert made.facts["slope"] == pytest.approx(15, abs=1)
    assert made.facts["r2"] > 0.9
    assert made.facts["temperature"] == "sensor.outside temperature"
    assert 18 <= made.facts["nights"] <= 20
    assert made.facts["from"].startswith("2026-05-1")


def test_nights_with_a_step_or_rain_are_left_out(book):
    nights = fit(book).facts["nights"]
    for days, step in ((5, "loss"), (9, "rain")):
        at = Stamp(NOON - days * DAY + 12 * HOUR, 0.0, Quality.SYNCHRONISED)  # at midnight
        with book.ledger.transaction() as ledger:
            events.enter(ledger, "weight", "", "sensor.scale", at=at, step=step, seconds=600)
    assert fit(book).facts["nights"] == nights - 2
    rain = measured("sensor.rain", "rain", NOON - 14 * DAY + 4 * HOUR, 1.2)  # it dries until four
    with book.ledger.transaction() as ledger:
        series.keep(ledger, 1, [rain])
    assert fit(book).facts["nights"] == nights - 3


def test_without_nights_there_is_no_fit(tmp_path):
    book = Book(tmp_path)
    book.start_without_account(NOON)
    with pytest.raises(NoFitError, match="there are only 0 complete nights"):
        fit(book)
    book.ledger.close()


def test_by_an_unsure_clock_nobody_knows_the_nights(book):
    book.clock.quality = Quality.UNSURE
    with pytest.raises(NoFitError, match="the clock is unsure"):
        fit(book)


def test_a_weight_has_its_compensated_one_beside_it(book):
    compensation = Compensation([fit(book)], DEVICES)
    made = fit(book).facts
    readings = [warmth(made["reference"] + 10), weighed(quality="inspection")]
    [beside] = compensation.compensate(readings)
    assert (beside.quantity, beside.unit, beside.at) == (QUANTITY, "g", AT)
    assert beside.value == pytest.approx(35_000 - 10 * made["slope"], abs=0.01)
    assert (beside.raw, beside.quality) == (35_000.0, "inspection")
    assert beside.uncertainty >= 10
    assert beside.calibration.job == 7


def test_its_reading_names_the_fit(book):
    made = fit(book)
    with book.ledger.transaction() as ledger:
        number = calibrations.enter(ledger, made)
        series.keep(ledger, 8, Compensation([made], DEVICES).compensate([warmth(20.0), weighed()]))
    [row] = book.rows(
        "SELECT calibration FROM readings JOIN series USING (series)"
        f" WHERE quantity = '{QUANTITY}'"
    )
    assert row == (number,)
    assert calibrations.in_force(book.ledger.db) == [made]


def test_without_a_fresh_temperature_there_is_a_reason(book):
    made = fit(book)
    for known in ([], [warmth(20.0, 5000.0 - FRESH_SECONDS - 1)], [warmth(None)]):
        [beside] = Compensation([made], DEVICES).compensate([*known, weighed()])
        assert (beside.value, beside.reason) == (None, "no-temperature")


def test_a_weight_that_is_missing_is_missing_here_too(book):
    [beside] = Compensation([fit(book)], DEVICES).compensate([
        warmth(20.0), replace(weighed(None, "timeout"), uncertainty=None)
    ])
    assert beside.reason == "timeout"


def test_a_fit_by_another_temperature_is_not_used(book):
    other = replace(SCALE, weighing=Weighing(temperature=("sensor.other", "temperature")))
    compensation = Compensation([fit(book)], {"sensor.scale": other})
    assert compensation.compensate([warmth(20.0), weighed()]) == []
    compensation.change(DEVICES)
    assert len(compensation.compensate([weighed()])) == 1


def test_without_a_fit_nothing_is_beside_it():
    assert Compensation([], DEVICES).compensate([warmth(20.0), weighed()]) == []
