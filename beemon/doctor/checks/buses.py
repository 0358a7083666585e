"""The I2C and SPI buses, for the sensors in the config that are on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from beemon.doctor import boot
from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine, NotFixedError


class _Bus(NamedTuple):
    """The names of a bus in config.txt, and the devices that it has if it is on.

    A Raspberry Pi has others even if this one is off: for its monitors and its boot loader.
    """

    parameters: tuple[str, ...]
    on_pi: str
    elsewhere: str


_BUSES = {
    "i2c": _Bus(("i2c_arm", "i2c", "i2c1"), "/sys/bus/i2c/devices/i2c-1",
                "/sys/bus/i2c/devices/i2c-*"),
    "spi": _Bus(("spi",), "/dev/spidev0.*", "/dev/spidev*"),
}


def check(machine: Machine) -> Iterator[Finding]:
    """Look for each bus that a sensor needs."""
    needed = _needed(machine)
    if not needed:
        yield skipped("no sensor in the config is on an I2C or SPI bus")
    for name, sensors in needed.items():
        bus = _BUSES[name]
        if _is_on(machine, bus):
            yield ok(f"the {name} bus is on")
        elif machine.is_pi and not boot.has_parameter(machine, *bus.parameters):
            yield problem(f"the {name} bus is off, but {', '.join(sensors)} needs it",
                          "The sensor cannot be read.",
                          f"add {_line(bus)} to config.txt, then: sudo reboot")
        else:
            yield problem(f"there is no {name} bus, but {', '.join(sensors)} needs it",
                          "The sensor cannot be read.", f"sudo modprobe {name}-dev; sudo reboot")


def _is_on(machine: Machine, bus: _Bus) -> bool:
    return bool(machine.glob(bus.on_pi if machine.is_pi else bus.elsewhere))


def _line(bus: _Bus) -> str:
    return f"dtparam={bus.parameters[0]}=on"


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
    off = [_BUSES[name] for name in _needed(machine) if not _is_on(machine, _BUSES[name])]
    lines = [_line(bus) for bus in off if not boot.has_parameter(machine, *bus.parameters)]
    if not machine.is_pi or not lines:
        raise NotFixedError("restart the machine: sudo reboot")
    return boot.add(machine, lines)
