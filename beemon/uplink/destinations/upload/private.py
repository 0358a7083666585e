"""Private: files with secrets, which only their owner and group can read."""

from __future__ import annotations

import os
from pathlib import Path

from beemon.uplink.destinations.upload.remote import RemoteError

_MOST = 1 << 20  # bytes


def read_private(file: Path) -> bytes:
    """The content of a file that only its owner and group can read. Raises :class:`RemoteError`."""
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(_MOST)
    except OSError as error:
        raise RemoteError(f"{file} cannot be read: {error.strerror}") from error
    if mode & 0o007:
        raise RemoteError(f"everybody can read {file}; run: sudo chmod o= {file}")
    return content
