"""Readings that belong together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beemon.formats.measured import Measured, of_facts, sets
from beemon.protocol.replies import ReadingFacts
from tests.formats.samples import HUMIDITY, NO_WEIGHT, NOON_US, TEMPERATURE

SECOND = 1_000_000


def test_readings_of_one_second_are_a_set() -> None:
    later = TEMPERATURE._replace(utc_us=NOON_US + SECOND)
    assert list(sets([TEMPERATURE, NO_WEIGHT, HUMIDITY, later], SECOND)) == [
        [TEMPERATURE, NO_WEIGHT, HUMIDITY], [later],
    ]


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("ab"))))
def test_a_set_holds_a_series_once_and_nothing_is_lost(times: list[tuple[int, str]]) -> None:
    readings = [Measured(at, f"sensor.{name}", "t", "", 1.0) for at, name in sorted(times)]
    found = list(sets(readings, 5))
    assert [one for some in found for one in some] == readings
    for some in found:
        assert len({one.series for one in some}) == len(some)
        assert len({one.utc_us // 5 for one in some}) == 1


def test_a_reading_as_the_service_tells_it_is_the_same() -> None:
    facts = ReadingFacts(
        "sensor.brood", "temperature", "2026-06-01T12:00:00.000Z", "°C", value=34.8, quality="good"
    )
    assert of_facts(facts, "rtc", 7) == TEMPERATURE
