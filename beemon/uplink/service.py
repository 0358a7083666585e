"""The process of the uplink: one courier for each destination, until a signal or a new config."""

from __future__ import annotations

import logging
import signal
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import sdnotify

from beemon.uplink import destinations
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.hive import REQUESTS, Archive, Hive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions
from beemon.uplink.state import NAME, States

log = logging.getLogger(__name__)

EXIT_CHANGED = 75
"""The exit status for a config that has changed (EX_TEMPFAIL): systemd starts the uplink again."""
LOOK_SECONDS = 5.0
"""The time between two looks whether the ledger has changed."""
_CONFIG_LOOKS = 6  # looks at the ledger for one at the config
_END_SECONDS = 8.0  # for the calls under way when the process ends


class Uplink(NamedTuple):
    """The parts that all destinations share, and their couriers."""

    archive: Archive
    meter: Meter
    states: States
    couriers: list[Courier]


def serve(options: UplinkOptions) -> int:
    """Serve until a signal; the exit status. Raises ``OSError`` if it cannot have its folders."""
    ending = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    notifier = sdnotify.SystemdNotifier()
    notifier.notify("READY=1")
    if not set(options.tables) - {destinations.LINK}:
        log.info("the config has no destination: see beemon.toml(5)")
        return 0
    uplink = start(options)
    changed = _watch(options, uplink, ending)
    notifier.notify("STOPPING=1")
    stop(uplink)
    return EXIT_CHANGED if changed else 0


def start(options: UplinkOptions) -> Uplink:
    """Start a courier for each destination whose table is right."""
    settings, problems = destinations.read_tables(options.tables)
    states = States(options.runtime / NAME)
    for name in dict.fromkeys(problem.table for problem in problems):
        told = "; ".join(str(found.problem) for found in problems if found.table == name)
        states.note(name, state="in-trouble", trouble=told)
    archive = Archive(options.archive)
    _make_requests_folder(options.runtime / REQUESTS)
    meter = Meter(options.state / "sent.json", destinations.link_settings(settings))
    uplink = Uplink(archive, meter, states, [])
    for name, chosen in settings.items():
        if name in destinations.MODULES:
            _add_courier(uplink, options, name, chosen)
    states.write(at_once=True)
    for courier in uplink.couriers:
        courier.start()
    return uplink


def _make_requests_folder(folder: Path) -> None:
    """Make the folder in which the group may ask for work: it is that of the runtime folder."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o770)


def stop(uplink: Uplink) -> None:
    """End all couriers; each saves its cursor."""
    for courier in uplink.couriers:
        courier.wake()
    for courier in uplink.couriers:
        courier.end(_END_SECONDS)
    uplink.meter.close()
    uplink.archive.close()
    uplink.states.write(at_once=True)


def _add_courier(
    uplink: Uplink, options: UplinkOptions, name: str, settings: object
) -> None:
    hive = Hive(name, options, uplink.archive, uplink.meter, uplink.states)
    try:
        destination = destinations.make(name, settings, hive)
    except destinations.MissingPackageError as error:
        uplink.states.note(name, state="in-trouble", trouble=str(error))
        return
    uplink.states.note(name, state="starting", trouble=None)
    cursor = CursorFile(options.state / f"{name}.cursor")
    courier = Courier(name, destination, hive, uplink.states, cursor)
    hive.hurry = courier.hurry
    uplink.couriers.append(courier)


def _watch(options: UplinkOptions, uplink: Uplink, ending: threading.Event) -> bool:
    """Wake the couriers when the ledger changes, until the end; whether the config has changed."""
    seen: Mapping[str, int] = {}
    looks = 0
    while not ending.wait(LOOK_SECONDS):
        _hurry_if_asked(options.runtime / REQUESTS, uplink.couriers)
        now = _version(uplink.archive)
        if now != seen:
            for courier in uplink.couriers:
                courier.wake()
        seen = now
        uplink.states.write()
        looks += 1
        if looks % _CONFIG_LOOKS == 0 and options.has_changed():
            log.info("the config has changed")
            return True
    return False


def _hurry_if_asked(requests: Path, couriers: Sequence[Courier]) -> None:
    """Have those destinations take a turn for which somebody has left a file, `NAME-WORD`."""
    try:
        asked = {file.name.partition("-")[0] for file in requests.iterdir()}
    except OSError:
        return
    for courier in couriers:
        if courier.name in asked:
            courier.hurry()


def _version(archive: Archive) -> Mapping[str, int]:
    """A value that differs after each change of the ledger; nothing while it is unreadable."""
    try:
        reader = archive.reader()
        return {"reader": id(reader), "version": reader.version()}
    except (OSError, sqlite3.Error):
        return {}
