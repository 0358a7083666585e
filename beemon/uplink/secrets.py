"""Secrets: passwords and keys, which stand in files that few may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from beemon.uplink.contract import NotDeliveredError

_OTHERS = 0o007
_LONGEST = 4096  # bytes


def open_remedy(file: Path | str) -> str:
    """The commands after which the uplink, and nobody outside its group, can read a file."""
    return f"sudo chown root:beemon {file}; sudo chmod 640 {file}"


def making(file: Path | str) -> str:
    """The command that makes a file with these rights."""
    return f"sudo install -m 640 -g beemon /dev/null {file}"


def read_secret(file: Path) -> str:
    """The first line of a file. Raises :class:`NotDeliveredError` as :func:`read_private` does."""
    secret = read_private(file, _LONGEST).partition("\n")[0].strip()
    if not secret:
        raise NotDeliveredError(f"{file} is empty; write the secret in its first line")
    return secret


def read_private(file: Path, most: int) -> str:
    """The text of a file, cut after ``most`` characters.

    Raises :class:`NotDeliveredError` if it cannot be read, or if everybody can read it.
    """
    try:
        # a named pipe would wait for somebody who writes to it
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8-sig") as stream:
            mode = os.fstat(descriptor).st_mode
            if mode & _OTHERS:
                raise NotDeliveredError(f"everybody can read {file}; run: {open_remedy(file)}")
            return stream.read(most) if stat.S_ISREG(mode) else ""
    except FileNotFoundError as error:
        raise NotDeliveredError(
            f"{file} does not exist; make it: {making(file)}; then write the secret in it"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NotDeliveredError(
            f"{file} cannot be read: {reason}; run: {open_remedy(file)}"
        ) from None  # the error of a text encoding has the secret
