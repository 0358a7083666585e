"""Whether the code on disk is still the code that this process runs.

A process that starts later imports the code that is then on disk. dpkg replaces the files of a
package in the order of their names, so ``__init__.py`` comes before the other modules. If it has
not changed, the modules imported so far are the installed ones.
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
