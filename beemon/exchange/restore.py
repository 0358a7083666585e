"""Restore: put a backup in the place of an archive and a config, while no service uses them.

Everything is unpacked and checked in a hidden folder of the archive first. Then what is there is
moved to a folder named ``replaced-…``, and the new files are moved in. Nothing is deleted. After a
restore that was interrupted, the same command does it again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from beemon.base import moments
from beemon.base.clock import MACHINE, Clock
from beemon.base.progress import Progress
from beemon.config import files as given
from beemon.config.settings import config_files
from beemon.exchange import parcel
from beemon.exchange.parcel import About, BadBackupError, Member, Reader
from beemon.ledger import events, identity, recordings, starts
from beemon.ledger.identity import JOBS_AHEAD, Known, Memory
from beemon.ledger.ledger import NAME, Ledger, open_reader
from beemon.ledger.tree import printable
from beemon.protocol import socket_file
from beemon.storage import files, lock, reserve, space
from beemon.storage.lock import ArchiveLock

STAGING = ".restoring"
"""The hidden folder of an archive in which a backup is unpacked."""
BEGUN = ".restore-begun"
"""The file of an archive that exists from the first change to the last. It names the backup."""
KIND = "restored"
"""The event that says that this archive comes from a backup."""

_END_SAVED_RUN = (
    "UPDATE runs SET ended_us = ?, ended = ?, ended_why = 'it was saved in a backup'"
    " WHERE run = (SELECT max(run) FROM runs WHERE began IS NOT NULL) AND ended IS NULL"
)
"""The service that ran while it was saved did not crash."""
_PIECE_BYTES = 1 << 20
_STAYS = (
    lock.NAME, reserve.FOLDER, STAGING, BEGUN, socket_file.NAME, "known-archives", "lost+found",
    "replaced-",
)
_OF_SAME = (files.FOLDER, "ledger-damaged-")
"""The recordings of the same archive stay where they are."""


class OtherContentError(OSError):
    """Something else is in the place of the backup, which only ``force`` moves out of the way."""


@dataclass(frozen=True)
class Goal:
    """The places for a backup, and the owner of the files there (None: the present user).

    Without a ``config``, that of the machine stays as it is. ``template`` is the config of a new
    installation, which counts as none.
    """

    archive: Path
    config: Path | None
    memory: Memory | None = None
    template: Path | None = None
    owner: tuple[int, int] | None = None


@dataclass
class Restored:
    """The result: the facts, the folders with the old files, and the files of the config."""

    about: About
    aside: list[Path] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    lost: int = 0
    """The number of recordings in the database that have no file here."""


def restore(
    backup: Path, goal: Goal, progress: Progress, *, force: bool = False, clock: Clock = MACHINE
) -> Restored:
    """Put a backup in its place.

    Raises :class:`~beemon.exchange.parcel.BadBackupError`, :class:`OtherContentError`,
    :class:`~beemon.storage.lock.ArchiveBusyError`, ``OSError`` and
    :class:`~beemon.base.progress.StoppedError`. Before the first change, all these leave the
    archive and the config as they were.
    """
    with backup.open("rb") as file:
        reader = Reader(file, progress)
        _prepare_folder(goal)
        with closing(ArchiveLock(goal.archive)), _unpacked(reader, goal.archive) as folder:
            work = _Restore(goal, reader.about, folder, clock)
            if not (force or work.was_begun()):
                work.check_goal()
            progress.tell("putting the files in their places")
            return work.do()


def _prepare_folder(goal: Goal) -> None:
    """Make the archive's folder if there is none. Raises ``OSError`` for links in it that would
    lead the files of the backup elsewhere."""
    if not goal.archive.is_dir():
        goal.archive.mkdir(mode=0o750)
        if goal.owner:
            os.chown(goal.archive, *goal.owner)
    for name in (lock.NAME, STAGING, BEGUN, files.FOLDER, NAME):
        if (goal.archive / name).is_symlink():
            raise OSError(f"{goal.archive / name} is a link; remove it first")


@contextlib.contextmanager
def _unpacked(reader: Reader, archive: Path) -> Iterator[Path]:
    """A folder with the checked content of the backup, which is deleted afterwards."""
    free = space.measure_space(archive).free_bytes
    if reader.about.bytes > free:
        raise OSError(
            f"the backup needs {reader.about.bytes >> 20} MB, but only {free >> 20} MB are free; "
            f"make space: df -h {archive}"
        )
    folder = archive / STAGING
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        for member in reader.members():
            _unpack(member, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(member: Member, folder: Path) -> None:
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while content := member.content.read(_PIECE_BYTES):
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(member.mode & 0o644)


class _Config:
    """The config in an unpacked backup, and the one that it replaces at ``path``."""

    def __init__(self, unpacked: Path, path: Path) -> None:
        self.folder = path.parent
        self._unpacked, self._path = unpacked, path
        found = (file for file in (unpacked / parcel.CONFIG).rglob("*") if file.is_file())
        self.wanted = {str(file.relative_to(unpacked)): file.read_bytes() for file in found}

    def check_archive(self, archive: Path) -> None:
        """Raise ``OSError`` if with this config the service would use another archive."""
        told = None
        for name in sorted(self.wanted, key=lambda name: (name != parcel.MAIN_CONFIG, name)):
            with contextlib.suppress(ValueError):  # a config with mistakes is restored as it is
                table = tomllib.loads(self.wanted[name].decode("utf-8-sig")).get("archive")
                told = table.get("path", told) if isinstance(table, dict) else told
        if told is not None and Path(str(told)) != archive:
            raise OSError(
                f"in the backup's config the archive is {printable(str(told))}, not {archive}; to "
                "put it there, add --path with that folder"
            )

    def others(self, template: Path | None = None) -> list[Path]:
        """The files on this machine that differ from the wanted ones, or that nobody wants.

        A file that equals the ``template`` is left out.
        """
        ignored = template.read_bytes() if template and template.exists() else None
        return [self._place_of(name) for name, content in self._found().items()
                if content not in (self.wanted.get(name), ignored)]

    def place(self, owner: tuple[int, int] | None) -> list[str]:
        """Put each file in its place; return their names."""
        (self.folder / "conf.d").mkdir(parents=True, exist_ok=True)
        found = self._found()
        for name in sorted(self.wanted):
            if found.get(name) != self.wanted[name]:
                _write_config(self._unpacked / name, self._place_of(name), owner)
        return sorted(self.wanted)

    def _found(self) -> dict[str, bytes]:
        found = {}
        for file in config_files(self._path):
            with contextlib.suppress(FileNotFoundError):
                is_main = file == self._path
                name = parcel.MAIN_CONFIG if is_main else f"{parcel.CONFIG}/conf.d/{file.name}"
                found[name] = given.read(file)[0]
        return found

    def _place_of(self, name: str) -> Path:
        return self._path if name == parcel.MAIN_CONFIG else \
            self.folder / name.removeprefix(f"{parcel.CONFIG}/")


class _Restore:
    """One restore, from its unpacked ``folder`` on."""

    def __init__(self, goal: Goal, about: About, folder: Path, clock: Clock) -> None:
        self._goal, self._about, self._folder, self._clock = goal, about, folder, clock
        self._stamp = f"{moments.to_datetime(clock.now().utc_us):%Y-%m-%d@%H-%M-%SZ}"
        self._result = Restored(about)
        self._is_same = self._find_whether_same()
        wanted = _Config(folder, goal.config) if goal.config else None
        self._config = wanted if wanted and wanted.wanted else None
        if not (folder / parcel.DATABASE).exists():
            raise BadBackupError("it holds no database")
        if self._config:
            self._config.check_archive(goal.archive)

    @property
    def _name(self) -> str:
        return f"{self._about.archive} {self._about.made}\n"

    def was_begun(self) -> bool:
        """Whether a restore of the same backup was interrupted here."""
        begun = self._goal.archive / BEGUN
        return begun.exists() and begun.read_text() == self._name

    def check_goal(self) -> None:
        """Raise :class:`OtherContentError` if something else is there."""
        keep = "to put the backup there and keep the old files under another name, add --force"
        if what := _content(self._goal.archive):
            raise OtherContentError(f"the archive {self._goal.archive} {what}; {keep}")
        if self._config and (other := self._config.others(self._goal.template)):
            raise OtherContentError(f"{other[0]} is not as in the backup; {keep}")

    def do(self) -> Restored:
        """Change the archive and the config."""
        self._prepare_ledger()
        begun = self._goal.archive / BEGUN
        begun.write_text(self._name)
        _sync_all(self._folder)
        files.sync_folder(self._goal.archive)
        self._set_archive_aside()
        self._place_recordings()
        self._place(self._folder / parcel.DATABASE, self._goal.archive / NAME, 0o640)
        if self._config:
            self._move_aside(self._config.others(), self._config.folder)
            self._result.configs = self._config.place(self._goal.owner)
        self._own(self._goal.archive / lock.NAME, 0o640)
        self._remember()
        begun.unlink()
        files.sync_folder(self._goal.archive)
        return self._result

    # The database, before it is in its place

    def _prepare_ledger(self) -> None:
        """Bring the ledger up to date, and enter that it was restored, and what it lost."""
        with closing(Ledger(self._folder, clock=self._clock)) as ledger:
            ledger.prepare()
            with ledger.transaction():
                ledger.db.execute(_END_SAVED_RUN, (self._clock.now().utc_us, starts.STOPPED))
                ledger.begin_run()
                self._result.lost = self._enter_lost(ledger)
                message = f"the archive was restored from the backup of {self._about.made}"
                events.enter(ledger, KIND, message, lost=self._result.lost)
                self._number_jobs(ledger)
                # its changes go on with numbers that were given before
                ledger.db.execute("UPDATE archive SET made_us = ?", (self._clock.now().utc_us,))
                starts.end(ledger, starts.STOPPED)
            ledger.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _enter_lost(self, ledger: Ledger) -> int:
        """Enter the recordings that exist nowhere as deleted."""
        lost = [
            row["recording"] for row in recordings.kept(ledger.db)
            if not any((place / row["path"]).is_file() for place in self._places)
        ]
        now_us = self._clock.now().utc_us
        for number in lost:
            recordings.begin_deletion(ledger, number, now_us)
            recordings.end_deletion(ledger, number, now_us)
        return len(lost)

    @property
    def _places(self) -> list[Path]:
        return [self._folder, *([self._goal.archive] if self._is_same else [])]

    def _find_whether_same(self) -> bool:
        """Whether the backup comes from the archive that is in the place."""
        known = self._goal.memory.known() if self._goal.memory else None
        there = _uuid(self._goal.archive) or (known and known.uuid)
        return there == self._about.archive

    def _number_jobs(self, ledger: Ledger) -> None:
        """Number the next jobs behind those that this archive had after the backup."""
        known = self._goal.memory.known() if self._goal.memory else None
        if known and known.uuid == self._about.archive:
            ledger.db.execute("UPDATE archive SET first_job = ?", (known.jobs + 1,))

    # Into the places

    def _set_archive_aside(self) -> None:
        stays = (*_STAYS, *(_OF_SAME if self._is_same else ()))
        moved = [path for path in self._goal.archive.iterdir() if not path.name.startswith(stays)]
        # The log of the database is moved before it, because a new one must never meet it.
        self._move_aside(sorted(moved, reverse=True), self._goal.archive)

    def _move_aside(self, paths: list[Path], folder: Path) -> None:
        for path in paths:
            aside = self._aside(folder) / path.relative_to(folder)
            aside.parent.mkdir(parents=True, exist_ok=True)
            _move(path, aside)
            files.sync_folder(aside.parent)
            files.sync_folder(path.parent)

    def _aside(self, folder: Path) -> Path:
        found = next((path for path in self._result.aside if path.parent == folder), None)
        if found is None:
            names = (f"replaced-{self._stamp}{f'-{n}' if n > 1 else ''}" for n in count(1))
            found = next(folder / name for name in names if not (folder / name).exists())
            found.mkdir(mode=0o750)
            self._own(found, 0o750)
            self._result.aside.append(found)
        return found

    def _place_recordings(self) -> None:
        root = self._folder / files.FOLDER
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            final = self._goal.archive / path.relative_to(self._folder)
            self._make_folders(final.parent)
            if final.is_file() and files.digest(final) == files.digest(path):
                continue
            if os.path.lexists(final):
                self._move_aside([final], self._goal.archive)
            self._place(path, final, 0o640)

    def _make_folders(self, folder: Path) -> None:
        """Make a folder of recordings. Raises ``OSError`` for a link on the way to it."""
        for each in (*reversed(folder.parents), folder):
            if not each.is_relative_to(self._goal.archive / files.FOLDER):
                continue
            if each.is_symlink():
                raise OSError(f"{each} is a link; remove it, and restore again")
            if not each.is_dir():
                each.mkdir(mode=0o750)
                self._own(each, 0o750)
                files.sync_folder(each.parent)

    def _place(self, path: Path, final: Path, mode: int) -> None:
        self._own(path, mode)
        path.rename(final)
        files.sync_folder(final.parent)

    def _own(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if self._goal.owner:
            os.chown(path, *self._goal.owner, follow_symlinks=False)

    def _remember(self) -> None:
        """Let the service expect this archive in this place."""
        memory = self._goal.memory
        if memory is None or not self._about.archive:
            return
        known = memory.known()
        if known is None or known.uuid != self._about.archive:
            memory.keep(Known(self._about.archive, self._latest_job() + JOBS_AHEAD))
            self._own(Path(str(memory)), 0o640)

    def _latest_job(self) -> int:
        with closing(open_reader(self._goal.archive)) as ledger:
            return int(ledger.db.execute("SELECT ifnull(max(job), 0) FROM jobs").fetchone()[0])


def _move(path: Path, aside: Path) -> None:
    """Move a file or a folder, whose files keep their owners.

    An overlay file system renames files, but no folder of a lower layer (EXDEV).
    """
    try:
        path.rename(aside)
    except OSError as error:
        if error.errno != errno.EXDEV or path.is_symlink() or not path.is_dir():
            raise
        state = path.stat()
        aside.mkdir(mode=0o700)
        for each in sorted(path.iterdir()):
            _move(each, aside / each.name)
        os.chown(aside, state.st_uid, state.st_gid)
        aside.chmod(state.st_mode & 0o777)
        path.rmdir()


def _write_config(source: Path, final: Path, owner: tuple[int, int] | None) -> None:
    """Copy a file of the config, which may be on another disk, and readable for the service."""
    fresh = final.with_name(f".{final.name}.new")
    fresh.unlink(missing_ok=True)
    with fresh.open("xb") as file:
        file.write(source.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod((source.stat().st_mode & 0o644) | 0o640)
    if owner:
        os.chown(fresh, 0, owner[1], follow_symlinks=False)
    fresh.rename(final)
    files.sync_folder(final.parent)


def _content(archive: Path) -> str:
    """The content of an archive, if it is more than the traces of a first start."""
    if not (archive / NAME).exists():
        is_empty = not any(path.is_file() for path in (archive / files.FOLDER).rglob("*"))
        return "" if is_empty else "holds recordings"
    try:
        with closing(open_reader(archive)) as ledger:
            (jobs,) = ledger.db.execute("SELECT count(*) FROM jobs").fetchone()
    except sqlite3.Error:
        return "has a database that cannot be read"
    return f"holds {jobs} jobs" if jobs else ""


def _uuid(archive: Path) -> str | None:
    return identity.at(archive) if (archive / NAME).exists() else None


def _sync_all(folder: Path) -> None:
    for where, _, _ in os.walk(folder):
        files.sync_folder(Path(where))
