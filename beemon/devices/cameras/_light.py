"""A light that is on while a camera works: infra-red, for the night and for the inside of hives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import Literal

from beemon.devices import _pins


class Light:
    """Switched by a pin; dark when the pin is taken, whatever it was before, and when it is freed.

    Several captures may want it at once.
    """

    def __init__(self, pin: int, active: Literal["high", "low"], lead: float) -> None:
        self._lead = lead
        self._users = 0
        self._lit_at = 0.0
        self._lock = Lock()
        self._pin = _pins.take_output(pin, active_high=active == "high", initial_value=False)

    @contextmanager
    def on(self, cancelled: Event) -> Iterator[None]:
        """Lit inside; begins when it has been on for ``lead`` seconds: cameras adapt slowly."""
        self._take()
        try:
            cancelled.wait(max(0.0, self._lit_at + self._lead - time.monotonic()))
            yield
        finally:
            self._give_back()

    def close(self) -> None:
        """Dark, and the pin free."""
        self._pin.off()
        self._pin.close()

    def _take(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                with _pins.asked():
                    self._pin.on()
                self._lit_at = time.monotonic()

    def _give_back(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and not self._pin.closed:
                self._pin.off()
