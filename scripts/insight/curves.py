"""Weights of hives from elsewhere, and the days that the rules see of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

from beemon.base.readings import WEIGHT
from beemon.insights.day import RULES
from beemon.insights.hive_day import Found, HiveDay, Rule, Told, Value
from beemon.scale.steps import Around
from tests.insights.days import season

SCALE = "sensor.scale"
UTAH = timezone(timedelta(hours=-7))


@dataclass(frozen=True)
class Curve:
    """The readings of a hive's scale, by the clocks of its place."""

    hive: str
    zone: tzinfo
    weights: Sequence[Value]

    def is_day(self, at: float) -> bool:
        """Six to twenty on the clocks."""
        return 6 <= datetime.fromtimestamp(at, self.zone).hour < 20

    def having(self, weights: Sequence[Value]) -> Curve:
        """The same hive with other readings."""
        return replace(self, weights=weights)


def beepi(folder: Path) -> list[Curve]:
    """Ten hives in a summer, every 5 min: BeePi, Kulyukin, 2022; columns ``Date``, ``Weight``."""
    return [
        Curve(hive.name, UTAH, _weights(hive)) for hive in sorted(folder.iterdir()) if hive.is_dir()
    ]


def _weights(hive: Path) -> list[Value]:
    found: dict[float, float] = {}
    for path in sorted(hive.glob("*.csv")):
        with path.open() as lines:
            for row in csv.DictReader(lines):
                try:
                    at = datetime.strptime(row["Date"], "%m/%d/%Y %H:%M").replace(tzinfo=UTAH)
                    found[at.timestamp()] = float(row["Weight"]) * 1000
                except ValueError:
                    continue  # a row without a date or a weight
    return [Value(at, grams) for at, grams in sorted(found.items()) if grams == grams]


def winter(folder: Path) -> list[Curve]:
    """Two hives in a winter's week, every 10 min; columns ``utc``, ``kg``."""
    found = []
    for path in sorted(folder.glob("kast*.csv")):
        with path.open() as lines:
            rows = [(row["utc"], float(row["kg"])) for row in csv.DictReader(lines)]
        found.append(Curve(path.stem, UTC, [
            Value(datetime.fromisoformat(utc).timestamp(), kg * 1000) for utc, kg in rows
        ]))
    return found


def days(
    curve: Curve, *, rules: Iterable[Rule] | None = None
) -> Iterator[tuple[HiveDay, Found]]:
    """Each day with the results of all rules, or of some, in order."""
    told = Told(curve.hive, {SCALE: Around(curve.is_day)})
    chosen = RULES.values() if rules is None else rules
    return season(told, {(SCALE, WEIGHT): curve.weights}, chosen, zone=curve.zone)
