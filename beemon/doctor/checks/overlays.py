"""The lines in a Raspberry Pi's config.txt that the sensors in the config need."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import boot
from beemon.doctor.findings import Finding, ok, problem, skipped, unknown
from beemon.doctor.machine import Machine, NotFixedError


def check(machine: Machine) -> Iterator[Finding]:
    """Look for the overlay of each sensor."""
    if not machine.is_pi:
        yield skipped("only a Raspberry Pi has a config.txt")
        return
    if boot.path_of(machine) is None:
        yield unknown("there is no config.txt in /boot/firmware or /boot", "ls /boot/firmware")
        return
    missing = _missing(machine)
    for line, names in missing.items():
        yield problem(f"config.txt lacks {line}, which {', '.join(names)} needs",
                      "The kernel does not know the sensor.",
                      "add the line to config.txt, then restart the machine")
    if not missing:
        yield ok("config.txt has a line for each sensor that needs one")


def _missing(machine: Machine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for device in machine.devices.values():
        line = device.settings.boot_line
        if line and not boot.has(machine, line):
            found.setdefault(line, []).append(device.name)
    return found


def fix(machine: Machine) -> str:
    """Add the lines, except those that name pins: the owner knows which."""
    lines = [line for line in _missing(machine) if "=" not in line.partition(",")[2]]
    if not lines:
        raise NotFixedError("the line names pins; add it yourself: man beemon.toml")
    return boot.add(machine, lines)
