"""The I2C and SPI buses, for the sensors in the config that are on them."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import boot
from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine, NotFixedError

_BUSES = {"i2c": ("i2c_arm", "/sys/bus/i2c/devices/i2c-*"), "spi": ("spi", "/dev/spidev*")}
"""The name of each bus: its parameter in config.txt, and its devices."""


def check(machine: Machine) -> Iterator[Finding]:
    """Look for each bus that a sensor needs."""
    needed = _needed(machine)
    if not needed:
        yield skipped("no sensor in the config is on an I2C or SPI bus")
    for bus, names in needed.items():
        parameter, pattern = _BUSES[bus]
        if machine.glob(pattern):
            yield ok(f"the {bus} bus is on")
        elif machine.is_pi and not boot.has_parameter(machine, parameter):
            yield problem(f"the {bus} bus is off, but {', '.join(names)} needs it",
                          "The sensor cannot be read.",
                          f"add dtparam={parameter}=on to config.txt, then: sudo reboot")
        else:
            yield problem(f"there is no {bus} bus, but {', '.join(names)} needs it",
                          "The sensor cannot be read.", f"sudo modprobe {bus}-dev; sudo reboot")


def _needed(machine: Machine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for device in machine.devices.values():
        line = device.settings.boot_line
        if "i2c" in line:
            found.setdefault("i2c", []).append(device.name)
        elif device.config.driver == "mcp3008":
            found.setdefault("spi", []).append(device.name)
    return found


def fix(machine: Machine) -> str:
    """Switch the buses on in config.txt."""
    lines = [f"dtparam={_BUSES[bus][0]}=on" for bus in _needed(machine)
             if not machine.glob(_BUSES[bus][1])
             and not boot.has_parameter(machine, _BUSES[bus][0])]
    if not machine.is_pi or not lines:
        raise NotFixedError("restart the machine: sudo reboot")
    return boot.add(machine, lines)
