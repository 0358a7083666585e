"""Switches on GPIO pins, through gpiozero: counters and contacts.

A counter counts what happens between two reads as well: gpiozero calls back at every edge. It
suits beam-break bee counters and tipping-bucket rain gauges; a contact suits a lid switch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from beemon.devices import _pins
from beemon.devices._base import CommonSettings, DeviceError, Measurement, Sensor
from beemon.options import BadOptionError, duration, option


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """A GPIO sensor's options."""

    kind: Literal["counter", "contact"] = option(doc="count edges, or tell open from closed")
    pin: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the pin's GPIO (BCM) number"
    )
    pull: Literal["up", "down", "none"] = option("up", doc="the pin's own resistor")
    active: Literal["high", "low"] | None = option(
        None, doc='the level that counts, with pull = "none"; else the one the pull is not'
    )
    debounce: float = option(0.0, parse=duration, doc="ignore changes this soon after one")

    def __post_init__(self) -> None:
        if (self.pull == "none") != (self.active is not None):
            raise BadOptionError('"active" belongs to pull = "none", and to that alone')


class Driver(Sensor):
    """One pin: a contact (0 or 1), or a counter of the changes to active."""

    crew = "gpio"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._pin: Any = None

    def open(self) -> None:
        self._pin = _pins.take("DigitalInputDevice", self.settings.pin, **self._wiring())
        self._edges = itertools.count(1)
        self._total = self._told = 0
        if self.settings.kind == "counter":
            self._pin.when_activated = self._count

    def close(self) -> None:
        if self._pin is not None:
            self._pin.close()
            self._pin = None

    def read(self) -> Sequence[Measurement]:
        if self._pin is None:
            raise DeviceError(f"GPIO {self.settings.pin} is not open")
        measure: dict[str, Callable[[], Sequence[Measurement]]] = {
            "counter": self._read_counter,
            "contact": self._read_contact,
        }
        return measure[self.settings.kind]()

    def _wiring(self) -> dict[str, Any]:
        return {
            "pull_up": _pins.PULL_UP[self.settings.pull],
            "active_state": _pins.LEVELS[self.settings.active],
            "bounce_time": self.settings.debounce or None,
        }

    def _count(self) -> None:
        """Called in gpiozero's thread at each change to active."""
        self._total = next(self._edges)

    def _read_counter(self) -> Sequence[Measurement]:
        """``count`` since the read before (or open), ``total`` since open."""
        total = self._total
        count, self._told = total - self._told, total
        return [Measurement("count", count, ""), Measurement("total", total, "")]

    def _read_contact(self) -> Sequence[Measurement]:
        return [Measurement("contact", float(self._pin.value), "")]
