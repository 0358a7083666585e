"""Recordings on disk: their names, and a write that a power cut cannot leave half done.

A recording is written under a temporary name, checked and hashed. Then the file is synced and
renamed, and its folder is synced. A file with a final name is therefore always complete.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from beemon.base.moments import to_datetime
from beemon.base.values import value_class

FOLDER = "recordings"
TEMPORARY_SUFFIX = ".part"


@value_class
class Place:
    """The temporary path of a recording, and its final path when it is complete."""

    temporary: Path
    final: Path


def find_place(
    archive: Path,
    hive: str,
    device: str,
    suffix: str,
    utc_us: int,
    is_taken: Callable[[Path], bool] = lambda _: False,
) -> Place:
    """A free place for a recording that begins at ``utc_us``; makes the day's folder.

    A name is also given to none that ``is_taken``, though there is no such file.
    """
    moment = to_datetime(utc_us)
    folder = archive / FOLDER / f"{moment:%Y-%m-%d}"
    _make_folder(folder)
    stem = f"{hive}@{moment:%Y-%m-%d@%H-%M-%SZ}"
    for again in range(1, 1000):
        name = f"{stem}{f'-{again}' if again > 1 else ''}.{device}{suffix}"
        found = Place(folder / f".{name}{TEMPORARY_SUFFIX}", folder / name)
        if not (found.final.exists() or found.temporary.exists() or is_taken(found.final)):
            return found
    raise FileExistsError(f"999 recordings of {device} have the name {stem}")


def is_temporary(path: Path) -> bool:
    """Whether it is the name of a recording that is being written."""
    return path.suffix == TEMPORARY_SUFFIX


def keep_file(where: Place) -> tuple[int, str]:
    """Give the finished temporary file its final name for good; return its size and SHA-256.

    Raises ``FileExistsError`` rather than replace a recording.
    """
    with _told_of(where.temporary):
        with where.temporary.open("rb") as file:
            kept = _digest(file)
            os.fsync(file.fileno())
        if where.final.exists():
            raise FileExistsError(errno.EEXIST, "exists already", str(where.final))
        where.temporary.rename(where.final)
        try:
            sync_folder(where.final.parent)
        except OSError:
            where.final.rename(where.temporary)  # its name may be lost, and a second sync would lie
            raise
    return kept


def digest(path: Path) -> tuple[int, str]:
    """The size and the SHA-256 of a file."""
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: BufferedReader) -> tuple[int, str]:
    import hashlib  # it brings OpenSSL, which only who hashes needs to hold

    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return file.tell(), sha256


def discard_if_empty(path: Path) -> int:
    """Remove a file left by a crash if it is empty; return its size in bytes otherwise.

    The removal is durable, even if another process made it. Otherwise a power cut could undo a
    removal that the ledger already states.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = 0
    if size == 0:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)
    return size


def sync_folder(folder: Path) -> None:
    """Make a folder's entries last through a power cut."""
    from beemon.base import replacing  # most starts sync no folder

    with _told_of(folder):
        replacing.sync_folder(folder)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """An error of a read or a sync names no file; with one it is known as the archive's."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for parent in (folder.parent, folder.parent.parent):
            sync_folder(parent)
    except OSError:
        folder.rmdir()  # else the next one would take it for one that lasts
        raise


@contextmanager
def hold_file(path: Path) -> Iterator[BinaryIO]:
    """The file of a recording, open, which is not deleted while this lasts (an upload, a copy).

    It is a shared lock on the file, which any process may take that can read it, and which ends
    with the process. Raises ``OSError``.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        if not os.fstat(file.fileno()).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "was deleted a moment ago", str(path))
        yield file


def is_held(path: Path) -> bool:
    """Whether somebody holds a recording; one whose file cannot be opened, nobody does."""
    try:
        file = path.open("rb")
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
