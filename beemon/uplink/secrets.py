"""Secrets: passwords and keys, which stand in files that few may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.files import OTHERS, making, open_remedy

_LONGEST = 4096  # bytes


def read_secret(file: Path) -> str:
    """The first line of a file. Raises :class:`NotDeliveredError` as :func:`read_private` does."""
    secret = read_private(file, _LONGEST).partition("\n")[0].strip()
    if not secret:
        raise NotDeliveredError(f"{file} is empty; write the secret in its first line")
    return secret


def read_private(file: Path, most: int, content: str = "the secret") -> str:
    """The text of a file, cut after ``most`` characters; ``content`` is its name for a person.

    Raises :class:`NotDeliveredError` if it cannot be read, or if everybody can read it.
    """
    try:
        # a named pipe would wait for somebody who writes to it
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8-sig") as stream:
            mode = os.fstat(descriptor).st_mode
            if mode & OTHERS:
                raise NotDeliveredError(f"everybody can read {file}; run: {open_remedy(file)}")
            return stream.read(most) if stat.S_ISREG(mode) else ""
    except FileNotFoundError as error:
        raise NotDeliveredError(
            f"{file} does not exist; make it: {making(file)}; then write {content} in it"
        ) from error
    except PermissionError as error:
        raise NotDeliveredError(
            f"{file} cannot be read: {error.strerror}; run: {open_remedy(file)}; a person needs "
            "the group beemon too, or sudo"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NotDeliveredError(
            f"{file} cannot be read: {reason}; run: {open_remedy(file)}"
        ) from None  # the error of a text encoding has the secret
