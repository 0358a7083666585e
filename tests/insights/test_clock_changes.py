"""Days on which the clocks are set forward or back: 23 to 25 hours, and each is summed up right."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from beemon.config.settings import Hive
from beemon.insights.budget import find_budget
from beemon.insights.gathering import gather
from beemon.insights.hive_day import BEFORE, HOUR, HiveDay, Told, Value
from beemon.insights.nest import find_nest
from beemon.scale.steps import Around
from tests.insights.days import hive_day

SCALE, NEST = "sensor.scale", ("sensor.brood", "temperature")
LOSS = 10.0
"""The loss of the hive in g an hour, day and night."""
DAYS = [
    ("Europe/Oslo", date(2026, 3, 29), 23.0), ("Europe/Oslo", date(2026, 10, 25), 25.0),
    ("America/New_York", date(2026, 3, 8), 23.0), ("America/New_York", date(2026, 11, 1), 25.0),
    ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("Australia/Lord_Howe", date(2026, 4, 5), 24.5), ("Europe/Oslo", date(2026, 6, 1), 24.0),
]
each = pytest.mark.parametrize(("name", "day", "hours"), DAYS)


def made(name: str, day: date, gap: float = 0.0) -> HiveDay:
    """Readings every five minutes, all the time; none in the first hours of the ``gap``."""
    zone = ZoneInfo(name)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
    times = [begin - BEFORE + 300 * number for number in range(66 * 12)]
    values = {
        (SCALE, "weight"): [Value(at, 30_000 - LOSS * (at - begin) / HOUR) for at in times],
        NEST: [Value(at, 34.5) for at in times if not 0 <= at - begin < gap * HOUR],
    }
    told = Told("hive", {SCALE: Around(lambda _: True)}, nest=NEST)
    return hive_day(day, told, values, zone=zone)


@each
def test_the_day_is_as_long_as_on_the_clocks(name, day, hours, ledger):
    zone = ZoneInfo(name)
    whole = made(name, day)
    assert (whole.end - whole.begin) / HOUR == hours
    found = gather(ledger, day, whole.until, Hive(name="hive"), {}, zone)
    clocks = [number / 4 for number in range(-60, 145)]
    assert [found.clock(at) for at in clocks] == [whole.clock(at) for at in clocks]


@each
def test_the_net_is_that_of_the_hours_between_the_nights(name, day, hours):
    (net,) = [one for one in find_budget(made(name, day)).measured if one.name == "net"]
    whole = made(name, day)
    nights = [(whole.clock(2 + later) + whole.clock(4 + later)) / 2 for later in (0.0, 24.0)]
    assert net.value == pytest.approx(-LOSS * (nights[1] - nights[0]) / HOUR, abs=0.5)
    (night,) = [one for one in find_budget(made(name, day)).measured if one.name == "night_loss"]
    assert night.value == pytest.approx(LOSS, abs=0.01)


@each
def test_the_readings_that_were_due_are_those_of_its_hours(name, day, hours):
    (says,) = find_nest(made(name, day, gap=6.0)).unknown
    due = round(hours * 12)
    assert f"({due - 72} of {due})" in says
    assert find_nest(made(name, day)).measured[0].n == due


@each
def test_a_time_is_told_as_the_clocks_show_it(name, day, hours):
    whole, zone = made(name, day), ZoneInfo(name)
    for minute in range(-24 * 60, 36 * 60, 5):
        at = whole.begin + minute * 60
        shown = datetime.fromtimestamp(at, UTC).astimezone(zone)
        assert whole.time_of(at) == f"{shown:%H:%M}"
