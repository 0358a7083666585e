"""The temperature of real nests: held or not, beside inspections, and the heat of the night."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import NamedTuple

from beemon.insights.heat import LITTLE, find_heat
from beemon.insights.hive_day import ENOUGH, Found, Told, Value
from beemon.insights.nest import NAMES, Warmth, find_nest
from tests.insights.days import season

NEST, OUTSIDE = ("sensor.brood", "temperature"), ("sensor.outside", "temperature")
Values = Mapping[tuple[str, str], Sequence[Value]]

MONTREAL = timezone(timedelta(hours=-4))
"""Daylight time, by which the inspections were noted."""
MONTREAL_WEATHER = timezone(timedelta(hours=-5))
UTAH = timezone(timedelta(hours=-7))
SOFIA = timezone(timedelta(hours=2))
BROOD = "brood", "egg", "larva"
"""A note of an inspection that has one of these words tells of brood."""
HELD_TOLD = "The nest was held at", "it still counts as held"
FORBIDDEN = "no brood", "without brood", "queenless", "dead"


class Seen(NamedTuple):
    """What a beekeeper saw: brood or eggs in a hive."""

    date: date
    hive: str
    note: str


class Season(NamedTuple):
    """The days of a hive with what the two rules found in each."""

    hive: str
    days: Mapping[date, Found]

    def number(self, name: str) -> list[float]:
        return [
            number.value for found in self.days.values() for number in found.measured
            if number.name == name
        ]

    @property
    def held(self) -> int:
        return sum(
            _is_told_as_held(sentence)
            for found in self.days.values() for sentence in found.sentences
        )

    @property
    def held_by_themselves(self) -> int:
        """The days whose own numbers are those of a held nest."""
        warmths = map(Warmth, *map(self.number, NAMES))
        return sum(warmth.word == "held" for warmth in warmths)

    def findings(self, kind: str) -> list[date]:
        return [
            day for day, found in self.days.items()
            if any(finding.kind == kind for finding in found.findings)
        ]


def measure(hive: str, values: Values, zone: tzinfo) -> Season:
    """The season of a hive, by both rules."""
    told = Told(hive, {}, nest=NEST, outside=OUTSIDE if OUTSIDE in values else None)
    days = season(told, values, (find_nest, find_heat), zone=zone)
    return Season(hive, {day.date: found for day, found in days})


def urban(data: Path, real: Path | None) -> Iterator[Season]:
    """The hives of UrBAN, with the city's weather outside: four, or all seven that were fetched."""
    outside = [
        Value(datetime.fromisoformat(row["Date/Time (LST)"]).replace(tzinfo=MONTREAL_WEATHER)
              .timestamp(), float(row["Temp (°C)"]))
        for row in _rows(data / "urban/weather_2021.csv") if row["Temp (°C)"]
    ]
    for hive, inside in sorted(_of_urban(data, real).items()):
        yield measure(hive, {NEST: inside, OUTSIDE: outside}, MONTREAL)


def _of_urban(data: Path, real: Path | None) -> dict[str, list[Value]]:
    """The temperatures by hive; rows that are given twice count once."""
    found: dict[str, set[Value]] = {}
    if real is not None and (real / "urban/sensor_2021.csv").exists():
        for row in _rows(real / "urban/sensor_2021.csv"):
            at = datetime.fromisoformat(row["Date"]).timestamp()
            found.setdefault(row["Tag number"], set()).add(Value(at, float(row["temperature"])))
    else:
        for file in sorted((data / "urban").glob("hive-*.csv")):
            found[file.stem.removeprefix("hive-")] = {
                Value(datetime.fromisoformat(row["utc"]).timestamp(), float(row["temperature"]))
                for row in _rows(file)
            }
    return {hive: sorted(values) for hive, values in found.items()}


def seen_brood(data: Path, real: Path | None) -> list[Seen]:
    """The inspections of UrBAN that tell of brood or eggs."""
    folder = real if real is not None and (real / "urban/inspections_2021.csv").exists() else data
    return [
        Seen(date.fromisoformat(row["Date"]), row["Tag number"], row["Notes"])
        for row in _rows(folder / "urban/inspections_2021.csv")
        if row["FoBrood"] or any(word in row["Notes"].lower() for word in BROOD)
    ]


def beepi(real: Path) -> Iterator[Season]:
    """The ten hives of BeePi's summer of 2022; their readings are 5 minutes apart."""
    for folder in sorted((real / "beepi").iterdir()):
        found = {}
        for file in sorted(folder.glob("*.csv")):
            for row in _rows(file):
                try:
                    at = datetime.strptime(row["Date"], "%m/%d/%Y %H:%M").replace(tzinfo=UTAH)
                    found[at.timestamp()] = float(row["Temp"])
                except ValueError:
                    continue  # "NA", or the half of a line
        inside = [Value(at, value) for at, value in sorted(found.items()) if value == value]
        yield measure(folder.name, {NEST: inside}, UTAH)


def jyjeanne(real: Path) -> Iterator[Season]:
    """Three hives in two winters, hourly; one of them grew cold in October."""
    for file in sorted((real / "jy").glob("Hive*.csv")):
        rows = [row for row in _rows(file, ";") if row["DateTime"]]
        columns = {NEST: f"T{file.stem.removeprefix('Hive')}", OUTSIDE: "Tamb"}
        values = {
            key: [
                Value(_hour(row), float(row[name].replace(",", "."))) for row in rows if row[name]
            ]
            for key, name in columns.items()
        }
        yield measure(file.stem, values, SOFIA)


def _hour(row: Mapping[str, str]) -> float:
    return datetime.strptime(row["DateTime"], "%d.%m.%Y %H:%M").replace(tzinfo=SOFIA).timestamp()


def _rows(file: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=delimiter)


def report(data: Path, real: Path | None) -> Iterator[str]:
    """The lines of the report."""
    hives = {season.hive: season for season in urban(data, real)}
    yield "UrBAN, Montréal 2021 (doi 10.20383/103.0972, CC BY 4.0)"
    yield from map(_line, hives.values())
    inspected = [(seen, hives[seen.hive].days[seen.date]) for seen in seen_brood(data, real)
                 if seen.hive in hives and seen.date in hives[seen.hive].days]
    for seen, found in inspected:
        told = " ".join(found.sentences[:1] if _has_nest(found) else found.unknown[:1])
        yield f"  {seen.date} {seen.hive} {seen.note[:30]:30} {told}"
    words = [" ".join(found.sentences) for _, found in inspected]
    with_nest = sum(_has_nest(found) for _, found in inspected)
    held = sum(_is_told_as_held(said) for said in words)
    denied = sum(any(word in said.lower() for word in FORBIDDEN) for said in words)
    measured = sum(not any("was not measured" in one for one in found.unknown)
                   for _, found in inspected)
    yield (f"  brood seen on {len(words)} days, measured on {measured}, with {ENOUGH:.0%} of the "
           f"readings on {with_nest}: told as held {held} (bar: 9 of 12), denied in words {denied}")
    if real is None:
        yield "BeePi and jyjeanne are left out: no licence lets us pass them on (see --real)"
        return
    if (real / "beepi").is_dir():
        yield from _all("BeePi, Utah 2022 (Tyler-Johnston)", list(beepi(real)))
    if (real / "jy").is_dir():
        yield from _all("jyjeanne/beehive-data-analysis, Bulgaria", list(jyjeanne(real)))


def _is_told_as_held(said: str) -> bool:
    return any(words in said for words in HELD_TOLD)


def _has_nest(found: Found) -> bool:
    """Whether enough of the nest was measured."""
    return any(number.name == "nest_mean" for number in found.measured)


def _all(name: str, seasons: Sequence[Season]) -> Iterator[str]:
    yield name
    yield from map(_line, seasons)
    days = sum(len(one.number("nest_mean")) for one in seasons)
    own = sum(one.held_by_themselves for one in seasons)
    told = Counter(kind for one in seasons for kind in ("nest-left", "no-heat")
                   for _ in one.findings(kind))
    yield (f"  together: {own} of {days} days held by their own numbers, "
           f"told as held on {sum(one.held for one in seasons)}; {dict(told)}")


def _line(one: Season) -> str:
    nights = one.number("heat")
    little = sum(night < LITTLE for night in nights)
    least = f"least {min(nights):.1f} K, {little} below {LITTLE:.0f} K" if nights else ""
    found = {kind: [f"{day:%d %b}" for day in one.findings(kind)]
             for kind in ("nest-held", "nest-left", "no-heat")}
    told = "; ".join(f"{kind} {', '.join(days)}" for kind, days in found.items() if days)
    return (f"  {one.hive}: {len(one.number('nest_mean'))} days, held {one.held}; "
            f"{len(nights)} nights {least}; {told}")
