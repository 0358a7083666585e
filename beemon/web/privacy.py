"""Privacy: replies to viewers, without the position of the hive and the paths of recordings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = frozenset({
    "latitude", "longitude", "position", "place",
    "recording", "leftover", "uploaded", "forgotten", "path", "temporary", "final", "source",
})
"""Members of an object that name a place, a file or a folder."""

_FILE = re.compile(r"[^\s\"']*recordings/[^\s\"']+")


def for_viewer(told: Any, *, kept: frozenset[str] = frozenset()) -> Any:
    """JSON without hidden members (but those ``kept``), and with no path in a text."""
    if isinstance(told, Mapping):
        return {
            name: for_viewer(value) for name, value in told.items()
            if name not in HIDDEN or name in kept
        }
    if isinstance(told, list | tuple):
        return [for_viewer(one, kept=kept) for one in told]
    return _FILE.sub("…", told) if isinstance(told, str) else told
