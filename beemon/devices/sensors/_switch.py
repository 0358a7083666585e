"""A switch on one pin: its options, and how its pulses are counted between two readings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from beemon.base.options import BadOptionError, duration, option
from beemon.devices import _pins
from beemon.devices._base import Claim, CommonSettings, DeviceError, Measurement, Refusal, Sensor
from beemon.devices._lines import Lines
from beemon.devices.sensors._pulses import Pulses


@dataclass(frozen=True, kw_only=True)
class SwitchSettings(CommonSettings):
    """The options of a switch: its pin, and its active level."""

    pin: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the pin's GPIO (BCM) number"
    )
    pull: Literal["up", "down", "none"] = option("up", doc="the pin's own resistor")
    active: Literal["high", "low"] | None = option(
        None,
        doc='the active level, only with ``pull = "none"``. With a resistor, the opposite of the '
        "resistor's level is active",
    )

    def __post_init__(self) -> None:
        if (self.pull == "none") != (self.active is not None):
            raise BadOptionError('"active" can only be combined with pull = "none"')

    @property
    def claims(self) -> list[Claim]:
        return _pins.claims(pin=self.pin)

    @property
    def active_level(self) -> str:
        """``high`` or ``low``."""
        return self.active or {"up": "low", "down": "high"}[self.pull]


@dataclass(frozen=True, kw_only=True)
class CounterSettings(SwitchSettings):
    """The options of a switch whose pulses are counted."""

    debounce: float = option(
        0.003, parse=duration, doc="debounce time: a counter ignores shorter changes"
    )
    blocked_after: float | None = option(
        None, parse=duration,
        doc="time after which an active counter counts as blocked by dirt; never by default. Its "
        "reading then has no count, with the reason ``blocked``",
    )


class Counter:
    """Counts the pulses of one pin, bounce left out."""

    def __init__(self, settings: CounterSettings) -> None:
        self._settings = settings
        self._lines = Lines([settings.pin], pull=settings.pull, active=settings.active_level)

    def open(self) -> None:
        """Take the pin, and count from now on. Raises :class:`DeviceError`."""
        levels = self._lines.take()
        self._taken = self._active_since = self._lines.now()
        self._pulses = Pulses(levels, self._settings.debounce)
        self._lines.listen(self._pulses)

    def close(self) -> None:
        """Give the pin back; harmless when it is not held."""
        self._lines.close()

    def take(self, quantity: str, unit: str, factor: float = 1.0) -> list[Measurement | Refusal]:
        """The pulses since they were taken before, and the seconds in which they came."""
        if not self._lines.are_open:
            raise DeviceError(f"{self._settings.name} is not open")
        with self._lines.lock:
            now = self._lines.now()
            count = self._pulses.take(now)
            [is_active] = self._pulses.levels
        interval, self._taken = now - self._taken, now
        if count or not is_active:
            self._active_since = now
        said: Measurement | Refusal = Measurement(
            quantity, round(count * factor, 6), unit, raw=count
        )
        if now - self._active_since >= (self._settings.blocked_after or math.inf):
            said = Refusal(
                quantity, unit, "blocked", f"active for {now - self._active_since:.0f} s"
            )
        return [said, Measurement("interval", round(interval, 3), "s")]


class CountingSensor(Sensor):
    """A sensor on a pin whose pulses are counted while it is open."""

    group = "gpio"
    settings: CounterSettings

    def __init__(self, settings: CounterSettings) -> None:
        super().__init__(settings)
        self._counter = Counter(settings)

    def absent(self) -> str | None:
        return _pins.absent()

    def open(self) -> None:
        self._counter.open()

    def close(self) -> None:
        self._counter.close()
