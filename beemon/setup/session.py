"""A session of `beemon setup`: from the wishes of a person to the first deliveries."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

from beemon.base.progress import Progress
from beemon.config import settings as config
from beemon.config.settings import DeviceSettings, Hive, Settings
from beemon.protocol.client import ServiceUnreachableError
from beemon.setup import files, simulated
from beemon.setup.candidates import Candidate, table_lines, toml_of
from beemon.setup.inventory import Inventory, take_inventory
from beemon.setup.machine import Machine
from beemon.setup.questions import SCALE, Answers, Ask, Say, ask_all
from beemon.setup.service import Connect, NotInForceError, first_deliveries, put_in_force
from beemon.setup.trial import Trial, try_all, try_device

SIMULATED, HIVE = "simulated.toml", "hive.toml"
HIVE_HEADER = "# The hive: its name in each file name, and its position in degrees.\n[hive]\n"

UNANSWERED = "nobody answered, so nothing was written; without questions: beemon setup --yes"


class GivenUpError(Exception):
    """Setup ends without having changed anything; the text says why, and what to do."""


class Wishes(NamedTuple):
    """The options of `beemon setup`. ``packaged``: the config is the installed one."""

    config: Path
    questions: bool = True
    simulated: bool = False
    dry_run: bool = False
    packaged: bool = False


class Talk(NamedTuple):
    """The ways to a person, and to the service."""

    say: Say
    ask: Ask
    connect: Connect
    show: Say = print
    during: Callable[[str | Progress], AbstractContextManager[object]] = nullcontext
    """Shows, for as long as a context lasts, what is being done."""


class Plan(NamedTuple):
    """The files to write, and the devices that they add, or that are there already."""

    texts: files.Texts
    devices: Sequence[str]


def run(wishes: Wishes, talk: Talk, machine: Machine) -> None:
    """Carry the wishes out. Raises :class:`GivenUpError`, ``NotInForceError``, ``OSError``."""
    if not wishes.dry_run:
        check_permission(wishes.config)
    settings = load(wishes.config)
    if wishes.simulated:
        plan = plan_simulated(wishes.config, settings)
    else:
        plan = plan_found(wishes, settings, talk, machine)
    write(wishes, plan, talk)


def check_permission(main: Path) -> None:
    """Raise :class:`GivenUpError` unless files can be added to the config's folder."""
    folder = main.parent / files.FOLDER
    there = folder if folder.is_dir() else main.parent
    if not os.access(there, os.W_OK | os.X_OK):
        if os.geteuid() == 0:
            raise GivenUpError(f"{there} cannot be written: is the disk read-only?")
        raise GivenUpError(f"you may not write to {there}; type: sudo beemon setup")


def load(main: Path) -> Settings:
    """The config as it is. Raises :class:`GivenUpError` if it has a problem already."""
    if problems := files.problems_of(main):
        raise GivenUpError(f"the config has a problem; mend it first: {_joined(problems)}")
    return config.load(main)


# A simulated hive

def plan_simulated(main: Path, settings: Settings) -> Plan:
    """The simulated hive, without the devices whose names others have."""
    taken = {name for name, device in settings.devices.items() if not _is_simulated(main, device)}
    devices = [one for one in (*simulated.HIVE, simulated.SYSTEM) if one.name not in taken]
    names = {one.name for one in devices}
    text = files.sealed(simulated.HEADER + toml_of(
        one if names.issuperset(_explained_by(one)) else one.without_sensors() for one in devices
    ))
    return Plan(_changed(main, {SIMULATED: text}), [*names])


def _explained_by(device: Candidate) -> set[str]:
    """The sensors that explain changes of its weight."""
    return {str(value).partition(" ")[0] for value in (device.weighing or {}).values()}


# The devices of this machine

def plan_found(wishes: Wishes, settings: Settings, talk: Talk, machine: Machine) -> Plan:
    """The devices that were found, as far as a person wants them."""
    ends = _ends_simulation(wishes, talk)
    kept = {name: device for name, device in settings.devices.items()
            if not (ends and _is_simulated(wishes.config, device))}
    talk.say("Looking for devices …")
    with talk.during("looking for devices"):
        inventory = take_inventory(machine, kept)
    with tempfile.TemporaryDirectory(prefix="beemon-setup-") as folder:
        trials = {} if wishes.dry_run else _try_all(inventory.new, Path(folder), talk)
        show(inventory, trials, talk.say)
        answers = _answers(wishes, settings.hive, kept, inventory, trials, talk)
        for device in answers.devices:
            if not wishes.dry_run and device not in inventory.new:
                talk.say(f"  {device.name}: {_try(device, Path(folder), talk).says}")
    texts = {**_device_files(wishes.config, answers.devices),
             **_hive_file(wishes.config, settings.hive, answers.hive, talk.say),
             **({SIMULATED: None} if ends else {})}
    return Plan(texts, [*kept, *(one.name for one in answers.devices)])


def _ends_simulation(wishes: Wishes, talk: Talk) -> bool:
    """Whether a person wants to end the simulated hive, if there is one."""
    file = wishes.config.parent / files.FOLDER / SIMULATED
    if not (wishes.questions and files.is_own(files.content(file))):
        return False
    return not _ask(talk, "End the simulated hive? Its recordings are kept. [yes]:").startswith("n")


def _ask(talk: Talk, question: str) -> str:
    try:
        return talk.ask(question).strip().lower()
    except EOFError as error:
        raise GivenUpError(UNANSWERED) from error


def _is_simulated(main: Path, device: DeviceSettings) -> bool:
    return device.where("").startswith(f"{main.parent / files.FOLDER / SIMULATED}:")


def _try_all(devices: Sequence[Candidate], folder: Path, talk: Talk) -> dict[str, Trial]:
    if devices:
        talk.say(f"Trying {', '.join(device.name for device in devices)} …")
    progress = Progress()
    with talk.during(progress):
        return try_all(devices, folder, progress)


def _try(device: Candidate, folder: Path, talk: Talk) -> Trial:
    with talk.during(f"trying {device.name}"):
        return try_device(device, folder)


def show(inventory: Inventory, trials: Mapping[str, Trial], say: Say) -> None:
    """Tell everything that was found, and the first delivery of each new device."""
    for number, device in enumerate(inventory.new, 1):
        say(f"  {number}. {device.name}: {device.what}")
        if trial := trials.get(device.name):
            say(f"     {trial.says}")
    if not inventory.new:
        say("No new devices were found. To try beemon: beemon setup --simulated")
    for name, device in inventory.known.items():
        say(f"  {device.what}: it is {name} already")
    for one in inventory.obstacles:
        say(f"  not usable yet: {one.what}: {one.why}\n     {one.next}")


def _answers(
    wishes: Wishes, hive: Hive, kept: Container[str], inventory: Inventory,
    trials: Mapping[str, Trial], talk: Talk,
) -> Answers:
    """The answers of a person, or the suggested ones: the devices that delivered."""
    devices = inventory.new
    usual = [one for one in devices if one.name not in trials or trials[one.name].works]
    if not wishes.questions:
        for one in devices:
            if one not in usual:
                talk.say(f"Left out for now, as it does not deliver: {one.name}")
        return Answers(hive, usual)
    try:
        return ask_all(
            hive, devices, usual, talk.ask, talk.say,
            has_scale=SCALE in kept, has_pins=inventory.has_pins,
        )
    except EOFError as error:
        raise GivenUpError(UNANSWERED) from error


def _device_files(main: Path, devices: Iterable[Candidate]) -> dict[str, str]:
    """A file for each device, by a name that no other file has."""
    folder = main.parent / files.FOLDER
    found: dict[str, str] = {}
    for device in devices:
        name, number = f"{device.name}.toml", 1
        while (folder / name).exists():
            number += 1
            name = f"{device.name}-{number}.toml"
        found[name] = files.sealed(toml_of([device]))
    return found


def _hive_file(main: Path, before: Hive, hive: Hive, say: Say) -> dict[str, str]:
    """The file with the answers about the hive, if they are new."""
    if hive == before:
        return {}
    known = {name: value for name in ("name", "latitude", "longitude")
             if (value := getattr(hive, name)) is not None}
    text = HIVE_HEADER + "\n".join(table_lines(known)) + "\n"
    if files.edited(main, [HIVE]):
        say(f"{files.FOLDER}/{HIVE} was edited by hand and stays; to change it, write:\n{text}")
    return _changed(main, {HIVE: files.sealed(text)})


def _changed(main: Path, texts: Mapping[str, str]) -> dict[str, str]:
    """The files that are new or different, without those that a person edited."""
    left_alone = files.edited(main, [*texts])
    folder = main.parent / files.FOLDER
    return {
        name: text for name, text in texts.items()
        if folder / name not in left_alone and files.content(folder / name) != text
    }


# The files

def write(wishes: Wishes, plan: Plan, talk: Talk) -> None:
    """Check the files, write them, put them in force, and show what the devices deliver."""
    folder = wishes.config.parent / files.FOLDER
    if problems := files.find_problems(wishes.config, plan.texts):
        raise GivenUpError(
            f"nothing was written, because of a problem of the new config: {_joined(problems)}"
        )
    if wishes.dry_run:
        for name, text in plan.texts.items():
            talk.show(f"# delete {folder / name}" if text is None else f"# {folder / name}\n{text}")
        return
    with files.written(wishes.config, plan.texts):
        for name, text in plan.texts.items():
            talk.say(f"{'deleted' if text is None else 'wrote'} {folder / name}")
        with talk.during("starting the service with this config"):
            put_in_force(talk.connect, may_start=wishes.packaged)
    show_deliveries(plan.devices, talk)


def show_deliveries(devices: Iterable[str], talk: Talk) -> None:
    """Tell the first delivery of each device."""
    talk.say("The service runs with this config. Its devices deliver:")
    try:
        deliveries = first_deliveries(talk.connect, devices)
        while found := _next(deliveries, talk):
            talk.say(f"  {found[0]}: {found[1]}")
    except ServiceUnreachableError as error:
        raise NotInForceError(str(error)) from error


def _next(deliveries: Iterator[tuple[str, str]], talk: Talk) -> tuple[str, str] | None:
    with talk.during("waiting for the devices"):
        return next(deliveries, None)


def _joined(problems: Iterable[object]) -> str:
    return "; ".join(map(str, problems))
