"""Time zones: this computer's zone, and zones by name.

The text of a zone is its name, such as ``Europe/Berlin``. A zone without a name has its POSIX rule
instead (``CET-1CEST,M3.5.0,M10.5.0/3``). :func:`named` accepts both.
"""

from __future__ import annotations

import io
import os
import struct
from datetime import UTC, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

SYSTEM = "system"
"""The name for this computer's zone, if it has neither a name nor a rule, and in old ledgers."""

_LOCAL = "etc/localtime"
_DATABASE = "/zoneinfo/"
_SET_IT = "sudo timedatectl set-timezone Europe/Berlin (or your own), then restart beemon"
_INSTALL = "sudo apt install tzdata, then restart beemon"
_CORRECT = "correct TZ in the service's environment (sudo systemctl edit beemon), then restart it"

_NO_ZONE = (ValueError, struct.error, AssertionError, IndexError)
"""The errors of zoneinfo for a file that is not a time zone."""


class Local(NamedTuple):
    """This machine's zone; ``trouble`` says why it is UTC where nobody chose that, and ``remedy``
    what to do."""

    zone: tzinfo
    trouble: str = ""
    remedy: str = ""


def local() -> tzinfo:
    """This computer's time zone; UTC if it has none, as in the C library."""
    return find_local().zone


def find_local(root: Path = Path("/")) -> Local:
    """This machine's zone: by ``TZ`` (see tzset(3)), else by ``/etc/localtime``."""
    given = os.environ.get("TZ")
    if given is None:
        return _of_machine(root)
    name = given.removeprefix(":")
    if name == f"/{_LOCAL}":
        return _of_machine(root)
    if name.startswith("/"):
        found = _of_file(root / name[1:])
        return found._replace(remedy=_CORRECT) if found.trouble else found
    try:
        return Local(named(name or "UTC"))
    except ValueError as error:
        return Local(UTC, f"TZ is {given}, but {error}, so local times are UTC", _CORRECT)


def named(name: str) -> tzinfo:
    """The zone of a name or of a POSIX rule. Raises ``ValueError`` if it is unknown."""
    if name == SYSTEM:
        return local()
    if name == "UTC":
        return UTC  # also where no database is installed
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        pass
    try:
        return _by_rule(name)
    except ValueError as error:
        raise ValueError(f'there is no time zone "{name}" on this machine') from error


def _of_machine(root: Path) -> Local:
    name = _linked(root / _LOCAL)
    try:
        return Local(named(name))
    except ValueError:
        return _of_file(root / _LOCAL, name)


def _linked(file: Path) -> str:
    try:
        return str(file.readlink()).partition(_DATABASE)[2]
    except OSError:  # it is not there, or no link
        return ""


def _of_file(file: Path, name: str = "") -> Local:
    """The zone in a file of the database's form (tzfile(5))."""
    try:
        content = file.read_bytes()
        return Local(ZoneInfo.from_file(io.BytesIO(content), _rule_in(content) or SYSTEM))
    except OSError:
        if name:
            why = f'its time zone "{name}" is not known on this machine'
            return Local(UTC, f"{why}, so local times are UTC", _INSTALL)
        return Local(UTC, f"{file} is missing, so local times are UTC", _SET_IT)
    except _NO_ZONE:
        return Local(UTC, f"{file} holds no time zone, so local times are UTC", _SET_IT)


def _rule_in(content: bytes) -> str:
    """The rule for times after the last change that the file lists, at its end."""
    lines = content.rsplit(b"\n", 2)
    return lines[1].decode("ascii", "replace") if len(lines) == 3 else ""


def _by_rule(rule: str) -> ZoneInfo:
    """The zone of a POSIX rule: a file that lists no change, and ends with the rule (RFC 8536)."""
    if not (rule and rule.isascii() and rule.isprintable()):
        raise ValueError("a rule is of ASCII characters")
    head = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    block = head + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    return ZoneInfo.from_file(io.BytesIO(2 * block + f"\n{rule}\n".encode()), rule)
