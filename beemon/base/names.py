"""Names: the rules for the names of hives and devices, and the name of this machine."""

from __future__ import annotations

import os
import re

from beemon.base.options import BadOptionError, in_toml

IMPORT = "import"
"""The origin of the jobs that bring the files of another monitor."""

_FILE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_DEVICE_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}", re.ASCII)


def is_hive_name(text: str) -> bool:
    """Whether a hive may be called so: it becomes part of file names."""
    return _FILE_WORD.fullmatch(text) is not None


def is_device_word(text: str) -> bool:
    """Whether a device may be called so, behind its kind and a dot."""
    return _DEVICE_WORD.fullmatch(text) is not None


def host_name() -> str:
    """The name of this machine, without its domain."""
    return os.uname().nodename.partition(".")[0]


def sensor_name(value: object) -> str:
    """The name of a sensor. Raises :class:`BadOptionError`."""
    kind, dot, name = value.partition(".") if isinstance(value, str) else ("", "", "")
    if kind != "sensor" or not dot or not is_device_word(name):
        raise BadOptionError(f'must be a sensor such as "sensor.rain", not {in_toml(value)}')
    return f"sensor.{name}"
