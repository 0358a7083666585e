"""`beemon export`: write a period of the archive in a form for other programs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from beemon.cli import EXIT_USAGE, EXIT_WRONG, layout
from beemon.cli.archive import (
    LEDGER,
    add_path,
    archive_of,
    path_argument,
    sentence,
    told,
)
from beemon.cli.manual import HERE
from beemon.cli.numbers import amount
from beemon.cli.parser import add_utc
from beemon.cli.shortcut import DEFAULT_CONFIG

if TYPE_CHECKING:
    from datetime import tzinfo

    from beemon.base.clock import Quality
    from beemon.base.facts import JsonObject
    from beemon.exchange.layout import About, Layout
    from beemon.ledger.ledger import LedgerReader


def add_words(words: Any) -> None:
    """Add the word `export` to those of ``beemon``."""
    parser = words.add_parser(
        "export", usage="beemon export FROM [TO] [OPTION…]", description=sentence(HERE["export"]),
        epilog="FROM and TO are days (2026-06-01, today, yesterday), times (2026-06-01T06:30) or "
               "spans (12h, 7d). Days and times are in the hive's time zone; a time can have an "
               "offset of its own. Both days are included. Without TO, the period is that day, or "
               "from that time until now.",
    )
    parser.add_argument("first", metavar="FROM", help="the first day, or a time")
    parser.add_argument("last", metavar="TO", nargs="?", help="the last day, or a time")
    parser.add_argument(
        "--layout", "--format", metavar="NAME", default="csv",
        help="the form of the files (default: csv); see `man beemon`",
    )
    parser.add_argument(
        "--output", metavar="DIR", type=path_argument,
        help="the new folder (default: in the current folder, named after the hive and the period)",
    )
    parser.add_argument(
        "--device", metavar="DEVICE", action="append", default=[],
        help="export this device only; can be repeated",
    )
    parser.add_argument(
        "--timezone", metavar="ZONE",
        help="the time zone of local times, such as Europe/Berlin (default: the hive's)",
    )
    parser.add_argument(
        "--position", action="store_true",
        help="also write the hive's position, which an export otherwise leaves out",
    )
    parser.add_argument(
        "--field", metavar="FIELD=SENSOR", action="append", default=[],
        help="the sensor of a field of HiveTool or BEEP, such as t_i=sensor.brood; repeatable",
    )
    add_utc(parser)
    add_path(parser)
    parser.set_defaults(run=export_period)


class Order(NamedTuple):
    """A layout, the zone of local times if one was named, and the sensors of some fields."""

    form: Layout
    zone: tzinfo | None
    asked: Mapping[str, str]


def export_period(options: argparse.Namespace) -> int:
    """``beemon export``: 0 if the folder is there now, else 1; 2 for wrong usage."""
    import sqlite3

    from beemon.exchange import period
    from beemon.exchange.layouts import LAYOUTS
    from beemon.exchange.tables import UnknownDeviceError
    from beemon.formats.fields import FieldError

    if options.layout not in LAYOUTS:
        return _complain_of_layout(options.layout, LAYOUTS)
    try:
        order = _order(options, LAYOUTS[options.layout])
        period.check(options.first, options.last)
    except ValueError as error:
        layout.complain(error)
        return EXIT_USAGE
    try:
        archive, about = archive_of(options), _about(options)
        _look(archive, options.output.absolute().parent if options.output else Path.cwd())
        output, manifest = _export(order, options, archive, about)
    except (UnknownDeviceError, FieldError, period.BadPeriodError) as error:
        layout.complain(error)
        return EXIT_USAGE
    except (OSError, sqlite3.Error) as error:
        layout.complain(told(error))
        return EXIT_WRONG
    _print_export(output, manifest)
    return 0


def _complain_of_layout(name: str, layouts: Mapping[str, Layout]) -> int:
    """List the layouts."""
    layout.say(
        f'beemon: there is no layout "{name}". The layouts are:',
        layout.Table([(one.name, one.summary) for one in layouts.values()], indent=2),
        to=sys.stderr,
    )
    return EXIT_USAGE


def _order(options: argparse.Namespace, form: Layout) -> Order:
    """Raises ``ValueError`` for an unknown zone, or for fields of a layout without fields."""
    from beemon.base import zone

    asked = dict(text.partition("=")[::2] for text in options.field)
    if asked and not form.fields:
        raise ValueError(f"the layout {form.name} has no fields to choose with --field")
    return Order(form, zone.named(options.timezone) if options.timezone else None, asked)


def _export(
    order: Order, options: argparse.Namespace, archive: Path, about: About
) -> tuple[Path, JsonObject]:
    """Write the files, with the local time of a zone, or of the hive's; return the folder and the
    manifest."""
    from beemon.cli import long_work, times
    from beemon.exchange import export, period
    from beemon.exchange.layout import Selection
    from beemon.exchange.tables import View
    from beemon.ledger.reader import ArchiveReader

    with ArchiveReader(archive).one_moment() as reader:
        local = order.zone or _zone_of(reader)
        times.prepare(utc=options.utc, usual=local)
        days = period.parse(options.first, options.last, local)
        output = options.output or Path(f"{about.hive}-{days.name}-{options.layout}")
        view = View(reader, days, options.device, local, _clock_of(reader, archive))
        view.check_devices()
        return output, long_work.run(
            lambda progress: export.export(
                order.form,
                Selection(replace(view, progress=progress), archive, about, order.asked),
                output,
            ),
            f"stopped; the unfinished {output} was deleted",
        )


def _look(archive: Path, folder: Path) -> None:
    """Raise ``OSError`` if the ledger may not be read or the export not be written to a folder."""
    try:
        with (archive / LEDGER).open("rb"):
            pass
    except FileNotFoundError as error:
        raise OSError(f"no archive is in {archive}; name another folder: --path DIR") from error
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"{folder}: you may not write there; name another folder: --output DIR")


def _zone_of(reader: LedgerReader) -> tzinfo:
    """The hive's time zone, as its service told it; this machine's, if that tells nothing."""
    from beemon.base import zone
    from beemon.ledger import starts

    try:
        return zone.named(starts.zone_told(reader) or zone.SYSTEM)
    except ValueError:  # the hive's machine knew a zone that this one does not
        return zone.local()


def _clock_of(reader: LedgerReader, archive: Path) -> Quality | None:
    """The quality of this computer's clock according to the service, if it runs."""
    from beemon.ledger import starts
    from beemon.storage import lock

    try:
        is_running = lock.holder(archive) is not None
    except PermissionError:  # who may read the ledger alone
        return None
    return starts.clock_told(reader) if is_running else None


def _about(options: argparse.Namespace) -> About:
    """The hive's data in the config; an archive alone does not name its hive. The position is part
    of it only if it was asked for."""
    from beemon.config import settings as config
    from beemon.exchange.layout import About

    hive = config.Hive()
    if options.path is None or str(options.config) != DEFAULT_CONFIG:
        hive = config.load(options.config).hive
    if not options.position:
        return About(hive.name)
    return About(hive.name, hive.latitude, hive.longitude)


def _print_export(output: Path, manifest: dict[str, Any]) -> None:
    from beemon.cli import times

    begin, end = times.text(manifest["from"]), times.text(manifest["until"])
    size = sum(file["size"] for file in manifest["files"])
    layout.say(
        f"{output}: {len(manifest['files'])} files, {amount(size, 'B')}, from {begin} until {end}; "
        "manifest.json explains them."
    )
    if left_out := manifest.get("left_out"):
        layout.say(f"Left out: {', '.join(left_out)}. Choose with --field FIELD=SENSOR.")
    elif not any(file.get("rows", 1) for file in manifest["files"]):
        layout.say("They are empty: the database holds nothing from that time.")
    for path in manifest.get("missing", ()):
        layout.say(f"{path} no longer exists.")
