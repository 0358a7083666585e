"""Kept: small files of the uplink, replaced at once, so that a power cut tears none."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.base.replacing import replace_file, sync_folder


def read(file: Path) -> JsonObject:
    """The object in a file; an empty one if it is missing or damaged."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write(file: Path, content: JsonObject, *, mode: int = 0o600, durably: bool = True) -> None:
    """Replace a file by an object. Raises ``OSError``."""
    write_text(file, json.dumps(content), mode=mode, durably=durably)


def write_text(file: Path, text: str, *, mode: int = 0o600, durably: bool = True) -> None:
    """Replace a file by a text. Raises ``OSError``."""
    replace_file(file, text.encode(), mode, durably=durably)
    if durably:
        sync_folder(file.parent)


class Keeper:
    """Keeps one file as long as the disk allows. A full or read-only disk is its ``trouble``.

    ``loss`` says what this means for the owner.
    """

    def __init__(self, file: Path, loss: str) -> None:
        self.file, self._loss = file, loss
        self.trouble: str | None = None

    def keep(self, content: JsonObject) -> bool:
        """Replace the file durably; whether it was written."""
        try:
            write(self.file, content)
        except OSError as error:
            self.trouble = (
                f"{self.file} cannot be written: {error.strerror}; {self._loss}; make room, or "
                f"see: findmnt -T {self.file.parent}"
            )
            return False
        self.trouble = None
        return True


def hold(folder: Path) -> int:
    """Have a folder alone until this process ends; a descriptor that holds it. Raises ``OSError``.

    The folder itself is locked, so that a read-only or full disk does not matter.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BlockingIOError(
            errno.EWOULDBLOCK, f"another uplink uses {folder}; stop that one first"
        ) from None
    return descriptor
