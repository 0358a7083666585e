"""Replacing: give a file another content at once, so that nobody finds a part of it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace_file(
    file: Path, content: bytes, mode: int = 0o600, group: int | None = None, *, durably: bool = True
) -> None:
    """Replace a file, or make it; ``durably``: its content is on the disk before it has the name.

    It gets the ``group``, if this user may give it away. Raises ``OSError``; the old file is as
    before then.
    """
    part = file.with_name(f".{file.name}.{os.urandom(8).hex()}")
    # Root writes into folders of other users: no link that one of them put there is followed.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            if group is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(out.fileno(), -1, group)
            os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            if durably:
                os.fsync(out.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make a folder's entries last through a power cut. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
