"""Names: the rules for the names of hives and devices."""

from __future__ import annotations

import re

_FILE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_DEVICE_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}", re.ASCII)


def is_hive_name(text: str) -> bool:
    """Whether a hive may be called so: it becomes part of file names."""
    return _FILE_WORD.fullmatch(text) is not None


def is_device_word(text: str) -> bool:
    """Whether a device may be called so, behind its kind and a dot."""
    return _DEVICE_WORD.fullmatch(text) is not None
