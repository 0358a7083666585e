"""The chips that the kernel reads, by hwmon or by IIO."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from beemon.devices.sensors._chips import CHIPS
from beemon.setup.candidates import MINUTE, Candidate, Obstacle, Options
from beemon.setup.machine import Machine, listing, text_of

FOLDERS = {"hwmon": "class/hwmon", "iio": "bus/iio/devices"}
_I2C = re.compile(r"\d+-[0-9a-f]{4}")
_VALUE = re.compile(r"(?:temp|humidity|in)\d+_input|in_\w+_(?:input|raw)")
SCALES = ("hx711", "nau7802")


def find(machine: Machine) -> Iterator[Candidate | Obstacle]:
    """Each chip that measures the hive; those of the computer itself belong to another driver."""
    for subsystem, folder in FOLDERS.items():
        places = [place for place in listing(machine.sys / folder)
                  if _belongs_to_hive(place, subsystem)]
        alike = Counter(text_of(place / "name") for place in places)
        for place in places:
            yield _chip(machine, place, subsystem, is_alone=alike[text_of(place / "name")] == 1)


def _belongs_to_hive(place: Path, subsystem: str) -> bool:
    """Whether it is a chip on a bus, and not a part of the computer."""
    name = text_of(place / "name")
    if not name or (subsystem == "iio" and not place.name.startswith("iio:device")):
        return False
    known = CHIPS.get(name)
    if known is not None:
        return known.subsystem == subsystem
    return subsystem == "iio" or bool(_I2C.fullmatch(_owner(place).name))


def _owner(place: Path) -> Path:
    link = place / "device"
    return link.resolve() if link.exists() else place.resolve().parent


def _chip(
    machine: Machine, place: Path, subsystem: str, *, is_alone: bool
) -> Candidate | Obstacle:
    name, where = text_of(place / "name"), _owner(place).name
    title = f"the chip {CHIPS[name].title if name in CHIPS else name} at {where}"
    if not any(_VALUE.fullmatch(file.name) for file in listing(place)):
        return Obstacle(title, "the kernel shows no value of it", f"ls {place}")
    device = name if is_alone else f"{name}@{where}"
    driver = "accelerometer" if _is_accelerometer(place) else "kernel"
    if driver == "accelerometer" and not (place / "scan_elements/in_accel_x_en").exists():
        return Obstacle(
            title, "the kernel's driver of it has no buffer for its samples", f"ls {place}"
        )
    known = name in CHIPS or driver != "kernel"
    added: Options = {} if known else {"subsystem": subsystem}
    return Candidate(
        name=f"sensor.{_place(name, place)}", what=title, schedule=MINUTE,
        options={"driver": driver, "device": device, **added, **machine.driver_options},
        notes=_notes(name), weighing={} if name in SCALES else None,
        aliases=frozenset({f"{name}@{where}", *([name] if is_alone else [])}),
    )


def _is_accelerometer(place: Path) -> bool:
    return (place / "in_accel_x_raw").exists()


def _place(chip: str, place: Path) -> str:
    """The likeliest name of its sensor, by the values that it has."""
    names = " ".join(file.name for file in listing(place))
    if chip in SCALES:
        return "scale"
    if _is_accelerometer(place):
        return "comb"
    words = {"temp": "brood", "humidity": "brood", "illuminance": "light", "voltage": "voltage"}
    return next((name for value, name in words.items() if value in names), "sensor")


def _notes(chip: str) -> tuple[str, ...]:
    if chip not in SCALES:
        return ()
    return ("To turn its numbers into grams: beemon calibrate sensor.scale",)
