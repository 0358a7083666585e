"""Changes of the measurement are no news of the hive: another unit, calibration or sensor name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta
from typing import NamedTuple

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import Finding
from beemon.base.readings import Calibration, Reading
from beemon.config.settings import Hive, Weighing
from beemon.insights.day import RULES, look_at
from beemon.insights.gathering import gather
from beemon.insights.hive_day import HOUR, HiveDay, Value
from beemon.ledger import readings
from beemon.ledger.ledger import Ledger
from tests.insights.curves import BEGIN, DATE, weights
from tests.insights.test_sheet import NEST, OUTSIDE, SWARM, TILT, WEIGHT, every, is_swarming

Key = tuple[str, str]
Enter = Callable[[Reading], Reading]

STORY: Mapping[Key, list[Value]] = {
    WEIGHT: weights(
        (9.25, 0, -6000), (9.6, 0, 9000), (SWARM, 12, -1800), own=lambda hour: -4 * hour
    ),
    NEST: every(5, lambda hour: 34.6 + 1.4 * is_swarming(hour)),
    OUTSIDE: every(15, lambda hour: 14.0),
    TILT: every(5, lambda hour: 9.0 if hour >= 18 else 2.0),
}
"""A visit in the morning, a swarm at one o'clock, and a hive that was moved in the evening."""
HIVE = Hive(name="apiary-7", empty=21_000.0, nest=NEST, outside=OUTSIDE)
CELL = Calibration(1000.0, 0.05)
"""The conversion of the scale's raw numbers that is right."""


def plain(said: Reading) -> Reading:
    return said


def in_unit(unit: str, factor: float, offset: float = 0.0) -> Enter:
    return lambda said: replace(said, unit=unit, value=(said.value or 0) * factor + offset)


def by(zero: float, factor: float, unit: str = "g") -> Enter:
    """The value that a calibration makes of the raw number of a hive of that weight."""
    def enter(said: Reading) -> Reading:
        raw = (said.value or 0) / CELL.factor + CELL.zero
        used = Calibration(zero, factor)
        return replace(said, value=used.value(raw), unit=unit, raw=raw, calibration=used)
    return enter


def named(sensor: str, quantity: str | None = None, factor: float = 1.0) -> Enter:
    return lambda said: replace(said, sensor=sensor, quantity=quantity or said.quantity,
                                value=(said.value or 0) * factor)


class Change(NamedTuple):
    """From an hour on, the values of a key are entered in another way than before."""

    key: Key
    before: Enter
    after: Enter
    scale: str = WEIGHT[0]
    """The scale that the config names afterwards."""


SAME = {
    "g to kg": Change(WEIGHT, plain, in_unit("kg", 0.001)),
    "kg to g": Change(WEIGHT, in_unit("kg", 0.001), plain),
    "g to lb": Change(WEIGHT, plain, in_unit("lb", 1 / 453.59237)),
    "the config's conversion to g, then to kg": Change(
        WEIGHT, by(1000, 0.05), by(1000, 0.00005, "kg")
    ),
    "the config's conversion to °C, then to °F": Change(
        NEST, by(1000, 0.05, "°C"), by(1000 - 32 / 0.09, 0.09, "°F")
    ),
    "the nest, °C to °F": Change(NEST, plain, in_unit("°F", 1.8, 32.0)),
    "the air, °F to °C": Change(OUTSIDE, in_unit("°F", 1.8, 32.0), plain),
}
OTHER = {
    "another factor": Change(WEIGHT, by(1000, 0.05), by(1000, 0.03)),
    "another zero": Change(WEIGHT, by(1000, 0.05), by(-159_000, 0.05)),
    "another zero, of a lighter hive": Change(WEIGHT, by(1000, 0.05), by(401_000, 0.05)),
    "a calibration added": Change(WEIGHT, in_unit("g", 0.4), by(1000, 0.05)),
    "a calibration removed": Change(WEIGHT, by(1000, 0.05), in_unit("g", 0.4)),
    "a conversion added": Change(WEIGHT, named(WEIGHT[0], "voltage", 1e-6), by(1000, 0.05)),
    "a conversion removed": Change(WEIGHT, by(1000, 0.05), named(WEIGHT[0], "voltage", 1e-6)),
    "a unit that is no weight": Change(WEIGHT, plain, in_unit("V", 1e-6)),
    "another factor of the nest": Change(NEST, by(1000, 0.05), by(1000, 0.02)),
    "the scale renamed": Change(WEIGHT, plain, named("sensor.new"), "sensor.new"),
    "the nest renamed": Change(NEST, plain, named("sensor.new")),
    "the accelerometer renamed": Change(TILT, plain, named("sensor.new")),
}
HOURS = (-3.0, 3.0, 9.4, 11.0, SWARM + 0.1, SWARM + 0.6, 26.5)
"""The hours of a change: by night, during a visit, in the swarm, after it, and so on."""


def enter(ledger: Ledger, change: Change | None, hour: float) -> None:
    """The story, as the change of a key has it entered."""
    def readings_of(key: Key, values: list[Value]) -> Iterator[Reading]:
        for one in values:
            at = Stamp(round(one.at * 1e6), one.at, Quality.SYNCHRONISED)
            said = Reading(*key, UNITS[key], one.value, None, at)
            if change is None or key != change.key:
                yield said
            else:
                yield (change.before if one.at < BEGIN + hour * HOUR else change.after)(said)

    with ledger.transaction():
        for key, values in STORY.items():
            readings.keep(ledger, 1, list(readings_of(key, values)))


UNITS = {WEIGHT: "g", NEST: "°C", OUTSIDE: "°C", TILT: "°"}


def days(ledger: Ledger, scale: str = WEIGHT[0], until: float = 36.0) -> Iterator[HiveDay]:
    for date in (DATE, DATE + timedelta(days=1)):
        at = BEGIN + until * HOUR
        yield gather(ledger, date, at, HIVE, {scale: Weighing()}, UTC)


def found(ledger: Ledger, scale: str = WEIGHT[0], until: float = 36.0) -> list[Finding]:
    of_days = [look_at(day, RULES) for day in days(ledger, scale, until)]
    assert not any(defects for _, defects in of_days)
    return [finding for findings, _ in of_days for finding in findings]


def matters(findings: list[Finding]) -> set[tuple[str, str, str]]:
    """The kinds, stages and hours of findings, by any sensor."""
    return {(one.kind, one.stage, one.from_[:13]) for one in findings}


def sentences(findings: list[Finding]) -> list[tuple[object, ...]]:
    return [(one.kind, one.stage, one.from_, one.says, one.for_, one.against) for one in findings]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """The findings without any change."""
    with closing(Ledger(tmp_path_factory.mktemp("whole"))) as ledger:
        ledger.prepare()
        with ledger.transaction():
            ledger.begin_run()
        enter(ledger, None, 0.0)
        told = found(ledger)
    assert {(one.kind, one.stage) for one in told} == {
        ("visit", "stands"), ("swarm", "first"), ("swarm", "stands"), ("moved", "stands"),
        ("day", "stands"),
    }
    return told


@pytest.mark.parametrize("name", SAME)
def test_after_another_unit_the_findings_are_the_same(name, ledger, whole):
    enter(ledger, SAME[name], 11.0)
    assert sentences(found(ledger)) == sentences(whole)


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize("name", OTHER)
def test_another_measurement_makes_no_finding_and_takes_none_back(name, hour, ledger, whole):
    change = OTHER[name]
    enter(ledger, change, hour)
    told = found(ledger, change.scale)
    assert matters(told) <= matters(whole)
    if change.scale == WEIGHT[0]:  # of a sensor that has left the config nothing is looked for
        assert matters(found(ledger, until=hour)) <= matters(told)


def test_the_day_says_from_when_on_it_does_not_compare(ledger):
    enter(ledger, OTHER["another factor"], 11.0)
    [of_day] = [one for one in found(ledger) if one.kind == "day"]
    assert (
        "At 11:00 the calibration of sensor.scale changed. "
        "Its later values are not compared with those before."
    ) in of_day.unknown
    first, second = days(ledger)
    assert first.changed == {WEIGHT: BEGIN + 11 * HOUR}
    assert (second.changed, second.values[WEIGHT][0].at) == ({}, BEGIN + 11 * HOUR)


def test_an_uncertainty_has_the_usual_unit_too(ledger):
    at = Stamp(round(BEGIN * 1e6), BEGIN, Quality.SYNCHRONISED)
    said = Reading(*NEST, "°F", 95.0, None, at, uncertainty=1.8)
    with ledger.transaction():
        readings.keep(ledger, 1, [said, replace(said, uncertainty=None)])
    values = next(days(ledger)).values[NEST]
    assert [value.uncertainty for value in values] == [pytest.approx(1.0), None]
    assert [values[0], values[1]] == list(values)
    assert values[0].value == pytest.approx(35.0)
