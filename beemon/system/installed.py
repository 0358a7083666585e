"""Whether the code on disk is still the code that this process runs.

A process that is started later imports what is on disk by then. dpkg replaces each file of a
package by a new one, ``__init__.py`` before the other modules, as it goes by their names: while
this one is the same, so is what anybody has imported.
"""

from __future__ import annotations

from pathlib import Path

_FILE = Path(__file__).parents[1] / "__init__.py"


def _identity() -> tuple[int, int, int]:
    found = _FILE.stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


_RUNNING = _identity()


def is_replaced() -> bool:
    """Whether another version was installed over this one, or this one was removed."""
    try:
        return _identity() != _RUNNING
    except OSError:
        return True
