"""The inventory: all that was found on a machine, beside the devices that the config has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from beemon.base.facts import JsonObject
from beemon.base.values import value_class
from beemon.config.settings import KINDS, DeviceSettings
from beemon.devices.ask import resolve_devices
from beemon.setup.candidates import Candidate, Obstacle, comment, toml_of
from beemon.setup.finders import Found, find_all, pins
from beemon.setup.machine import Machine

HEADER = """\
# The devices of this machine, as beemon found them. Save what you want as a file in conf.d, or let
# `sudo beemon setup` do that. The schedules are suggestions.
"""


@value_class
class Inventory:
    """New devices, those that the config has already (by their names in it), and obstacles."""

    new: tuple[Candidate, ...] = ()
    known: Mapping[str, Candidate] = field(default_factory=dict)
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def has_pins(self) -> bool:
        """Whether there may be devices that cannot be found, at GPIO pins."""
        return any(pins.UNSEEN in one.why for one in self.obstacles)


def take_inventory(machine: Machine, devices: Mapping[str, DeviceSettings]) -> Inventory:
    """Find everything, and compare it with the devices of the config."""
    return sort_out(find_all(machine), devices)


def sort_out(found: Iterable[Found], devices: Mapping[str, DeviceSettings]) -> Inventory:
    """Sort the found devices by their use; each new one gets a name that no other has."""
    new: list[Candidate] = []
    known: dict[str, Candidate] = {}
    obstacles: list[Obstacle] = []
    taken = set(devices)
    for one in sorted(found, key=_as_people_count):
        if isinstance(one, Obstacle):
            obstacles.append(one)
        elif name := _name_in(devices, one):
            known[name] = one
        elif absent := _absent(one):
            obstacles.append(Obstacle(one.what, *absent))
        else:
            new.append(_named(one, taken))
            taken.add(new[-1].name)
    return Inventory(tuple(new), known, tuple(obstacles))


def _as_people_count(found: Found) -> int:
    """Cameras first, then microphones, sensors, and all that cannot be used."""
    return KINDS.index(found.kind) if isinstance(found, Candidate) else len(KINDS)


def _name_in(devices: Mapping[str, DeviceSettings], found: Candidate) -> str | None:
    return next(
        (name for name, one in devices.items() if found.is_same(one.kind, one.table)), None
    )


def _named(found: Candidate, taken: set[str]) -> Candidate:
    """The device under its suggested name, or under the next one with a number."""
    name, number = found.name, 1
    while name in taken:
        number += 1
        name = f"{found.name}{number}"
    return dataclasses.replace(found, name=name)


def _absent(found: Candidate) -> tuple[str, str] | None:
    """The reason why the device cannot be used here, and the next command; None if it can be."""
    settings = DeviceSettings(name=found.name, kind=found.kind, table=found.table,
                              lines={"": found.what})
    resolved, problems = resolve_devices({found.name: settings})
    if problems:
        return str(problems[0]), "man beemon.toml"
    said = resolved[found.name].make().absent()
    if said is None:
        return None
    why, _, command = said.rpartition("; ")
    if command.startswith("apt install"):
        return why, f"sudo {command}"
    return said, "Unplug it, plug it in again, and type: beemon find"


def to_toml(inventory: Inventory) -> str:
    """The inventory as a file for conf.d: new devices as tables, all others as comments."""
    return "\n".join([*_parts(inventory), ""])


def _parts(inventory: Inventory) -> Iterator[str]:
    yield HEADER
    if inventory.new:
        yield toml_of(inventory.new)
    else:
        yield "# Nothing new was found.\n"
    for name, one in inventory.known.items():
        yield comment(f"{one.what}: the config has it as {name}")
    for obstacle in inventory.obstacles:
        yield comment(obstacle.what)
        yield from (comment(f"  {line}") for line in (obstacle.why, obstacle.next))


def to_json(inventory: Inventory) -> JsonObject:
    """The inventory for a program."""
    return {
        "new": [{"name": one.name, "what": one.what, "table": one.table} for one in inventory.new],
        "known": [{"name": name, "what": one.what} for name, one in inventory.known.items()],
        "obstacles": [
            {"what": one.what, "why": one.why, "next": one.next} for one in inventory.obstacles
        ],
    }
