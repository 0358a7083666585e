"""Staging: write a folder or file under another name, then rename it, so that it exists complete or
not at all.

The next writer with the same name removes the remains of an interrupted one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beemon.storage import files


@contextmanager
def folder(final: Path) -> Iterator[Path]:
    """A folder to write in, which is renamed to ``final`` at the end, and deleted after an error.

    Raises ``FileExistsError`` if ``final`` exists already, and ``OSError``.
    """
    if os.path.lexists(final):
        raise FileExistsError(f"{final} exists already; name another folder with --output")
    final.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(final) as written:
        yield written
        _sync(written)
        written.chmod(0o777 & ~_umask())
        written.rename(final)
        files.sync_folder(final.parent)


@contextmanager
def file(final: Path) -> Iterator[Path]:
    """A folder to write in. Of it, the file with the name of ``final`` is moved there at the end;
    the rest is deleted. Only its owner may read it.

    Raises ``FileExistsError`` if ``final`` exists already, and ``OSError``.
    """
    refused = FileExistsError(f"{final} exists already; name another file")
    if os.path.lexists(final):
        raise refused
    with _unfinished(final) as written:
        yield written
        made = written / final.name
        made.chmod(0o600)
        _sync(written)
        try:
            os.link(made, final)  # unlike a new name, it never replaces a file
        except FileExistsError:
            raise refused from None
        except OSError:  # FAT has no links
            made.rename(final)
        files.sync_folder(final.parent)
        shutil.rmtree(written)


@contextmanager
def _unfinished(final: Path) -> Iterator[Path]:
    """A new hidden folder beside ``final``, which is deleted after an error."""
    _remove_abandoned(final)
    written = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent))
    held = os.open(written, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        yield written
    except BaseException:
        shutil.rmtree(written, ignore_errors=True)
        raise
    finally:
        os.close(held)


def _remove_abandoned(final: Path) -> None:
    """One that is at work holds a lock on its folder, which ends with the process."""
    for left in final.parent.glob(f".{final.name}.*.part"):
        found = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(left)
        finally:
            os.close(found)


def _sync(written: Path) -> None:
    for where, _, names in os.walk(written):
        for name in names:
            with (Path(where) / name).open("rb") as file:
                os.fsync(file.fileno())
        files.sync_folder(Path(where))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
