"""Cache: drawings that can be made again, as files; the ones used least recently are deleted."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


class Cache:
    """A folder of at most ``most`` drawings. If it cannot be written, nothing is kept."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most

    def get(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The drawing of a name; made now if it is not there. May raise what ``make`` raises."""
        file = self._folder / name
        try:
            content = file.read_bytes()
            os.utime(file)
        except OSError:
            content = make()
            with contextlib.suppress(OSError):
                self._keep(file, content)
        return content

    def _keep(self, file: Path, content: bytes) -> None:
        """Write a file at once or not at all: it may be made by two requests."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._forget_oldest()
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as written:
            written.write(content)
        Path(written.name).replace(file)

    def _forget_oldest(self) -> None:
        found = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)
        for file in found[: max(0, len(found) - self._most + 1)]:
            file.unlink(missing_ok=True)
