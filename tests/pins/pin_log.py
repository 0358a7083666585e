"""Pins that keep a log outside the process: what a wire would have seen, whoever held it.

gpiozero finds the factory by its entry point, when this folder is in ``PYTHONPATH`` and
``GPIOZERO_PIN_FACTORY`` is ``pin_log``. Each line of the file ``PIN_LOG`` says when (monotonic),
which process, which pin, and what became of it. While the file ``PIN_LOG``.busy exists, no pin can
be had, as when another process holds them all.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from gpiozero.exc import PinUnknownPi
from gpiozero.pins.mock import MockFactory, MockPin


class LoggedPin(MockPin):
    """Notes its function, and each state it is set to."""

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        self._note(value)

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        self._note(str(int(value)))

    def _note(self, what: str) -> None:
        line = f"{time.monotonic():.6f} {os.getpid()} {self!r} {what}\n"
        log = os.open(os.environ["PIN_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, line.encode())
        os.close(log)


class LoggedFactory(MockFactory):
    """gpiozero's mock factory with logged pins."""

    def __init__(self) -> None:
        super().__init__(pin_class=LoggedPin)

    def pin(self, *arguments: Any, **options: Any) -> Any:
        if Path(f"{os.environ['PIN_LOG']}.busy").exists():
            raise PinUnknownPi("GPIO busy")
        return super().pin(*arguments, **options)
