"""Switches on GPIO pins, through gpiozero: counters and contacts.

A counter counts what happens between two reads as well: it hears every edge. It suits a single
beam; a contact suits a lid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from beemon.devices import _pins
from beemon.devices._base import DeviceError, Measurement, Sensor
from beemon.devices.sensors._switch import Counter, SwitchSettings
from beemon.options import duration, option


@dataclass(frozen=True, kw_only=True)
class Settings(SwitchSettings):
    """A GPIO sensor's options."""

    kind: Literal["counter", "contact"] = option(doc="count pulses, or tell open from closed")
    debounce: float = option(
        0.003, parse=duration, doc="how long a change must last for a counter, to be no bounce"
    )


class Driver(Sensor):
    """One pin: a contact (0 or 1), or a counter of the changes to active."""

    crew = "gpio"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._counter = Counter(settings, settings.debounce)
        self._contact: Any = None

    def open(self) -> None:
        if self.settings.kind == "counter":
            self._counter.open()
        else:
            self._contact = _pins.take(
                "InputDevice",
                self.settings.pin,
                pull_up=_pins.PULL_UP[self.settings.pull],
                active_state=_pins.LEVELS[self.settings.active],
            )

    def close(self) -> None:
        self._counter.close()
        if self._contact is not None:
            self._contact.close()
            self._contact = None

    def read(self) -> Sequence[Measurement]:
        if self.settings.kind == "counter":
            count, interval = self._counter.take()
            return [Measurement("count", count, ""), Measurement("interval", interval, "s")]
        if self._contact is None:
            raise DeviceError(f"{self.settings.name} is not open")
        return [Measurement("contact", float(self._contact.value), "")]
