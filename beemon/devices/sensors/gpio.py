"""Switches on GPIO pins, through gpiozero: counters and contacts.

A counter counts what happens between two reads as well: it hears every edge. It suits a single
beam; a contact suits a lid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from beemon.base.options import option
from beemon.devices import _pins
from beemon.devices._base import DeviceError, Measurement, Refusal
from beemon.devices.sensors._switch import CounterSettings, CountingSensor


@dataclass(frozen=True, kw_only=True)
class Settings(CounterSettings):
    """A switch on a pin.

    A ``counter`` gives ``count``, how often the switch became active since the reading before, and
    ``interval``, the seconds that this belongs to. A ``contact`` gives ``contact``, whether it is
    active, 1 or 0: a lid.

        [sensor.lid]
        driver = "gpio"
        kind = "contact"
        pin = 22
    """

    kind: Literal["counter", "contact"] = option(doc="count pulses, or tell open from closed")


class Driver(CountingSensor):
    """One pin: a contact (0 or 1), or a counter of the changes to active."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._contact: _pins.InputPin | None = None

    def open(self) -> None:
        if self.settings.kind == "counter":
            super().open()
        else:
            self._contact = _pins.take_input(
                self.settings.pin,
                pull_up=_pins.PULL_UP[self.settings.pull],
                active_state=_pins.LEVELS[self.settings.active],
            )

    def close(self) -> None:
        super().close()
        if self._contact is not None:
            _pins.give_back(self._contact)
            self._contact = None

    def read(self) -> Sequence[Measurement | Refusal]:
        if self.settings.kind == "counter":
            return self._counter.take("count", "")
        if self._contact is None:
            raise DeviceError(f"{self.settings.name} is not open")
        with _pins.asked(self.settings.pin):
            return [Measurement("contact", float(self._contact.value), "")]
