"""A switch on one pin: its options, and how its pulses are counted between two readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from beemon.devices import _pins
from beemon.devices._base import CommonSettings, DeviceError
from beemon.devices._lines import Lines
from beemon.devices.sensors._pulses import Pulses
from beemon.options import BadOptionError, option


@dataclass(frozen=True, kw_only=True)
class SwitchSettings(CommonSettings):
    """The options of a switch: where it is, and which level counts."""

    pin: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the pin's GPIO (BCM) number"
    )
    pull: Literal["up", "down", "none"] = option("up", doc="the pin's own resistor")
    active: Literal["high", "low"] | None = option(
        None, doc='the level that counts, with pull = "none"; else the one the pull is not'
    )

    def __post_init__(self) -> None:
        if (self.pull == "none") != (self.active is not None):
            raise BadOptionError('"active" belongs to pull = "none", and to that alone')

    @property
    def active_level(self) -> str:
        """``high`` or ``low``."""
        return self.active or {"up": "low", "down": "high"}[self.pull]


class Counter:
    """Counts the pulses of one pin, bounce left out. ``debounce`` is in seconds."""

    def __init__(self, settings: SwitchSettings, debounce: float) -> None:
        self._name, self._debounce = settings.name, debounce
        self._lines = Lines([settings.pin], pull=settings.pull, active=settings.active_level)

    def open(self) -> None:
        """Take the pin, and count from now on. Raises :class:`DeviceError`."""
        levels = self._lines.take()
        self._taken = self._lines.now()
        self._pulses = Pulses(levels, self._debounce)
        self._lines.listen(self._pulses)

    def close(self) -> None:
        """Give the pin back; harmless when it is not held."""
        self._lines.close()

    def take(self) -> tuple[int, float]:
        """The pulses since they were taken before, and the seconds in which they came."""
        if not self._lines.are_open:
            raise DeviceError(f"{self._name} is not open")
        with self._lines.lock:
            now = self._lines.now()
            count = self._pulses.take(now)
        interval, self._taken = now - self._taken, now
        return count, round(interval, 3)
