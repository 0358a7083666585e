"""The thermometers on 1-Wire buses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.devices.sensors._chips import CHIPS, ONE_WIRE
from beemon.setup.candidates import MINUTE, Candidate, Obstacle
from beemon.setup.machine import Machine, listing

_SENSOR = re.compile(r"([0-9a-f]{2})-[0-9a-f]{12}")
NOISE = "00"
"""The family of ids that come from a line without a pull-up resistor."""


def find(machine: Machine) -> Iterator[Candidate | Obstacle]:
    """Each thermometer by its ROM id."""
    folder = machine.sys / "bus/w1/devices"
    names = [file.name for file in listing(folder)]
    sensors = [match for name in names if (match := _SENSOR.fullmatch(name))]
    for match in sensors:
        yield _sensor(machine, match[0], match[1])
    if not sensors and any(name.startswith("w1_bus_master") for name in names):
        yield Obstacle(
            "a 1-Wire bus", "no thermometer answers",
            "Check the wires, and the resistor of 4.7 kOhm from data to 3.3 V.",
        )
    if not names and machine.is_pi:
        yield Obstacle(
            "a 1-Wire thermometer, if there is one", "the bus is off",
            f"Add {CHIPS['ds18b20'].boot} to /boot/firmware/config.txt, and restart.",
        )


def _sensor(machine: Machine, rom: str, family: str) -> Candidate | Obstacle:
    if family in ONE_WIRE:
        return Candidate(
            name="sensor.brood", what=f"the 1-Wire thermometer {ONE_WIRE[family].title} {rom}",
            options={"driver": "kernel", "device": rom, **machine.driver_options},
            schedule=MINUTE, aliases=frozenset({rom}),
        )
    if family == NOISE:
        return Obstacle(f"the 1-Wire id {rom}", "it is noise on the line, not a sensor",
                        "Add a resistor of 4.7 kOhm from data to 3.3 V.")
    return Obstacle(f"the 1-Wire device {rom}", "its family is no thermometer",
                    "See the driver `kernel` in: man beemon.toml")
