"""The Raspberry Pi's ``config.txt``: the lines that count, and new ones.

The rules are those of the firmware (raspberrypi.com/documentation/computers/config_txt.html). A
comment fills its line, and a line ends after 98 characters. A filter such as ``[pi4]`` replaces the
one of its type. Filters of different types must all be true, until ``[all]`` ends them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.machine import Machine, NotFixedError

_PLACES = ("/boot/firmware/config.txt", "/boot/config.txt")
_LONGEST = 98
_DEEPEST = 8  # files that include each other have no end
_ON = ("on", "true", "yes", "y", "okay", "ok", "1", "")

_MODELS = {
    "pi0": r"Zero|Compute Module 0", "pi0w": r"Zero (?:2 )?W|Compute Module 0",
    "pi02": r"Zero 2|Compute Module 0", "cm0": r"Compute Module 0",
    "pi1": r"Model [AB]|Compute Module (?:Rev|1)", "cm1": r"Compute Module (?:Rev|1)",
    "pi2": r"2 ", "pi3": r"3 |Compute Module 3", "pi3+": r"3 Model [AB] Plus|Compute Module 3 Plus",
    "cm3": r"Compute Module 3", "cm3+": r"Compute Module 3 Plus",
    "pi4": r"4 |400|Compute Module 4", "pi400": r"400", "cm4": r"Compute Module 4(?!S)",
    "cm4s": r"Compute Module 4S",
    "pi5": r"5 |500|Compute Module 5", "pi500": r"500", "cm5": r"Compute Module 5",
}
"""Each filter for models: the beginning of the models' names after "Raspberry Pi"."""


def path_of(machine: Machine) -> Path | None:
    """The file; None if there is none."""
    found = (machine.at(place) for place in _PLACES)
    return next((path for path in found if path.is_file()), None)


def lines(machine: Machine) -> list[str]:
    """The lines that count for this model, with those of included files.

    A filter whose state is unknown here, such as the level of a pin, counts as false.
    """
    path = path_of(machine)
    filters: dict[str, bool] = {}
    found = []
    for line in _inserted(machine, path) if path else ():
        if name := _filter(line):
            _apply(filters, name, machine.model)
        elif all(filters.values()):
            found.append(line)
    return found


def _inserted(machine: Machine, path: Path, depth: int = 0) -> Iterator[str]:
    """The lines without comments; a file that another one includes stands in its place."""
    for whole in (machine.read(path) or "").splitlines():
        line = whole[:_LONGEST].strip()
        word, _, name = line.partition(" ")
        if word == "include" and depth < _DEEPEST:
            yield from _inserted(machine, path.with_name(name.strip()), depth + 1)
        elif line and not line.startswith("#"):
            yield line


def _filter(line: str) -> str:
    """The name of a filter; empty if the line is no filter."""
    return line[1:-1] if line.startswith("[") and line.endswith("]") else ""


def _apply(filters: dict[str, bool], name: str, model: str) -> None:
    """Add a filter to those that count, in the place of the one of its type."""
    if name == "all":
        filters.clear()
    elif name in _MODELS:
        filters["model"] = bool(re.match(f"Raspberry Pi (?:{_MODELS[name]})", model))
    elif not name.startswith("HDMI:"):  # that one chooses a monitor
        filters[re.split(r"[=:&<>\d]", name)[0]] = False


def has(machine: Machine, line: str) -> bool:
    """Whether an overlay is loaded as a line such as ``dtoverlay=i2c-sensor,bme280`` has it.

    A parameter that has a value may have another one: a pin, an address.
    """
    name, *parameters = line.removeprefix("dtoverlay=").split(",")
    wanted = {one for one in parameters if "=" not in one}
    return any(name == each and wanted <= set(found) for each, found in _overlays(machine))


def _overlays(machine: Machine) -> Iterator[tuple[str, list[str]]]:
    """Each overlay, and its parameters: in its own line and in the ``dtparam`` lines below."""
    name, parameters = "", list[str]()
    for line in lines(machine):
        key, _, value = line.partition("=")
        if key == "dtoverlay":
            yield name, parameters
            name, *parameters = value.split(",")
        elif key == "dtparam":
            parameters += value.split(",")
    yield name, parameters


def has_parameter(machine: Machine, *names: str) -> bool:
    """Whether ``dtparam`` is on for a parameter with several names; the last line counts."""
    values = [part.partition("=")[2]
              for line in lines(machine) if line.startswith("dtparam=")
              for part in line.removeprefix("dtparam=").split(",")
              if part.partition("=")[0] in names]
    return bool(values) and values[-1] in _ON


def add(machine: Machine, wanted: list[str]) -> str:
    """Add lines that count for every model; return a sentence. Raises ``OSError``."""
    path = path_of(machine)
    if path is None:
        raise NotFixedError("there is no config.txt")
    old = path.read_bytes()
    added = "".join(f"{line}\n" for line in ("[all]", "# Added by beemon doctor:", *wanted))
    machine.replace(path, old.rstrip() + f"\n\n{added}".encode())
    return f"added {', '.join(wanted)} to {machine.shown(path)}; restart the machine: sudo reboot"
