"""Commands that work on an archive directly, without the service.

Each function takes the typed arguments and returns an exit status. 0 means success. 1 means a
problem of the archive, or an archive in use. 78 means that the config cannot be read.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.base.explanation import why
from beemon.cli import EXIT_USAGE, EXIT_WRONG, layout
from beemon.cli.manual import HERE
from beemon.cli.numbers import amount
from beemon.cli.places import archive_by
from beemon.cli.shortcut import DEFAULT_CONFIG

if TYPE_CHECKING:
    from beemon.repair.check import Report


LEDGER = "ledger.db"


def add_words(words: Any) -> None:
    """Add the words of this module to those of ``beemon``."""
    _add_archive(words.add_parser(
        "archive", usage="beemon archive check|rebuild [OPTION…]",
        description=f"check: {HERE['archive check']}. rebuild: {HERE['archive rebuild']}.",
        epilog="`beemon archive check --help` shows the options of `check`.",
    ))
    _add_import(words.add_parser(
        "import", usage="beemon import appmais DIR --timezone ZONE [OPTION…]",
        description=sentence(HERE["import"]),
    ))


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layout", choices=["appmais"], metavar="appmais", help="the layout")
    parser.add_argument(
        "folder", metavar="DIR", type=path_argument,
        help="the folder that holds the sensors' folders",
    )
    parser.add_argument(
        "--timezone", metavar="ZONE", required=True,
        help="the time zone of its local times, such as America/New_York",
    )
    parser.add_argument(
        "--frame-rate", metavar="N",
        help="frames per second of raw .h264 files, such as 24 or 30000/1001",
    )
    parser.add_argument(
        "--columns", metavar="SENSOR=QUANTITY:UNIT,…", action="append", default=[],
        help="meaning of the columns in a sensor's CSV files, such as scale=weight:lb",
    )
    parser.add_argument(
        "--host", metavar="HOST", action="append", default=[],
        help="import only the files of this host; repeat it if the hive's host was renamed",
    )
    add_path(parser)
    parser.set_defaults(run=import_folder)


def _add_archive(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(prog="beemon archive", required=True, metavar="check|rebuild")
    check = actions.add_parser(
        "check", usage="beemon archive check [OPTION…]", description=sentence(HERE["archive check"])
    )
    check.add_argument(
        "--full", action="store_true", help="also read every recording and compare its hash"
    )
    check.add_argument(
        "--json", action="store_true", help="print the findings as JSON, for programs"
    )
    add_path(check)
    check.set_defaults(run=check_archive)
    rebuild = actions.add_parser(
        "rebuild", usage="beemon archive rebuild [OPTION…]",
        description=sentence(HERE["archive rebuild"]),
    )
    add_path(rebuild)
    rebuild.set_defaults(run=rebuild_ledger)


def add_path(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the archive."""
    parser.add_argument(
        "--path", metavar="DIR", type=path_argument,
        help="the archive's folder (default: from the config)",
    )
    add_config(parser)


def path_argument(text: str) -> Path:
    """The path of an argument. Raises ``argparse.ArgumentTypeError`` if it is empty.

    That of an unset variable would otherwise be the current folder.
    """
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the config."""
    parser.add_argument(
        "--config", metavar="FILE", type=path_argument, default=Path(DEFAULT_CONFIG),
        help=f"the config file (default: {DEFAULT_CONFIG})",
    )


def sentence(summary: str) -> str:
    """A summary as a help text has it."""
    return f"{summary[0].upper()}{summary[1:]}."


def check_archive(options: argparse.Namespace) -> int:
    """``beemon archive check``: 0 where nothing is wrong, else 1."""
    from beemon.cli import long_work
    from beemon.repair import check

    try:
        archive = archive_of(options)
        report = long_work.run(
            lambda progress: check.check(archive, full=options.full, progress=progress),
            "stopped; a check changes nothing",
        )
    except OSError as error:
        layout.complain(told(error))
        return EXIT_WRONG
    if options.json:
        _print_json(report)
    else:
        _print_report(report)
    return EXIT_WRONG if report.findings else 0


def rebuild_ledger(options: argparse.Namespace) -> int:
    """``beemon archive rebuild``: 0 where every recording is in the ledger now, else 1."""
    from beemon.cli import long_work
    from beemon.repair.rebuild import rebuild

    try:
        archive = _own_archive(options)
        rebuilt = long_work.run(
            lambda progress: rebuild(archive, progress),
            "stopped; the database keeps what was added so far, and `beemon archive rebuild` adds "
            "the rest",
        )
    except OSError as error:
        layout.complain(told(error))
        return EXIT_WRONG
    layout.say(
        f"{rebuilt.entered} recordings were added to the database from their files; "
        f"{rebuilt.lost} were added as lost, because their files are missing."
    )
    for taken in rebuilt.taken:
        layout.say(f"{str(taken)[0].upper()}{str(taken)[1:]}.")
    if rebuilt.unknown:
        layout.say(
            f"{rebuilt.unknown} files could not be identified: `beemon archive check` lists them."
        )
    return EXIT_WRONG if rebuilt.unknown else 0


def told(error: Exception) -> str:
    """An error of the config, of the database, or of the system with the file that it is about."""
    import sqlite3  # only an error needs it

    if isinstance(error, sqlite3.Error):
        return f"the database cannot be read: {error}"
    if not isinstance(error, OSError):
        return str(error)
    about = f"{error.filename}: " if error.filename is not None and error.strerror else ""
    return f"{about}{why(error)}"


def import_folder(options: argparse.Namespace) -> int:
    """``beemon import``: 0 where all was taken, 1 where something was not; 2 for wrong usage."""
    from beemon.cli import long_work
    from beemon.exchange import importing

    try:
        source = _source(options)
    except ValueError as error:
        layout.complain(error)
        return EXIT_USAGE
    try:
        archive = _own_archive(options)
        counts = long_work.run(
            lambda progress: importing.import_appmais(archive, source, progress),
            "stopped; the files imported so far are kept, and the same command imports the rest",
        )
    except importing.MissingFactError as error:
        layout.complain(error)
        return EXIT_USAGE
    except OSError as error:
        layout.complain(told(error))
        return EXIT_WRONG
    for problem in counts.problems:
        layout.say(str(problem), to=sys.stderr)
    layout.say(
        f"{counts.recordings} recordings and {counts.readings} readings were imported; "
        f"{counts.known} were in the archive already."
    )
    if counts.failed:
        layout.say(
            f"{counts.failed} of the recordings did not pass their check. They are kept as "
            "evidence and deleted first when space is needed."
        )
    return EXIT_WRONG if counts.problems else 0


def _source(options: argparse.Namespace) -> Any:
    """The folder to import, as typed. Raises ``ValueError``."""
    from fractions import Fraction
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from beemon.exchange import daily
    from beemon.exchange.importing import Source

    try:
        zone = ZoneInfo(options.timezone)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(
            f'no time zone "{options.timezone}" is known to this machine; name one such as '
            "Europe/Berlin: `timedatectl list-timezones` lists them"
        ) from error
    try:
        rate = Fraction(options.frame_rate) if options.frame_rate else None
        if rate is not None and not 1 <= rate <= 1000:
            raise ValueError
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f'"{options.frame_rate}" is not a frame rate; type a number such as 24 or 30000/1001'
        ) from error
    pairs = [text.partition("=")[::2] for text in options.columns]
    columns = {sensor: daily.columns(said.split(",")) for sensor, said in pairs}
    return Source(options.folder, zone, rate, columns, frozenset(options.host))


def archive_of(options: argparse.Namespace) -> Path:
    """The archive named by the user or by the config; the default one without a config.

    Raises ``OSError`` if neither can be determined.
    """
    from beemon.config import settings as config

    if options.path is not None:
        path: Path = options.path
        return path.absolute()
    try:
        settings = config.load(options.config)
    except config.ConfigError as error:
        raise OSError(f"{error.problems[0]}; name the archive with --path DIR") from error
    return archive_by(options.config, settings)


def _own_archive(options: argparse.Namespace) -> Path:
    """The archive, to write in. Raises ``PermissionError`` for root, who would make files in it
    that the service's user cannot change."""
    import pwd

    archive = archive_of(options)
    owner = archive.stat().st_uid if archive.is_dir() else 0
    if os.geteuid() == 0 and owner != 0:
        name = pwd.getpwuid(owner).pw_name
        raise PermissionError(
            f"{archive} belongs to {name}; run the command as that user: sudo -u {name} beemon …"
        )
    return archive


def _print_json(report: Report) -> None:
    import dataclasses
    import json

    print(json.dumps(dataclasses.asdict(report)))


def _print_report(report: Report) -> None:
    for found in report.findings:
        layout.say(str(found))
    for note in report.notes:
        layout.say(f"Note: {note}")
    looked = f"{report.recordings} recordings ({amount(report.size, 'B')}), {report.jobs} jobs"
    count = len(report.findings)
    verdict = "nothing is wrong" if not count else f"{count} finding{'s' if count > 1 else ''}"
    layout.say(f"{looked}: {verdict}.")
