"""What ``beemon`` does with an archive by itself, without asking the service.

Each function takes what was typed and returns an exit status: 0 all well; 1 something is wrong
with the archive, or it is in use; 78 the config that was to name it cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.rendering import HERE, amount

if TYPE_CHECKING:
    from beemon.archive.check import Report

EXIT_WRONG = 1

DEFAULT_CONFIG = "/etc/beemon/beemon.toml"


def add_words(words: Any) -> None:
    """Add what can be done here to what can be typed after ``beemon``."""
    _add_archive(words.add_parser("archive", usage="beemon archive check|rebuild [OPTION…]"))


def _add_archive(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(prog="beemon archive", required=True, metavar="check|rebuild")
    check = actions.add_parser("check", description=sentence(HERE["archive check"]))
    check.add_argument(
        "--full", action="store_true", help="also read every recording, and compare its hash"
    )
    check.add_argument("--json", action="store_true", help="print the findings for programs")
    _add_path(check)
    check.set_defaults(run=check_archive)
    rebuild = actions.add_parser("rebuild", description=sentence(HERE["archive rebuild"]))
    _add_path(rebuild)
    rebuild.set_defaults(run=rebuild_ledger)


def _add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--path", metavar="DIR", type=Path, help="the archive itself (default: as in the config)"
    )
    add_config(parser)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the config."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, default=Path(DEFAULT_CONFIG),
        help=f"the config file (default: {DEFAULT_CONFIG})",
    )


def sentence(summary: str) -> str:
    """A summary as a help text has it."""
    return f"{summary[0].upper()}{summary[1:]}."


def check_archive(options: argparse.Namespace) -> int:
    """``beemon archive check``: 0 where nothing is wrong, else 1."""
    from beemon.archive import check

    try:
        report = check.check(archive_of(options), full=options.full)
    except OSError as error:
        print(f"beemon: {error}", file=sys.stderr)
        return EXIT_WRONG
    if options.json:
        _print_json(report)
    else:
        _print_report(report)
    return EXIT_WRONG if report.findings else 0


def rebuild_ledger(options: argparse.Namespace) -> int:
    """``beemon archive rebuild``: 0 where every recording is in the ledger now, else 1."""
    from beemon import rebuilding

    try:
        counts = rebuilding.rebuild(archive_of(options))
    except OSError as error:
        print(f"beemon: {error}", file=sys.stderr)
        return EXIT_WRONG
    print(f"{counts['entered']} recordings were entered in the ledger from their files, and "
          f"{counts['lost']} entered as lost, for their files are missing.")
    if counts["unknown"]:
        print(f"{counts['unknown']} files do not say what they are; `beemon archive check` "
              "lists them.")
    return EXIT_WRONG if counts["unknown"] else 0


def archive_of(options: argparse.Namespace) -> Path:
    """The archive that was named, or the config's; the default one where it has no config.

    Raises ``OSError`` where neither can be known.
    """
    from beemon import config

    if options.path is not None:
        path: Path = options.path
        return path.absolute()
    try:
        return config.load(options.config).archive_path
    except config.ConfigError as error:
        raise OSError(f"{error.problems[0]}; name the archive with --path DIR") from error


def _print_json(report: Report) -> None:
    import dataclasses
    import json

    print(json.dumps(dataclasses.asdict(report)))


def _print_report(report: Report) -> None:
    for found in report.findings:
        print(found)
    for note in report.notes:
        print(f"Note: {note}")
    looked = f"{report.recordings} recordings ({amount(report.size, 'B')}), {report.jobs} jobs"
    count = len(report.findings)
    verdict = "nothing is wrong" if not count else f"{count} finding{'s' if count > 1 else ''}"
    print(f"{looked}: {verdict}.")
