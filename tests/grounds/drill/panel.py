"""The panel: a byte for each GPIO pin, which says what ails it; shared with every worker."""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path
from typing import NoReturn

PINS = 32

WELL = ord("-")
HANGS = ord("h")
FAILS = ord("e")
STANDS = ord("s")
"""Nothing moves, and nothing follows."""
CHATTERS = ord("c")
BLOCKED = ord("b")
SATURATED = ord("m")
"""The highest word that there is: of an MCP3008 with no wire as of an HX711 out of its range."""
ALL_ONES = ord("1")
UNPOWERED = ord("u")


class Panel:
    """The bytes, by pin number; who opens the same file sees the same ones.

    Beside it a file tells which process hangs on a pin.
    """

    def __init__(self, path: Path) -> None:
        self._hung = path.with_name("hung")
        if not path.exists():
            path.write_bytes(bytes([WELL]) * PINS)
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), PINS)

    def __getitem__(self, pin: int) -> int:
        return self._bytes[pin]

    def __setitem__(self, pin: int, ailment: int) -> None:
        self._bytes[pin] = ailment
        self._hung.unlink(missing_ok=True)

    def hang(self) -> NoReturn:
        """Never return."""
        self._hung.write_text(str(os.getpid()))
        while True:
            threading.Event().wait()

    def hung(self) -> int | None:
        """The process that hangs since something ails another pin than before, if one does."""
        try:
            return int(self._hung.read_text())
        except (FileNotFoundError, ValueError):
            return None
