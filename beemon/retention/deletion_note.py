"""Note: a list of the recordings being deleted, for a disk too full to enter it in the ledger.

Deleting recordings helps a full disk. But a deletion begins with an entry in the ledger, and a full
disk cannot take it. Therefore a file of fixed size, with its blocks allocated, is overwritten in
place. Its content is entered in the ledger as soon as possible, at the latest at the next start. A
file system that never writes in place (btrfs) may refuse even this.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection
from pathlib import Path

from beemon.storage import files

NAME = "deleting"
SIZE = 4096


def make(archive: Path) -> None:
    """Make it if there is none. Raises ``OSError``."""
    if not (archive / NAME).exists():
        _write(archive, b"", os.O_CREAT)
        files.sync_folder(archive)


def write(archive: Path, numbers: Collection[int]) -> None:
    """Note these recordings, durably, and no others. Raises ``OSError``."""
    said = " ".join(map(str, numbers)).encode()
    _write(archive, b"%08x %s" % (zlib.crc32(said), said))


def read(archive: Path) -> list[int]:
    """The recordings in the note. Raises ``OSError``.

    A note that a power cut left half written counts as empty. Nothing was deleted by it yet, and
    its numbers could be a mixture of old and new ones.
    """
    try:
        checksum, _, said = (archive / NAME).read_bytes().rstrip().partition(b" ")
    except FileNotFoundError:
        return []
    return [int(word) for word in said.split()] if checksum == b"%08x" % zlib.crc32(said) else []


def _write(archive: Path, content: bytes, how: int = 0) -> None:
    if len(content) > SIZE:
        raise ValueError(f"{len(content)} bytes are too much for a note of {SIZE}")
    descriptor = os.open(archive / NAME, os.O_WRONLY | how, 0o640)
    try:
        os.pwrite(descriptor, content.ljust(SIZE), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
