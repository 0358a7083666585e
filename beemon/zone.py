"""Which time zone the clock on the wall here follows."""

from __future__ import annotations

import os
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

SYSTEM = "system"
"""Stands for a zone without a name of its own: the C library's, whatever it is."""

_LOCAL = "etc/localtime"
_DATABASE = "/zoneinfo/"


def local_name(root: Path = Path("/")) -> str:
    """The name of the machine's zone, such as ``Europe/Berlin``; :data:`SYSTEM` without one."""
    try:
        name = os.environ.get("TZ") or str((root / _LOCAL).readlink()).partition(_DATABASE)[2]
        named(name)
    except (OSError, ValueError):
        return SYSTEM
    return name


def named(name: str) -> tzinfo | None:
    """The zone of this name; None for the system's. Raises ``ValueError`` where it is unknown."""
    if name == SYSTEM:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f'no time zone "{name}" is known here') from error
