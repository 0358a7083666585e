"""Secrets: passwords and keys, which stand in files that few may read."""

from __future__ import annotations

from pathlib import Path

from beemon.uplink.contract import NotDeliveredError

_OTHERS = 0o007
_LONGEST = 4096  # bytes


def read_secret(file: Path) -> str:
    """The first line of a file. Raises :class:`NotDeliveredError` if it cannot be read, or if
    everybody can read it."""
    try:
        with file.open(encoding="utf-8") as stream:
            if stream_mode(stream.fileno()) & _OTHERS:
                raise NotDeliveredError(f"everybody can read {file}; run: sudo chmod o= {file}")
            text = stream.read(_LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise NotDeliveredError(
            f"{file} cannot be read: {error}; run: sudo chown root:beemon {file}; "
            f"sudo chmod 640 {file}"
        ) from error
    secret = text.partition("\n")[0].strip()
    if not secret:
        raise NotDeliveredError(f"{file} is empty; write the secret in its first line")
    return secret


def stream_mode(descriptor: int) -> int:
    """The permissions of an open file."""
    import os

    return os.fstat(descriptor).st_mode
