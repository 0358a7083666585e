"""Backup: one file with the database and the config, and with the recordings if they are wanted.

The service may work meanwhile: the copy of the database is a snapshot of one moment, and no writer
waits for it. Secrets are in files of their own (the token, the page's password), which are left
out.
"""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from beemon import __version__
from beemon.base import moments
from beemon.base.clock import MACHINE, Clock
from beemon.base.progress import Progress
from beemon.config import files as given
from beemon.config import settings as config
from beemon.exchange import parcel
from beemon.exchange.parcel import About, Member, Writer
from beemon.ledger import examination, recordings, schema
from beemon.ledger.ledger import LedgerReader
from beemon.ledger.reader import ArchiveReader
from beemon.storage import files, staging

_STEP_PAGES = 1000
"""The number of pages copied in a step. Between two steps the copy can be stopped."""

Contents = Mapping[str, tuple[bytes, int]]
"""The files of a config: the content and the mode of each, by its name in the backup."""


@dataclass(frozen=True)
class Hive:
    """The source of a backup: the archive, the hive's name, and the config file, if any."""

    archive: Path
    name: str
    config: Path | None


@dataclass
class Saved:
    """The result. ``left_bytes`` is the size of the recordings that were not wanted, and
    ``missing`` lists those whose files do not exist."""

    about: About
    configs: list[str]
    left_bytes: int = 0
    missing: list[str] = field(default_factory=list)


def save(
    hive: Hive, output: Path, progress: Progress, *, with_recordings: bool = False,
    clock: Clock = MACHINE,
) -> Saved:
    """Write the backup ``output``, which exists complete or not at all.

    Raises ``OSError``, ``sqlite3.Error``, :class:`~beemon.config.settings.ConfigError` and
    :class:`~beemon.base.progress.StoppedError`.
    """
    configs = read_config(hive.config) if hive.config else {}
    with staging.file(output) as folder:
        _copy_database(hive.archive, folder, progress)
        with closing(LedgerReader(folder, at_rest=True)) as ledger:
            about = _about(hive, ledger.db, clock, configs, folder, is_complete=with_recordings)
            saved = Saved(about, sorted(configs))
            with (folder / output.name).open("wb") as file:
                writer = Writer(file, about, progress)
                for name, (content, mode) in configs.items():
                    writer.add_bytes(name, content, mode)
                _add_database(writer, folder)
                if with_recordings:
                    saved.missing = _add_recordings(writer, hive.archive, ledger.db)
                writer.close()
            if not with_recordings:
                _, saved.left_bytes = _count_recordings(ledger.db)
    return saved


def read_config(path: Path) -> Contents:
    """The files of a config, by their names in a backup. Raises ``OSError`` and
    :class:`~beemon.config.settings.ConfigError`."""
    found = {}
    for file in config.config_files(path):
        name = parcel.MAIN_CONFIG if file == path else f"{parcel.CONFIG}/conf.d/{file.name}"
        content, state = given.read(file)
        found[name] = content, stat.S_IMODE(state.st_mode)
    return found


def _copy_database(archive: Path, folder: Path, progress: Progress) -> None:
    """Copy the database of one moment, and check the copy. Raises ``OSError`` if it is damaged."""
    def tell(_: int, left: int, pages: int) -> None:
        progress.tell("pages of the database copied", pages - left, pages)

    with (
        contextlib.closing(ArchiveReader(archive)) as reader,
        reader.one_moment() as ledger,
        closing(sqlite3.connect(folder / parcel.DATABASE)) as copy,
    ):
        copy.execute("PRAGMA synchronous=OFF")  # an unfinished copy is of no use anyway
        ledger.db.backup(copy, pages=_STEP_PAGES, progress=tell)
    progress.tell("checking the copy of the database")
    if wrong := examination.of_file(folder, progress):
        raise OSError(
            f"the database is damaged ({wrong}); repair it before you save it: "
            "sudo systemctl stop beemon; sudo -u beemon beemon archive rebuild; "
            "sudo systemctl start beemon"
        )


def _about(
    hive: Hive, db: sqlite3.Connection, clock: Clock, configs: Contents, folder: Path, *,
    is_complete: bool,
) -> About:
    (uuid,) = db.execute("SELECT ifnull(max(uuid), '') FROM sound_archive").fetchone()
    (jobs,) = db.execute("SELECT count(*) FROM jobs").fetchone()
    count, size = _count_recordings(db) if is_complete else (0, 0)
    return About(
        format=parcel.FORMAT, layout=parcel.LAYOUT, made_by=f"beemon {__version__}",
        made=moments.iso(clock.now().utc_us), archive=uuid, database_layout=schema.version(db),
        hive=hive.name, archive_path=str(hive.archive), jobs=jobs, recordings=count,
        bytes=size + sum(len(content) for content, _ in configs.values())
        + (folder / parcel.DATABASE).stat().st_size,
    )


def _count_recordings(db: sqlite3.Connection) -> tuple[int, int]:
    """The number of recordings that are not deleted, and their size in bytes."""
    sizes = [row["size"] for row in recordings.kept(db)]
    return len(sizes), sum(sizes)


def _add_database(writer: Writer, folder: Path) -> None:
    path = folder / parcel.DATABASE
    with path.open("rb") as file:
        writer.add(Member(parcel.DATABASE, path.stat().st_size, 0o640, file))


def _add_recordings(writer: Writer, archive: Path, db: sqlite3.Connection) -> list[str]:
    """Add the recordings; return the names of those that are missing."""
    missing = []
    for row in recordings.kept(db):
        path = archive / row["path"]
        try:
            with files.hold_file(path) as file:
                writer.add(Member(row["path"], path.stat().st_size, 0o640, file))
        except FileNotFoundError:  # perhaps it was deleted to make space a moment ago
            missing.append(row["path"])
    return missing
