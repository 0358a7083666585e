"""The word `upload`: the uploads of recordings, by the files of the uplink's process."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_BAD_CONFIG, EXIT_WRONG, layout, places
from beemon.cli import archive as here
from beemon.cli.manual import HERE

if TYPE_CHECKING:
    from beemon.base.facts import Json

PACKAGED = Path("/run/beemon-uplink")
"""The runtime folder of the package's uplink."""
_NEXT = "to see the result: beemon upload status"


def add_words(words: Any) -> None:
    """Add the words of this module to those of ``beemon``."""
    parser = words.add_parser(
        "upload", usage="beemon upload status|verify|now [OPTION…]",
        description=here.sentence(HERE["upload"]),
        epilog="status: show which recordings wait, and the latest upload. verify: compare all "
               "uploaded recordings with the remote storage. now: upload without waiting for the "
               "next attempt. You must be root or in the group beemon.",
    )
    parser.add_argument("action", choices=["status", "verify", "now"], help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print the state as JSON, for programs")
    parser.add_argument(
        "--folder", metavar="DIR", type=here.path_argument,
        help="the folder of the uplink (default: that of the package's service)",
    )
    here.add_config(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """``beemon upload``: show the state, or ask the uplink for work."""
    folder = options.folder or PACKAGED
    if options.action != "status":
        return _ask(folder, options.action)
    from beemon.config import settings as config

    try:
        return _show(options, folder)
    except config.ConfigError as error:
        for problem in error.problems:
            layout.complain(problem)
        return EXIT_BAD_CONFIG
    except (OSError, sqlite3.Error) as error:
        layout.complain(here.told(error) if isinstance(error, OSError) else error)
        return EXIT_WRONG


def _ask(folder: Path, word: str) -> int:
    """Leave a file for the uplink, which looks for it every few seconds."""
    from beemon.uplink.hive import REQUESTS

    try:
        file = folder / REQUESTS / f"upload-{word}"
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    except PermissionError:
        layout.complain(f"you may not do this; type: sudo beemon upload {word}; or join the group: "
                        "sudo adduser $USER beemon, then log out and in again")
        return EXIT_WRONG
    except OSError:
        layout.complain("the uplink does not run; to start it: sudo systemctl start beemon-uplink")
        return EXIT_WRONG
    layout.say(f"the uplink was asked; {_NEXT}")
    return 0


def _show(options: argparse.Namespace, folder: Path) -> int:
    from beemon.config import settings as config
    from beemon.ledger.reader import ArchiveReader
    from beemon.uplink import kept
    from beemon.uplink.state import NAME

    settings = config.load(options.config)
    table = settings.uplink.get("upload")
    if table is None or not isinstance(table.value, dict):
        layout.complain("the config has no table [upload]; see: man beemon.toml")
        return EXIT_WRONG
    destinations = kept.read(folder / NAME).get("destinations")
    state = destinations.get("upload") if isinstance(destinations, dict) else None
    with contextlib.closing(ArchiveReader(places.archive_by(options.config, settings))) as reader:
        count, size = reader.waiting_for_upload()
    found: dict[str, Json] = {
        "remote": str(table.value.get("remote")), "waiting": count, "waiting_bytes": size,
        **(state if isinstance(state, dict) else {"state": "not-running"}),
        **kept.read(folder / "upload.json"),
    }
    if options.json:
        layout.say(json.dumps(found))
    else:
        layout.say(layout.Table(list(_rows(found))), *_lists(found))
    return 0


def _rows(found: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The state in words, each part with its name."""
    from beemon.cli import times
    from beemon.cli.numbers import amount

    place = f"{found['remote']}, folder {found['folder']}" if "folder" in found else found["remote"]
    yield "remote storage", str(place)
    yield "state", str(found.get("state"))
    for name in ("trouble", "note"):
        if found.get(name):
            yield "problem", str(found[name])
    if found.get("waits_for_link"):
        yield "", "it waits for the next day, or for the hours of [uplink]"
    size = amount(float(str(found["waiting_bytes"])), "B")
    yield "waiting", f"{found['waiting']} recordings, {size}"
    if found.get("sending"):
        yield "uploading", str(found["sending"])
    if found.get("latest"):
        yield "latest", f"{found['latest']} (proof: {found.get('latest_proof')})"
    if found.get("proof"):
        yield "proof", str(found["proof"])
    if found.get("checked"):
        yield "compared", f"{times.text(str(found['checked']))}: {_compared(found)}"


def _compared(found: Mapping[str, Json]) -> str:
    """The result of the latest comparison with the remote storage."""
    return (
        f"{found.get('compared', 0)} recordings, {found.get('missing', 0)} missing, "
        f"{found.get('damaged', 0)} damaged, {found.get('only_size', 0)} by their size only"
    )


def _lists(found: Mapping[str, Json]) -> Iterator[str]:
    """The files that need a person."""
    for name, heading in (
        ("not_sent", "Not uploaded:"),
        ("lost", "Lost: neither here nor at the remote storage:"),
        ("unknown", "At the remote storage, but not in the database:"),
    ):
        files = found.get(name)
        if isinstance(files, list) and files:
            yield heading
            yield from (f"  {file}" for file in files)
