"""Days of a hive for the rules: made of values by sensor and quantity, one day after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from beemon.base.finding import Measured
from beemon.insights.hive_day import AFTER, BEFORE, HOUR, Found, HiveDay, Rule, Told, Value

Values = Mapping[tuple[str, str], Sequence[Value]]

DAYS_KNOWN = 30
"""The days before a day that its rules know."""


def hive_day(
    day: date, told: Told, values: Values, *,
    past: Sequence[Mapping[str, Measured]] = (), until: float | None = None, zone: tzinfo = UTC,
) -> HiveDay:
    """The day, with those of the values that a rule gets; without ``until``, all of them."""
    midnight = datetime.combine(day, time(), zone)

    def clock(hours: float) -> float:
        return (midnight + timedelta(hours=hours)).timestamp()

    begin, end = clock(0), clock(24)
    known = end + AFTER - 24 * HOUR if until is None else until
    near = {
        key: [value for value in found if begin - BEFORE <= value.at < min(known, begin + AFTER)]
        for key, found in values.items()
    }
    return HiveDay(day, begin, end, known, clock, told, near, tuple(past))


def season(
    told: Told, values: Values, rules: Iterable[Rule], *, zone: tzinfo = UTC,
) -> Iterator[tuple[HiveDay, Found]]:
    """Each day from the first value to the last, and what the rules find in it together."""
    times = [value.at for found in values.values() for value in found]
    day, last = (datetime.fromtimestamp(end(times), zone).date() for end in (min, max))
    by_date = _by_date(values, zone)
    past: list[Mapping[str, Measured]] = []
    while day <= last:
        around = [day + timedelta(days=days) for days in (-1, 0, 1)]
        near = {
            key: [value for one in around for value in found.get(one, ())]
            for key, found in by_date.items()
        }
        of_day = hive_day(day, told, near, past=past[-DAYS_KNOWN:], zone=zone)
        found = _together([rule(of_day) for rule in rules])
        yield of_day, found
        past.append({number.name: number for number in found.measured})
        day += timedelta(days=1)


def _by_date(values: Values, zone: tzinfo) -> dict[tuple[str, str], dict[date, list[Value]]]:
    found: dict[tuple[str, str], dict[date, list[Value]]] = {}
    for key, of_key in values.items():
        days = found.setdefault(key, {})
        for value in of_key:
            days.setdefault(datetime.fromtimestamp(value.at, zone).date(), []).append(value)
    return found


def _together(parts: Sequence[Found]) -> Found:
    return Found(*(
        tuple(one for part in parts for one in getattr(part, name))
        for name in ("findings", "sentences", "measured", "unknown")
    ))
