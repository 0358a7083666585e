"""Gathering: a hive's day from a real ledger, as far as it was known at a moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import STANDS, Finding, Measured
from beemon.base.moments import from_iso
from beemon.base.readings import Reading
from beemon.config.settings import Hive, Weighing
from beemon.insights.gathering import gather
from beemon.insights.hive_day import AFTER, BEFORE, HOUR, Value
from beemon.ledger import calibrations, events, finding_days, readings
from beemon.ledger.calibrations import Made
from beemon.ledger.finding_days import Looked

DAY = date(2026, 6, 1)
MIDNIGHT = from_iso("2026-06-01T00:00:00Z") / 1e6
HIVE = Hive(name="apiary-7", empty=21_000.0, nest=("sensor.brood", "deep"))
LATE = MIDNIGHT + 100 * HOUR


def reading(at: float, value: float, sensor="sensor.scale", quantity="weight", **more):
    stamp = Stamp(round(at * 1e6), at, Quality.SYNCHRONISED)
    return Reading(sensor, quantity, "g", value, None, stamp, **more)


def keep(ledger, *found):
    with ledger.transaction():
        readings.keep(ledger, 1, found)


def test_the_values_are_those_of_the_day_and_around_it(ledger):
    first, last = MIDNIGHT - BEFORE, MIDNIGHT + AFTER
    keep(ledger, *(reading(at, 40_000.0) for at in (first - 1, first, last, last + 1)))
    day = gather(ledger, DAY, LATE, HIVE, {}, UTC)
    assert [value.at for value in day.values["sensor.scale", "weight"]] == [first, last]
    assert (day.begin, day.end, day.until) == (MIDNIGHT, MIDNIGHT + 24 * HOUR, last)


def test_a_value_has_its_uncertainty_where_it_is_known(ledger):
    keep(ledger, reading(MIDNIGHT, 1.0, uncertainty=12.5), reading(MIDNIGHT + 1, 2.0))
    values = gather(ledger, DAY, LATE, HIVE, {}, UTC).values["sensor.scale", "weight"]
    assert list(values) == [Value(MIDNIGHT, 1.0, 12.5), Value(MIDNIGHT + 1, 2.0)]
    assert (values[-1], list(values[:1])) == (Value(MIDNIGHT + 1, 2.0), [values[0]])


def test_what_a_model_calculated_is_known_as_that(ledger):
    keep(
        ledger, reading(MIDNIGHT, 1.0, "sensor.air", "temperature", quality="modelled"),
        reading(MIDNIGHT + 1, 2.0, "sensor.air", "temperature"),
        reading(MIDNIGHT, 3.0, "sensor.brood", "temperature", quality="few-samples"),
    )
    day = gather(ledger, DAY, LATE, HIVE, {}, UTC)
    assert day.modelled == {("sensor.air", "temperature")}
    assert len(day.values) == 2


def test_nothing_later_than_the_moment_is_known(ledger):
    keep(ledger, *(reading(MIDNIGHT + hour * HOUR, hour) for hour in range(24)))
    with ledger.transaction():
        for hour, state in ((3, "begun"), (5, "ended"), (8, "begun"), (9, "ended")):
            stamp = Stamp(round((MIDNIGHT + hour * HOUR) * 1e6), 1.0, Quality.SYNCHRONISED)
            events.enter(ledger, "inspection", state, at=stamp, state=state, note="")
    until = MIDNIGHT + 8.5 * HOUR
    day = gather(ledger, DAY, until, HIVE, {"sensor.scale": Weighing()}, UTC)
    assert day.values["sensor.scale", "weight"][-1].value == 8
    assert day.told.scales["sensor.scale"].opened == [
        (MIDNIGHT + 3 * HOUR, MIDNIGHT + 5 * HOUR), (MIDNIGHT + 8 * HOUR, until),
    ]


def test_only_the_quantities_that_rules_need_are_read(ledger):
    others = [("sensor.brood", "deep"), ("sensor.brood", "voc"), ("microphone.a", "hum")]
    keep(ledger, *(reading(MIDNIGHT, 1.0, sensor, name) for sensor, name in others))
    found = gather(ledger, DAY, LATE, HIVE, {}, UTC).values
    assert set(found) == {("sensor.brood", "deep"), ("microphone.a", "hum")}


def test_the_sensors_around_a_scale_are_those_of_its_config(ledger):
    keep(
        ledger, reading(MIDNIGHT, 3, "sensor.gate", "bees_out"),
        reading(MIDNIGHT, 1, "sensor.gate", "bees_in"),
        reading(MIDNIGHT, 0, "sensor.lid", "contact"),
    )
    weighing = Weighing(entrance="sensor.gate", lid="sensor.lid", rain="sensor.rain")
    around = gather(ledger, DAY, LATE, HIVE, {"sensor.scale": weighing}, UTC).told.scales[
        "sensor.scale"
    ]
    assert (around.bees_out, around.rain) == ([(MIDNIGHT, 3), (MIDNIGHT, -1)], [])
    assert around.opened == [(MIDNIGHT, MIDNIGHT)]


def test_somebody_is_at_the_hive_while_its_scale_is_calibrated(ledger):
    made = Made("sensor.scale", "weight", round((MIDNIGHT + 9 * HOUR) * 1e6), Quality.SYNCHRONISED,
                {"zero": 5.0, "factor": 0.02, "job": 7, "of": "bridge", "points": {}})
    with ledger.transaction():
        calibrations.enter(ledger, made)
    scales = {"sensor.scale": Weighing()}
    around = gather(ledger, DAY, LATE, HIVE, scales, UTC).told.scales["sensor.scale"]
    assert around.opened == [(MIDNIGHT + 8.5 * HOUR, MIDNIGHT + 9.5 * HOUR)]
    before = gather(ledger, DAY, MIDNIGHT + 8 * HOUR, HIVE, scales, UTC)
    assert before.told.scales["sensor.scale"].opened == []


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_day_is_the_one_on_the_clocks(ledger, day, hours):
    found = gather(ledger, day, LATE * 2, HIVE, {}, ZoneInfo("Europe/Berlin"))
    assert found.end - found.begin == hours * HOUR
    assert found.clock(24.0) == found.end
    assert found.clock(30.0) - found.clock(24.0) == 6 * HOUR


def test_the_numbers_of_the_days_before_come_from_their_sums(ledger):
    net = Measured("net", -67.0, "g")
    one = Finding(
        "day", STANDS, "apiary-7", "2026-05-30T00:00:00.000Z", "2026-05-31T00:00:00.000Z",
        "2026-05-31T06:00:00.000Z", "", "day", 1, measured=(net,),
    )
    with ledger.transaction():
        finding_days.enter(ledger, Looked("2026-05-30", one.told, "a", True, (one,)))
        today = replace(one, from_="2026-06-01T00:00:00.000Z")
        finding_days.enter(ledger, Looked("2026-06-01", one.told, "a", True, (today,)))
    past = gather(ledger, DAY, LATE, HIVE, {}, UTC).past
    assert len(past) == finding_days.PAST_DAYS
    assert [dict(each) for each in past[-3:]] == [{}, {"net": net}, {}]


def test_the_config_is_told_as_it_is(ledger):
    told = gather(ledger, DAY, LATE, HIVE, {}, UTC).told
    assert (told.hive, told.empty, told.nest, told.outside) == (
        "apiary-7", 21_000.0, ("sensor.brood", "deep"), None,
    )


@pytest.mark.parametrize(("drivers", "found"), [
    ({"sensor.comb": "accelerometer", "sensor.brood": "iio"}, ("sensor.comb",)),
    ({"sensor.old": "someones_plug_in", "sensor.comb": "accelerometer"},
     ("sensor.comb", "sensor.old")),
    ({}, ()),
])
def test_an_accelerometer_is_known_by_its_driver_or_by_a_tilt_that_it_once_measured(
    ledger, drivers, found
):
    keep(ledger, reading(MIDNIGHT - 99 * HOUR, 2.0, "sensor.old", "tilt"))
    day = gather(ledger, DAY, LATE, HIVE, {}, UTC, drivers)
    assert day.told.accelerometers == found
