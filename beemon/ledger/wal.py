"""The ledger's log (``ledger.db-wal``): its size, and the processes that keep it from emptying.

Changes are first written to the log, and later moved into the ledger. Changes that are newer than
the oldest open reader cannot be moved. The log therefore grows while a program keeps a transaction
open.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from beemon.ledger.ledger import LOG_BYTES, NAME, Ledger
from beemon.protocol.reports import Trouble

MOST_BYTES = 4 * LOG_BYTES
"""A longer log is emptied, or reported: it is some four times what it takes between two times."""
_SPARE_BYTES = 16 * LOG_BYTES  # a disk with less space is left to what has to be written

_READ_LOCKS = range(123, 128)
"""The bytes of ``-shm`` that readers lock (sqlite.org/walformat.html, 2.3.1)."""


def size(archive: Path) -> int:
    """The bytes of the log; 0 if there is none."""
    try:
        return _path(archive).stat().st_size
    except FileNotFoundError:
        return 0


def _path(archive: Path) -> Path:
    return archive / f"{NAME}-wal"


def grow(ledger: Ledger) -> None:
    """Give a log that is shorter its usual size, if there is space enough.

    A commit then overwrites blocks that the file has. If it made the file longer, the file system
    would have to write its journal, too. Zeros are no frames of the log, so SQLite ignores them.
    """
    if size(ledger.archive) >= LOG_BYTES or not _has_space(ledger.archive):
        return
    with suppress(OSError, sqlite3.Error), _path(ledger.archive).open("ab") as file:
        with ledger.transaction():  # nobody else writes at the end of the file meanwhile
            missing = LOG_BYTES - file.seek(0, os.SEEK_END)
            if missing <= 0:
                return
            file.write(bytes(missing))
            file.flush()
        os.fsync(file.fileno())


def _has_space(archive: Path) -> bool:
    found = os.statvfs(archive)
    return found.f_bavail * found.f_frsize >= _SPARE_BYTES


def keep_short(archive: Path, most_bytes: int = MOST_BYTES) -> Trouble | None:
    """Empty a log that has grown too long, as far as readers allow; return the problem if they do
    not.

    Raises ``OSError``, ``sqlite3.Error``.
    """
    if size(archive) <= most_bytes:
        return None
    _empty(archive)
    now = size(archive)
    return trouble(archive, now) if now > most_bytes else None


def _empty(archive: Path) -> None:
    """Move the log into the ledger; nobody waits for it, so that one try may not be enough."""
    uri = f"{(archive / NAME).absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=0.0, isolation_level=None)) as db:
        for how in ("PASSIVE", "TRUNCATE"):  # the second only waits for what the first left
            db.execute(f"PRAGMA wal_checkpoint({how})").fetchone()


def trouble(archive: Path, log_bytes: int) -> Trouble:
    """The problem with a log of this many bytes, and its remedy."""
    says = f"the log of the database has grown to {log_bytes / 1e6:.0f} MB, because"
    holders = list(_holders(archive))
    if not holders:
        return Trouble(
            "ledger-log", f"{says} a program keeps a transaction open in it",
            f"find and end it: sudo fuser -v {archive / NAME}-shm",
        )
    named = ", ".join(f"{name} (process {pid})" for pid, name in holders)
    keeps = "keep" if len(holders) > 1 else "keeps"
    return Trouble(
        "ledger-log", f"{says} {named} {keeps} a transaction open in it",
        f"end it: sudo kill -KILL {' '.join(str(pid) for pid, _ in holders)}",
    )


def _holders(archive: Path) -> Iterator[tuple[int, str]]:
    """The processes that read the ledger now, as far as the kernel shows them."""
    try:
        inode = (archive / f"{NAME}-shm").stat().st_ino
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return
    seen = set()
    for line in lines:
        words = line.split()  # 1: POSIX ADVISORY READ 4711 fe:01:131 124 124
        if len(words) != 8 or not words[5].endswith(f":{inode}") or not words[6].isdigit():
            continue
        pid = int(words[4])
        if int(words[6]) in _READ_LOCKS and words[3] == "READ" and pid not in seen:
            seen.add(pid)
            yield pid, _name(pid)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "a program"
