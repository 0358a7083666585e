"""Layouts of a file a day: Influx line protocol, SensorThings, HiveTool and BEEP.

The days are those of the view's zone. A day without readings has no file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from itertools import groupby
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.base.moments import US_PER_MINUTE, US_PER_SECOND, to_datetime
from beemon.exchange.layout import Content, Layout, Selection
from beemon.exchange.tables import View, units
from beemon.formats import beep, hivetool, influx, sensorthings
from beemon.formats.fields import Choice, Field, choose
from beemon.formats.measured import Measured, Series, sets
from beemon.formats.sensorthings import Position

_READINGS_OF_PART = """
SELECT utc_us, sensor, quantity, unit, value, reason, quality, readings.clock, uncertainty, raw, job
FROM readings JOIN series USING (series)
WHERE utc_us >= :from AND utc_us < :until AND :of_devices ORDER BY utc_us, series
"""

Make = Callable[[Iterable[Measured]], Iterator[str]]
"""The lines, or other pieces, of a day's readings; none if the day needs no file."""


def _write_days(view: View, folder: Path, ending: str, make: Make) -> dict[str, int]:
    """Write the pieces of each day into its file; return how many pieces each has."""
    rows = {}
    for day, readings in groupby(_readings(view), lambda one: _day(view, one)):
        pieces = make(readings)
        first = next(pieces, None)
        if first is None:
            continue
        with (folder / f"{day}{ending}").open("w", encoding="utf-8", newline="\n") as file:
            file.write(first)
            rows[day] = 1
            for piece in pieces:
                file.write(piece)
                rows[day] += 1
    return rows


def _readings(view: View) -> Iterator[Measured]:
    for part in view.parts("readings"):
        for row in part.rows(_READINGS_OF_PART, "sensor"):
            yield Measured._make(row)


def _day(view: View, one: Measured) -> str:
    return f"{to_datetime(one.utc_us, view.zone):%Y-%m-%d}"


def _write_influx(selection: Selection, folder: Path) -> Content:
    hive = selection.about.hive

    def make(readings: Iterable[Measured]) -> Iterator[str]:
        return (influx.line(hive, one) for one in readings)

    return Content({}, _write_days(selection.view, folder, ".lp", make))


def _write_sensorthings(selection: Selection, folder: Path) -> Content:
    about = selection.about
    position = None
    if about.latitude is not None and about.longitude is not None:
        position = Position(about.latitude, about.longitude)

    def make(readings: Iterable[Measured]) -> Iterator[str]:
        streams: dict[Series, list[Measured]] = defaultdict(list)
        for one in readings:
            streams[one.series].append(one)
        return sensorthings.document(about.hive, streams.items(), position)

    _write_days(selection.view, folder, ".json", make)
    return Content({})


def _write_hivetool(selection: Selection, folder: Path) -> Content:
    view, hive = selection.view, selection.about.hive
    choice = _choice(hivetool.FIELDS, selection)

    def make(readings: Iterable[Measured]) -> Iterator[str]:
        found = (
            hivetool.observation(hive, some, choice, view.zone)
            for some in sets(readings, US_PER_MINUTE)
        )
        observations = [text for text in found if text]
        if observations:
            yield from (hivetool.HEAD, *observations, hivetool.TAIL)

    _write_days(view, folder, ".xml", make)
    return Content(_explained(choice))


def _write_beep(selection: Selection, folder: Path) -> Content:
    choice = _choice(beep.FIELDS, selection)

    def make(readings: Iterable[Measured]) -> Iterator[str]:
        for some in sets(readings, US_PER_SECOND):
            if told := beep.message(some, choice):
                yield f"{json.dumps(told)}\n"

    rows = _write_days(selection.view, folder, ".jsonl", make)
    return Content(_explained(choice), rows)


def _choice(fields: Sequence[Field], selection: Selection) -> Choice:
    series = [Series(*astuple(unit)) for unit in units(selection.view)]
    return choose(fields, series, selection.asked)


def _explained(choice: Choice) -> JsonObject:
    """The choice for the manifest."""
    return {
        "fields": {f"{one.sensor} {one.quantity}": field.name
                   for one, field in choice.fields.items()},
        "left_out": [f"{one.sensor} {one.quantity}" for one in choice.left_out],
    }


LAYOUTS = (
    Layout("influx", "one file a day in the Influx line protocol", _write_influx),
    Layout("sensorthings", "one JSON document a day for OGC SensorThings 1.1", _write_sensorthings),
    Layout("hivetool", "one XML file a day for HiveTool", _write_hivetool, hivetool.FIELDS),
    Layout("beep", "one file a day of JSON lines for BEEP", _write_beep, beep.FIELDS),
)
