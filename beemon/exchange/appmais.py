"""The layout of AppMAIS: ``<sensor>/YYYY-MM-DD/<host>@YYYY-MM-DD@HH-MM-SS.<ending>``.

The hive monitors of Appalachian State University keep their files in this layout, and the tools for
their data expect it. Days and times are local. Each recording is one file. A sensor has one CSV
file per day, without a heading. Each line has the time in quotes, then a number for each quantity,
or ``nan``. Temperatures are in degrees Fahrenheit.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import TextIO

from beemon.base.moments import to_datetime
from beemon.exchange.layout import Content, Layout, Selection
from beemon.exchange.tables import View, units
from beemon.storage import files

NAN = "nan"
FOLDERS = {"microphone": "audio", "camera": "video"}
"""The name of a recorder's folder there, if it is the only one of its kind."""

_NAME = re.compile(
    r"(?P<host>[^@]+)@(?P<day>\d{4}-\d\d-\d\d)@(?P<time>\d\d-\d\d-\d\d)(?:-(?P<again>\d+))?"
    r"(?P<ending>\.\w+)", re.ASCII
)
_READINGS_OF_PART = """
SELECT utc_us, sensor, quantity, value, unit FROM readings JOIN series USING (series)
WHERE utc_us >= :from AND utc_us < :until AND sensor LIKE 'sensor.%' AND :of_devices
ORDER BY utc_us, series
"""
_FIRST = ("temperature", "humidity", "weight")
"""These quantities come first in a line, in this order."""


@dataclass(frozen=True)
class Name:
    """The parts of a recording's file name; day and time are local.

    ``again`` means that it is not the first of that name, as in the repeated hour in autumn.
    """

    host: str
    day: date
    time: time
    ending: str
    again: bool = False


def parse_name(name: str) -> Name | None:
    """The parts of a file's name; None if it has another form, or an impossible time."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found["day"])
        moment = time.fromisoformat(found["time"].replace("-", ":"))
    except ValueError:
        return None
    return Name(found["host"], day, moment, found["ending"].lower(), found["again"] is not None)


def parse_day(name: str) -> date | None:
    """The day in the name of a file of readings, if there is one."""
    try:
        return date.fromisoformat(name.rpartition(".")[0].rpartition("@")[2])
    except ValueError:
        return None


def to_fahrenheit(celsius: float) -> float:
    """Degrees Celsius in degrees Fahrenheit, by definition."""
    return celsius * 9 / 5 + 32


def _write(selection: Selection, folder: Path) -> Content:
    """Copies of the recordings, and the readings. Recordings that were deleted meanwhile are listed
    as ``missing``."""
    missing = _copy_recordings(selection.view, selection.archive, folder, selection.about.hive)
    columns = _write_readings(selection.view, folder, selection.about.hive)
    return Content({"columns": columns, "missing": missing})


LAYOUT = Layout("appmais", "recordings and readings in the folders and files of AppMAIS", _write)


def _copy_recordings(view: View, archive: Path, folder: Path, host: str) -> list[str]:
    names = _recorder_folders(view)
    missing: list[str] = []
    for number, row in enumerate(view.select(
        "SELECT * FROM recordings WHERE start_us >= :from AND start_us < :until AND :of_devices"
        " AND verdict = 'good' ORDER BY start_us, recording"
    )):
        view.progress.tell("recordings copied", number)
        source = archive / row["path"]
        stem = _place(folder / names[row["device"]], host, to_datetime(row["start_us"], view.zone))
        target = _free(stem, source.suffix)
        try:
            with files.hold_file(source) as file, target.open("wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
        except FileNotFoundError:
            target.unlink()
            missing.append(row["path"])
    return missing


def _recorder_folders(view: View) -> dict[str, str]:
    """``audio`` and ``video`` if this is unique; else with the device's own name."""
    devices = [row["device"] for row in view.select(
        "SELECT DISTINCT device FROM recordings WHERE start_us >= :from AND start_us < :until"
        " AND :of_devices"
    )]
    folders = {}
    for device in devices:
        kind, _, own = device.partition(".")
        is_only = sum(other.startswith(f"{kind}.") for other in devices) == 1
        folders[device] = FOLDERS[kind] if is_only else f"{FOLDERS[kind]}-{own}"
    return folders


def _place(folder: Path, host: str, moment: datetime) -> Path:
    """The path of a file of that moment, without its ending; makes the day's folder."""
    day = folder / f"{moment:%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    return day / f"{host}@{moment:%Y-%m-%d@%H-%M-%S}"


def _free(path: Path, ending: str) -> Path:
    """A name that is not taken: an hour of the autumn comes twice."""
    again = 1
    while (found := Path(f"{path}{f'-{again}' if again > 1 else ''}{ending}")).exists():
        again += 1
    found.touch()
    return found


def _write_readings(view: View, folder: Path, host: str) -> dict[str, list[str]]:
    """The CSV files of the sensors; returns the columns of each one's, with their units."""
    columns = _columns(view)
    with ExitStack() as stack:
        days: dict[str, tuple[str, TextIO]] = {}  # one file a sensor is open at a time
        for (sensor, utc_us), rows in groupby(
            _sensor_readings(view), lambda row: (row["sensor"], row["utc_us"])
        ):
            moment = to_datetime(utc_us, view.zone)
            day = f"{moment:%Y-%m-%d}"
            if days.get(sensor, ("",))[0] != day:
                if sensor in days:
                    days[sensor][1].close()
                path = _place(folder / _own_name(sensor), host, moment).parent / f"{host}@{day}.csv"
                days[sensor] = day, stack.enter_context(path.open("a", encoding="ascii"))
            values = {row["quantity"]: _number(row) for row in rows}
            line = [values.get(name, NAN) for name, _ in columns[sensor]]
            print(f'"{moment:%H-%M-%S}"', *line, sep=",", file=days[sensor][1])
    return {
        _own_name(sensor): ["time", *(f"{name} ({_unit(unit)})" for name, unit in found)]
        for sensor, found in columns.items()
    }


def _sensor_readings(view: View) -> Iterator[sqlite3.Row]:
    for part in view.parts("readings"):
        yield from part.select(_READINGS_OF_PART, "sensor")


def _columns(view: View) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in units(view):
        if row.sensor.startswith("sensor."):
            found.setdefault(row.sensor, []).append((row.quantity, row.unit))
    for columns in found.values():
        columns.sort(key=lambda column: (*(column[0] != name for name in _FIRST), column))
    return found


def _number(row: sqlite3.Row) -> str:
    if row["value"] is None:
        return NAN
    value = to_fahrenheit(row["value"]) if row["unit"] == "°C" else row["value"]
    return f"{value:.10g}"


def _unit(unit: str) -> str:
    return "°F" if unit == "°C" else unit


def _own_name(sensor: str) -> str:
    return sensor.partition(".")[2]

