"""Names that the simulated hive knows, in most requests: else nearly all would be for nothing."""

from __future__ import annotations

import random
from typing import Any

import schemathesis

KNOWN = {
    "device": ("sensor.brood", "microphone.brood", "camera.entrance"),
    "quantity": ("temperature", "humidity", "weight", "level"),
    "job": (1, 2, 3, 4),
}


def _named(given: Any) -> Any:
    """The parameters, with a known name in the place of most others that are valid names."""
    if not isinstance(given, dict):
        return given
    chance = random.Random(repr(sorted(given.items(), key=str)))
    return {
        name: chance.choice(KNOWN[name]) if name in KNOWN and chance.random() < 0.8 else value
        for name, value in given.items()
    }


@schemathesis.hook
def map_query(_context: Any, query: Any) -> Any:
    return _named(query)


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
    return _named(path_parameters)
