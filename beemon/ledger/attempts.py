"""Attempts: the starts that did not get far in this archive, in a small file beside its ledger.

Damage that nobody foresaw may end each start. So a start leaves a line before it opens the ledger,
and one more if it ends by a defect; once the service has run for a while, the file is deleted. A
line that makes no sense counts as none: the file may be damaged too.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import NamedTuple

from beemon.storage import files

log = logging.getLogger(__name__)

NAME = "ledger.starts"
MOST = 2
"""After this number in a row, the next start takes no risk."""

BEGAN, FAILED, RENEWED = "began", "failed", "renewed"
_BYTES = 4096


class Attempts(NamedTuple):
    """Counts of starts in a row that did not get far.

    It also counts those that a defect ended, and notes whether one of them began a new ledger on
    suspicion alone.
    """

    began: int
    failed: int
    renewed: bool


def earlier(archive: Path) -> Attempts:
    """The attempts noted by earlier starts."""
    lines: list[str] = []
    with contextlib.suppress(OSError), (archive / NAME).open("rb") as file:
        lines = file.read(_BYTES).decode("ascii", "replace").splitlines()
    return Attempts(lines.count(BEGAN), lines.count(FAILED), RENEWED in lines)


def note(archive: Path, word: str) -> None:
    """Write a line, durably; if this is impossible, log it."""
    try:
        with (archive / NAME).open("a", encoding="ascii") as file:
            file.write(f"\n{word}\n")
            file.flush()
            os.fsync(file.fileno())
        files.sync_folder(archive)
    except OSError as error:
        log.warning("the start was not counted in %s: %s", archive / NAME, error.strerror)


def clear(archive: Path) -> None:
    """This start got far enough, or the ledger is another one."""
    try:
        (archive / NAME).unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be deleted: %s", archive / NAME, error.strerror)
