"""A session of `beemon setup`: from the wishes of a person to the first deliveries."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from beemon.config import settings as config
from beemon.protocol.client import ServiceUnreachableError
from beemon.setup import files, simulated
from beemon.setup.candidates import Candidate, toml_of
from beemon.setup.service import Connect, NotInForceError, first_deliveries, put_in_force

SIMULATED = "simulated.toml"

Say = Callable[[str], None]
Ask = Callable[[str], str]


class GivenUpError(Exception):
    """Setup ends without having changed anything; the text says why, and what to do."""


class Wishes(NamedTuple):
    """The options of `beemon setup`. ``packaged``: the config is the installed one."""

    config: Path
    questions: bool = True
    simulated: bool = False
    dry_run: bool = False
    packaged: bool = False


class Plan(NamedTuple):
    """The files to write, and the devices that they add, or that are there already."""

    texts: Mapping[str, str]
    devices: Sequence[Candidate]


def run(wishes: Wishes, connect: Connect, say: Say) -> None:
    """Carry the wishes out. Raises :class:`GivenUpError`, ``NotInForceError``, ``OSError``."""
    if not wishes.dry_run:
        check_permission(wishes.config)
    plan = plan_simulated(wishes.config)
    write(wishes, plan, connect, say)


def check_permission(main: Path) -> None:
    """Raise :class:`GivenUpError` unless files can be added to the config's folder."""
    folder = main.parent / files.FOLDER
    there = folder if folder.is_dir() else main.parent
    if not os.access(there, os.W_OK | os.X_OK):
        raise GivenUpError(f"you may not write to {there}; type: sudo beemon setup")


def plan_simulated(main: Path) -> Plan:
    """The simulated hive, without the devices whose names others have."""
    own = main.parent / files.FOLDER / SIMULATED
    taken = _names_elsewhere(main, own)
    devices = [one for one in (*simulated.HIVE, simulated.SYSTEM) if one.name not in taken]
    names = {one.name for one in devices}
    text = files.sealed(simulated.HEADER + toml_of(
        one if names.issuperset(_named_by(one)) else one.without_weighing() for one in devices
    ))
    if files.edited(main, [SIMULATED]) or (own.exists() and own.read_text("utf-8") == text):
        return Plan({}, devices)
    return Plan({SIMULATED: text}, devices)


def _named_by(device: Candidate) -> set[str]:
    """The sensors that explain what its weight does."""
    return {str(value).partition(" ")[0] for value in device.weighing.values()}


def _names_elsewhere(main: Path, own: Path) -> set[str]:
    """The devices that other files of the config have."""
    try:
        found = config.load(main).devices
    except config.ConfigError as error:
        raise GivenUpError(
            "the config has a problem already; mend it first: "
            + "; ".join(map(str, error.problems))
        ) from error
    return {name for name, device in found.items()
            if not device.where("").startswith(f"{own}:")}


def write(wishes: Wishes, plan: Plan, connect: Connect, say: Say) -> None:
    """Check the files, write them, put them in force, and show what the devices deliver."""
    folder = wishes.config.parent / files.FOLDER
    if problems := files.find_problems(wishes.config, plan.texts):
        raise GivenUpError(
            "nothing was written, because the config would have a problem: "
            + "; ".join(map(str, problems))
        )
    if wishes.dry_run:
        for name, text in plan.texts.items():
            say(f"# {folder / name}\n{text}")
        return
    with files.written(wishes.config, plan.texts):
        for name in plan.texts:
            say(f"wrote {folder / name}")
        put_in_force(connect, may_start=wishes.packaged)
    show_deliveries(plan.devices, connect, say)


def show_deliveries(devices: Sequence[Candidate], connect: Connect, say: Say) -> None:
    """Tell the first delivery of each device."""
    say("The service runs with the new config. Its devices deliver:")
    try:
        for name, told in first_deliveries(connect, devices):
            say(f"  {name}: {told}")
    except ServiceUnreachableError as error:
        raise NotInForceError(str(error)) from error
