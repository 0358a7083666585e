"""The Raspberry Pi's ``config.txt``: the lines that count, and new ones."""

from __future__ import annotations

from pathlib import Path

from beemon.doctor.machine import Machine, NotFixedError

_PLACES = ("/boot/firmware/config.txt", "/boot/config.txt")


def path_of(machine: Machine) -> Path | None:
    """The file; None if there is none."""
    found = (machine.at(place) for place in _PLACES)
    return next((path for path in found if path.is_file()), None)


def lines(machine: Machine) -> list[str]:
    """The lines without comments, of all sections."""
    path = path_of(machine)
    text = machine.read(path) if path else None
    stripped = (line.partition("#")[0].strip() for line in (text or "").splitlines())
    return [line.replace(" ", "") for line in stripped if line]


def has(machine: Machine, line: str) -> bool:
    """Whether the file has a line, perhaps with more parameters.

    The parameters of an overlay may be others: another pin, another address.
    """
    first = ",".join(line.split(",")[:2]) if "i2c-sensor" in line or "beemon-i2c" in line \
        else line.partition(",")[0]
    return any(each == first or each.startswith(f"{first},") for each in lines(machine))


def has_parameter(machine: Machine, name: str) -> bool:
    """Whether ``dtparam=name=on`` is set; the last one counts."""
    values = [part.partition("=")[2] or "on"
              for line in lines(machine) if line.startswith("dtparam=")
              for part in line.removeprefix("dtparam=").split(",")
              if part.partition("=")[0] == name]
    return bool(values) and values[-1] in ("on", "true", "yes", "1")


def add(machine: Machine, wanted: list[str]) -> str:
    """Add lines that count for every model; return a sentence. Raises ``OSError``."""
    path = path_of(machine)
    if path is None:
        raise NotFixedError("there is no config.txt")
    text = machine.read(path) or ""
    sections = [line.strip() for line in text.splitlines() if line.strip().startswith("[")]
    head = "" if not sections or sections[-1] == "[all]" else "\n[all]\n"
    added = "".join(f"{line}\n" for line in wanted)
    machine.replace(path, f"{text}\n{head}# Added by beemon doctor:\n{added}")
    return f"added {', '.join(wanted)} to {machine.shown(path)}; restart the machine: sudo reboot"
