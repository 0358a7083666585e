"""Uplink report: the state of the uplink, as its process reports it in a file.

The uplink is a service of its own. Its file is beside the folder of this service's socket.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from pathlib import Path

from beemon.base.facts import from_json
from beemon.base.status import UplinkStatus
from beemon.system.service import runtime_folder

log = logging.getLogger(__name__)


def read_report(archive: Path, tables: Collection[str]) -> UplinkStatus | None:
    """The uplink's last report; None if the config has no destination, and there is no report."""
    folder = runtime_folder(archive)
    file = folder.with_name(f"{folder.name}-uplink") / "state.json"
    try:
        return from_json(UplinkStatus, json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        log.debug("%s cannot be read: %s", file, error)
    return UplinkStatus() if set(tables) - {"uplink"} else None
