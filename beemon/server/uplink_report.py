"""Uplink report: the state of the uplink, as its process reports it in a file.

The uplink is a service of its own. Its file is beside the folder of this service's socket.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection
from pathlib import Path

from beemon.base.facts import JsonObject, from_json
from beemon.base.status import UplinkStatus
from beemon.system.service import runtime_folder

log = logging.getLogger(__name__)

_LONGEST = 1_000_000  # bytes


def read_report(archive: Path, tables: Collection[str]) -> UplinkStatus | None:
    """The uplink's last report; None if the config has no destination, and there is no report."""
    folder = runtime_folder(archive)
    file = folder.with_name(f"{folder.name}-uplink") / "state.json"
    try:
        return from_json(UplinkStatus, _read(file))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError) as error:
        log.debug("%s cannot be read: %s", file, error)
    return UplinkStatus() if set(tables) - {"uplink"} else None


def _read(file: Path) -> JsonObject:
    """The object in a file of another user, who may put anything there, also a named pipe.

    Raises ``OSError`` and ``ValueError``.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as stream:
        found = json.loads(stream.read(_LONGEST) or b"")
    return found if isinstance(found, dict) else {}
