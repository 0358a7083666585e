"""``beemon backup`` and ``beemon restore``: save the hive's data in one file, and put it back."""

from __future__ import annotations

import argparse
import os
import pwd
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_WRONG, layout, places, times
from beemon.cli import archive as here
from beemon.cli.manual import HERE
from beemon.cli.numbers import amount
from beemon.cli.parser import add_utc
from beemon.cli.shortcut import DEFAULT_CONFIG

if TYPE_CHECKING:
    from beemon.base.progress import Progress
    from beemon.exchange.backup import Saved
    from beemon.exchange.restore import Goal, Restored


_TEMPLATE = Path("/usr/share/beemon/beemon.toml")
_STOP = "sudo systemctl stop beemon"
_SECRETS = "Not in it: the token file, and the password and the certificate of the page."


def add_words(words: Any) -> None:
    """Add the words of this module to those of ``beemon``."""
    backup = words.add_parser(
        "backup", usage="beemon backup FILE [OPTION…]", description=here.sentence(HERE["backup"]),
        epilog="The file may be read by you alone: the config can hold the hive's position. "
               f"{_SECRETS} Example: beemon backup hive.tar.gz",
    )
    backup.add_argument("file", metavar="FILE", type=Path, help="the new file (tar.gz)")
    backup.add_argument(
        "--recordings", action="store_true", help="save the recordings too, which are large"
    )
    here.add_path(backup)
    backup.set_defaults(run=save)
    restore = words.add_parser(
        "restore", usage="beemon restore FILE [OPTION…]",
        description=here.sentence(HERE["restore"]),
        epilog="The backup is checked before anything is changed. Nothing is deleted: with "
               "--force, the old files are moved to a folder named `replaced-…`.",
    )
    restore.add_argument("file", metavar="FILE", type=Path, help="a file made by `beemon backup`")
    restore.add_argument(
        "--force", action="store_true",
        help="move an archive and a config that are there out of the way",
    )
    restore.add_argument(
        "--no-config", action="store_true", help="leave the config on this machine as it is"
    )
    add_utc(restore)
    here.add_path(restore)
    restore.set_defaults(run=put_back)


def save(options: argparse.Namespace) -> int:
    """``beemon backup``: 0 where the file is there now, else 1."""
    import sqlite3

    from beemon.cli import long_work
    from beemon.config.settings import ConfigError

    try:
        archive = here.archive_of(options)
        _look(archive, options.file)
        saved = long_work.run(
            partial(_save, archive, options),
            f"stopped; the unfinished {options.file} was deleted",
        )
    except (ConfigError, OSError, sqlite3.Error) as error:
        layout.complain(here.told(error))
        return EXIT_WRONG
    _print_saved(saved, options)
    return 0


def _look(archive: Path, file: Path) -> None:
    """Raise ``OSError`` if there is nothing to save, or no place for the file."""
    if not (archive / here.LEDGER).exists():
        raise OSError(f"no archive is in {archive}; name another folder: --path DIR")
    if not os.access(file.absolute().parent, os.W_OK | os.X_OK):
        raise OSError(f"{file.absolute().parent}: you may not write there; name another file")


def _save(archive: Path, options: argparse.Namespace, progress: Progress) -> Saved:
    from beemon.config import settings as config
    from beemon.exchange import backup

    is_meant = options.path is None or str(options.config) != DEFAULT_CONFIG
    source = options.config if is_meant and options.config.exists() else None
    try:
        name = config.load(source).hive.name if source else ""
    except config.ConfigError:  # it is saved as it is
        name = ""
    hive = backup.Hive(archive, name or "hive", source)
    return backup.save(hive, options.file, progress, with_recordings=options.recordings)


def _print_saved(saved: Saved, options: argparse.Namespace) -> None:
    about, size = saved.about, options.file.stat().st_size
    configs = f"{len(saved.configs)} config file{'s' if len(saved.configs) != 1 else ''}"
    layout.say(
        f"{options.file}: {amount(size, 'B')}. It holds the database ({about.jobs} jobs), "
        f"{configs} and {about.recordings - len(saved.missing)} recordings."
    )
    if not saved.configs:
        layout.say("No config was saved; name it with --config FILE.")
    if saved.left_bytes:
        layout.say(
            f"The recordings ({amount(saved.left_bytes, 'B')}) are not in it; --recordings "
            "saves them too."
        )
    for path in saved.missing:
        layout.say(f"{path} no longer exists.")
    layout.say(_SECRETS, f"To put it back: sudo beemon restore {shlex.quote(str(options.file))}")


def put_back(options: argparse.Namespace) -> int:
    """``beemon restore``: 0 where everything is in its place, else 1."""
    import sqlite3

    from beemon.cli import long_work
    from beemon.exchange.parcel import BadBackupError
    from beemon.exchange.restore import restore
    from beemon.storage.lock import ArchiveBusyError

    try:
        goal = _goal(options)
        restored = long_work.run(
            lambda progress: restore(options.file, goal, progress, force=options.force),
            "stopped; nothing was changed",
        )
    except BadBackupError as error:
        layout.complain(f"{options.file}: {error}; nothing was changed")
        return EXIT_WRONG
    except ArchiveBusyError:
        layout.complain(f"the service is running; stop it first: {_STOP}")
        return EXIT_WRONG
    except (OSError, sqlite3.Error) as error:
        layout.complain(here.told(error))
        _advise(options)
        return EXIT_WRONG
    _print_restored(restored, goal)
    return 0


def _goal(options: argparse.Namespace) -> Goal:
    """The places for the content of a backup. Raises ``OSError``."""
    from beemon.config import settings as config
    from beemon.exchange.restore import Goal
    from beemon.ledger.identity import Memory

    if options.path is None and not options.config.exists():
        archive = places.packaged_archive() or config.default_archive()
    else:
        archive = here.archive_of(options)
    is_packaged = str(options.config) == DEFAULT_CONFIG
    memory = places.packaged_memory() if is_packaged else None
    there = next(folder for folder in (archive, *archive.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise OSError(f"{there}: you may not write there; run the command with sudo")
    return Goal(
        archive, None if options.no_config else options.config.absolute(),
        Memory(memory or config.memory_file(), archive),
        _TEMPLATE if is_packaged else None, _owner(archive),
    )


def _owner(archive: Path) -> tuple[int, int] | None:
    """The owner of the archive's files, if they are to be given away: by root."""
    if os.geteuid() != 0:
        return None
    found = archive.stat() if archive.is_dir() else None
    if found and found.st_uid != 0:
        return found.st_uid, found.st_gid
    try:
        user = pwd.getpwnam("beemon")
    except KeyError:
        return None
    return user.pw_uid, user.pw_gid


def _advise(options: argparse.Namespace) -> None:
    """Say what to do after an error that may have come in the middle."""
    from beemon.exchange.restore import BEGUN

    try:
        archive = here.archive_of(options)
    except OSError:
        return
    if (archive / BEGUN).exists():
        layout.complain("the restore is not complete; solve the problem, and restore again")


def _print_restored(restored: Restored, goal: Goal) -> None:
    about = restored.about
    layout.say(
        f"{goal.archive} is now the archive of hive {about.hive}, as of "
        f"{times.text(about.made)}, with {about.jobs} jobs and {about.recordings} recordings."
    )
    if restored.lost:
        layout.say(f"{restored.lost} recordings are not in the backup and count as deleted.")
    for folder in restored.aside:
        layout.say(f"The old files are in {folder}.")
    if goal.config and restored.configs:
        layout.say(f"The config is in {goal.config.parent}.")
        _print_missing_token(goal.config)
    layout.say(f"Next: {_next(goal)}")


def _print_missing_token(path: Path) -> None:
    from beemon.config import settings as config

    try:
        file = config.load(path).server.token_file
    except config.ConfigError as error:
        layout.say(f"The config has problems: {error.problems[0]}")
        return
    if file and not file.exists():
        layout.say(f"The token file {file} was not in the backup; create it again.")


def _next(goal: Goal) -> str:
    if goal.archive == places.packaged_archive():
        return "sudo systemctl start beemon"
    if goal.config is None or str(goal.config) == DEFAULT_CONFIG:
        return f"beemon archive check --path {shlex.quote(str(goal.archive))}"
    return f"beemon serve --config {shlex.quote(str(goal.config))}"
