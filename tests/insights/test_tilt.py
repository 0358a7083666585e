"""Tilt: a hive that fell over or was moved is told after a minute, and a knock is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from beemon.base.finding import Finding, Measured
from beemon.insights.hive_day import HOUR, Told, Value
from beemon.insights.tilt import changes_of, find_tilt
from beemon.scale.steps import Around
from tests.insights.days import hive_day, season

COMB = ("sensor.comb", "tilt")
DAY = date(2026, 6, 1)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
UPRIGHT = 2.0


def tilts(
    of: Callable[[float], float | None], *, every: float = 60.0, hours: float = 24.0
) -> list[Value]:
    """A reading each minute, as the function of the hour gives it; None where there is none."""
    times = [number * every for number in range(round(hours * HOUR / every))]
    wobble = (0.0, 0.2, -0.1)
    return [
        Value(BEGIN + at, tilt + wobble[number % 3]) for number, at in enumerate(times)
        if (tilt := of(at / HOUR)) is not None
    ]


def found_in(values: list[Value], until: float = 30.0) -> tuple[Finding, ...]:
    told = Told("h", {})
    return find_tilt(hive_day(DAY, told, {COMB: values}, until=BEGIN + until * HOUR)).findings


def test_a_hive_that_falls_over_is_told_after_a_minute():
    values = tilts(lambda hour: 84.0 if hour >= 14 else UPRIGHT)
    (finding,) = found_in(values)
    assert (finding.kind, finding.stage, finding.device) == ("tipped", "stands", "sensor.comb")
    assert finding.says == "At 14:00 the hive fell over: it leans by 84°, and stood at 2°."
    assert (finding.from_, finding.told) == (
        "2026-06-01T14:00:00.000Z", "2026-06-01T14:01:00.000Z",
    )
    assert finding.measured == (
        Measured("tilt", pytest.approx(84, abs=0.2), "°", n=2),
        Measured("usual", pytest.approx(UPRIGHT, abs=0.1), "°"),
    )
    assert finding.unknown == ("Nothing shows if somebody was at the hive.",)
    assert found_in(values, until=14 + 0.9 / 60) == ()
    assert found_in(values, until=14 + 1.1 / 60) == (finding,)


def test_a_hive_that_is_moved_is_told_once():
    (finding,) = found_in(tilts(lambda hour: 9.0 if hour >= 9.5 else UPRIGHT))
    assert finding.kind == "moved"
    assert finding.says == "At 09:30 the hive was moved: it leans by 9° instead of 2°."


@pytest.mark.parametrize(("lean", "kinds"), [
    (6.5, []), (7.5, ["moved"]), (29.5, ["moved"]), (30.5, ["tipped"]), (180.0, ["tipped"]),
])
def test_the_change_decides(lean, kinds):
    found = found_in(tilts(lambda hour: lean if hour >= 12 else UPRIGHT))
    assert [finding.kind for finding in found] == kinds


def test_a_slope_on_which_it_has_always_stood_is_none():
    assert found_in(tilts(lambda hour: 35.0)) == ()


def test_a_knock_is_none():
    assert found_in(tilts(lambda hour: 60.0 if 12 <= hour < 12.01 else UPRIGHT)) == ()
    fast = tilts(lambda hour: 60.0 if 12 <= hour < 12 + 59 / 3600 else UPRIGHT, every=10.0)
    assert found_in(fast) == ()


def test_a_hive_that_slowly_gives_way_is_none():
    assert found_in(tilts(lambda hour: UPRIGHT + hour / 4)) == ()


def days_found(of: Callable[[float], float | None], days: int) -> list[Finding]:
    """The findings of successive days, each of which knows those before it."""
    values = {COMB: tilts(of, hours=24.0 * days)}
    return [
        finding for _, found in season(Told("h", {}), values, [find_tilt])
        for finding in found.findings
    ]


def test_a_stand_that_sinks_over_days_is_told_once_in_its_own_words():
    (finding,) = days_found(lambda hour: min(12.0 + hour / 4, 50.0), days=9)
    assert (finding.kind, finding.from_) == ("tipped", "2026-06-04T00:03:00.000Z")
    assert finding.says == (
        "At 00:03 the hive leant by 30°, too far to stand safely. "
        "It did not fall at once: it leant by 24° in the 24 hours before."
    )
    assert finding.unknown == ("Nothing shows if somebody was at the hive.",)


def test_a_tilt_that_goes_up_and_down_about_the_limit_is_told_once():
    def tilt(hour: float) -> float:
        if hour < 24:
            return 20.0 + hour / 3
        high = 31.0 if hour // 24 in (1, 4, 8) else 29.0  # days apart, so that one day forgets
        return high if hour % 24 < 8 else 28.0

    (finding,) = days_found(tilt, days=10)
    assert finding.from_ == "2026-06-02T00:00:00.000Z"


def test_a_hive_that_sank_and_was_set_upright_is_told_again():
    def tilt(hour: float) -> float:
        return UPRIGHT if 48 <= hour < 60 else min(20.0 + hour % 60 / 3, 33.0)

    kinds = [finding.kind for finding in days_found(tilt, days=5)]
    assert kinds == ["tipped", "moved", "moved", "tipped"]


def test_a_hive_that_is_set_upright_again_is_no_news_and_its_next_fall_is():
    def tilt(hour: float) -> float:
        return 80.0 if 10 <= hour < 11 or hour >= 20 else UPRIGHT

    found = found_in(tilts(tilt))
    assert [(finding.kind, finding.from_[11:16]) for finding in found] == [
        ("tipped", "10:00"), ("tipped", "20:00"),
    ]


def test_a_fall_in_a_time_without_readings_is_told_after_it():
    (finding,) = found_in(tilts(lambda h: None if 3 <= h < 8 else 80.0 if h >= 5 else UPRIGHT))
    assert (finding.kind, finding.from_[11:16]) == ("tipped", "08:00")
    assert finding.says == (
        "At 08:00 the hive had fallen over: it leans by 80°, and stood at 2°. "
        "Nothing was measured in the 5 hours before."
    )


@pytest.mark.parametrize(("after", "kinds"), [(84.0, ["tipped"]), (9.0, ["moved"]), (2.0, [])])
def test_a_hive_that_fell_in_days_without_readings_is_told_once(after, kinds):
    found = days_found(lambda h: UPRIGHT if h < 30 else None if h < 150 else after, days=10)
    assert [finding.kind for finding in found] == kinds
    assert all(finding.from_ == "2026-06-07T06:00:00.000Z" for finding in found)
    assert all(found.says.endswith("in the 102 hours before.") for found in found)


def test_a_hive_that_falls_again_as_it_lay_before_is_told():
    found = found_in(tilts(lambda hour: UPRIGHT if 10 <= hour < 14 else 80.0))
    assert [finding.kind for finding in found] == ["moved", "tipped"]


def test_the_day_has_the_last_tilt_and_the_greatest():
    values = {COMB: tilts(lambda hour: 9.0 if hour >= 9.5 else UPRIGHT)}
    found = find_tilt(hive_day(DAY, Told("h", {}), values))
    assert found.measured == (
        Measured("tilt_comb", 9.0, "°", n=1440), Measured("tilt_most_comb", 9.0, "°", n=1440),
    )


def test_only_what_began_on_the_day_is_of_the_day():
    values = [
        value._replace(at=value.at - 24 * HOUR)
        for value in tilts(lambda hour: 84.0 if hour >= 14 else UPRIGHT, hours=48)
    ]
    assert found_in(values) == ()


@pytest.mark.parametrize(("opened", "is_work"), [
    ((9.0, 9.4), True), ((8.0, 8.6), True), ((9.4, 9.6), True), ((7.0, 8.4), False),
    ((9.6, 10.0), False),
])
def test_an_open_hive_speaks_against_it(opened, is_work):
    hours = tuple(BEGIN + hour * HOUR for hour in opened)
    told = Told("h", {"sensor.scale": Around(is_day=lambda _: True, opened=[hours])})
    values = {COMB: tilts(lambda hour: 9.0 if hour >= 9.5 else UPRIGHT)}
    (finding,) = find_tilt(hive_day(DAY, told, values)).findings
    assert bool(finding.against) is is_work
    assert bool(finding.unknown) is not is_work


def test_the_values_of_no_accelerometer_are_no_change():
    assert list(changes_of([])) == list(changes_of([Value(0.0, 80.0)])) == []


def test_the_last_twelve_readings_are_the_usual_tilt():
    leans = [0.0] * 7 + [4.0] * 6 + [6.0] * 10  # the median of thirteen is 0
    assert list(changes_of([Value(60.0 * n, lean) for n, lean in enumerate(leans)])) == []
    leans = [0.0] * 7 + [4.0] * 5 + [6.0] * 10
    assert len(list(changes_of([Value(60.0 * n, lean) for n, lean in enumerate(leans)]))) == 1


@pytest.mark.parametrize(("measured", "says"), [
    (0.0, ["The tilt by sensor.comb was not measured."]),
    (18.0, ["Not enough was measured (1080 of 1440) of the tilt by sensor.comb."]),
    (20.0, []),
])
def test_an_accelerometer_that_is_set_up_and_does_not_measure_is_missed(measured, says):
    told = Told("h", {}, accelerometers=["sensor.comb"])
    values = {COMB: tilts(lambda hour: UPRIGHT if hour < measured else None)}
    assert list(find_tilt(hive_day(DAY, told, values)).unknown) == says
    assert find_tilt(hive_day(DAY, told, {}, until=BEGIN + 20 * HOUR)).unknown == ()


def test_a_hive_without_an_accelerometer_lacks_nothing():
    assert find_tilt(hive_day(DAY, Told("h", {}), {})).unknown == ()
