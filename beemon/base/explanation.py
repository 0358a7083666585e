"""Explanation: the meaning of one of beemon's words, and the action that it calls for.

Every reason, error code, finding, quality and state of a device has one. It is printed below a job
that failed, sent with an error, shown by ``beemon help WORD`` and listed in beemon-reasons(7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MAY_READ = "join its group, `sudo adduser $USER beemon`, and log in again; or use sudo"
"""The remedy for a user without the read permissions of the service's group."""


class Explanation(NamedTuple):
    """The ``meaning`` is a clause; the ``remedy`` is the next act: whole sentences."""

    meaning: str
    remedy: str


def meanings(explained: Mapping[str, Explanation]) -> dict[str, str]:
    """Each word with its meaning alone."""
    return {word: explanation.meaning for word, explanation in explained.items()}


def why(error: OSError) -> str:
    """The message of a system error, and the remedy if a permission is missing."""
    said = error.strerror or str(error)
    is_denied = isinstance(error, PermissionError) and error.strerror
    return f"{said}; {MAY_READ}" if is_denied else said
