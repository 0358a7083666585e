"""The process of the uplink: one courier for each destination, until a signal or a new config."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import sdnotify

from beemon.base.defects import contain
from beemon.uplink import destinations, kept
from beemon.uplink.contract import NotDeliveredError
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


Asked = frozenset[tuple[str, int]]
"""The files that ask for work, and their times."""


class Uplink(NamedTuple):
    """The parts that all destinations share, and their couriers."""

    archive: Archive
    meter: Meter
    states: States
    couriers: list[Courier]
    waiting: dict[str, object]
    """The settings of destinations that could not be made yet, as a package is missing or the disk
    is full."""


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
    held = kept.hold(options.state)
    try:
        uplink = start(options)
        changed = _watch(options, uplink, ending)
        notifier.notify("STOPPING=1")
        stop(uplink)
    finally:
        os.close(held)
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
    meter = Meter(options.state / "sent.json", destinations.link_settings(settings, options.tables))
    chosen = {name: one for name, one in settings.items() if name in destinations.MODULES}
    uplink = Uplink(archive, meter, states, [], chosen)
    _start_waiting(uplink, options)
    states.write(at_once=True)
    return uplink


def _make_requests_folder(folder: Path) -> None:
    """Make the folder in which the group may ask for work: it is that of the runtime folder."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o770)


def stop(uplink: Uplink) -> None:
    """End all couriers at once; each saves its cursor. One that is blocked delays no other."""
    for courier in uplink.couriers:
        courier.end(0.0)
    until = time.monotonic() + _END_SECONDS
    for courier in uplink.couriers:
        courier.end(max(0.0, until - time.monotonic()))
    uplink.meter.close()
    uplink.archive.close()
    uplink.states.write(at_once=True)


def _start_waiting(uplink: Uplink, options: UplinkOptions) -> None:
    """Start a courier for each destination that can be made now."""
    for name, settings in list(uplink.waiting.items()):
        action = partial(_add_courier, uplink, options, name, settings)
        contain(action, partial(_note_waiting, uplink.states, name))


def _add_courier(
    uplink: Uplink, options: UplinkOptions, name: str, settings: object
) -> None:
    hive = Hive(name, options, uplink.archive, uplink.meter, uplink.states)
    destination = destinations.make(name, settings, hive)
    uplink.states.note(name, state="starting", trouble=None)
    cursor = CursorFile(options.state / f"{name}.cursor", destination.place)
    courier = Courier(name, destination, hive, uplink.states, cursor)
    hive.hurry = courier.hurry
    uplink.couriers.append(courier)
    del uplink.waiting[name]
    courier.start()


def _note_waiting(states: States, name: str, error: Exception) -> None:
    """Say why a destination cannot be made; the others go on, and it is tried again."""
    is_known = isinstance(error, destinations.MissingPackageError | NotDeliveredError | OSError)
    told = str(error) if is_known else states.log_defect(name, error)
    states.note(name, state="in-trouble", trouble=told)


def _watch(options: UplinkOptions, uplink: Uplink, ending: threading.Event) -> bool:
    """Wake the couriers when the ledger changes, until the end; whether the config has changed."""
    looks, asked = 0, Asked()
    while not ending.wait(LOOK_SECONDS):
        asked = _hurry_if_asked(options.runtime / REQUESTS, uplink.couriers, asked)
        _tell_news(uplink)
        uplink.states.write()
        looks += 1
        if looks % _CONFIG_LOOKS == 0:
            _start_waiting(uplink, options)
            if options.has_changed():
                log.info("the config has changed")
                return True
    return False


def _tell_news(uplink: Uplink) -> None:
    """Wake the couriers for which the ledger has something new."""
    records = contain(uplink.archive.find_news, partial(_know_nothing, uplink.archive))
    for courier in uplink.couriers:
        if records is None:
            courier.wake()
        else:
            courier.tell(records)


def _know_nothing(archive: Archive, _: Exception) -> None:
    """After a defect: each courier reads by itself, and tells the problem if it has it, too."""
    archive.feed.forget()


def _hurry_if_asked(requests: Path, couriers: Sequence[Courier], before: Asked) -> Asked:
    """Have those destinations take a turn for which somebody has left a file, `NAME-WORD`.

    Each file counts once: one that nobody takes must not end every back-off.
    """
    try:
        asked = frozenset((file.name, file.lstat().st_mtime_ns) for file in requests.iterdir())
    except OSError:
        return before
    names = {name.partition("-")[0] for name, _ in asked - before}
    for courier in couriers:
        if courier.name in names:
            courier.hurry()
    return asked
