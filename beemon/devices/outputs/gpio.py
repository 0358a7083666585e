"""An output on a GPIO pin, through gpiozero: a transistor or relay that switches a light or fan.

While no process holds the pin, its level depends on the kernel and the board. Most boards release
it, so a resistor on the board sets the level. Wire it so that this is the safe state.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from beemon.base.options import option
from beemon.devices import _pins
from beemon.devices._base import Claim, DeviceError, Output, OutputSettings


@dataclass(frozen=True, kw_only=True)
class Settings(OutputSettings):
    """A pin that switches a transistor or a relay: a light, a fan.

    An output returns to its safe state when the service starts or stops, after a crash of its
    process, and when its seconds are over. For about a second after a crash no process drives the
    pin, and its level depends on the board. Wire the pin so that it is also safe when undriven.

        [output.light]
        driver = "gpio"
        pin = 18
        longest = "10m"
    """

    pin: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the pin's GPIO (BCM) number"
    )
    active: Literal["high", "low"] = option(
        "high", doc="the level that switches it on; many relay boards need ``low``"
    )

    @property
    def claims(self) -> list[Claim]:
        return _pins.claims(pin=self.pin)


class Driver(Output):
    """One pin; it is claimed in its safe state, so that it never blinks."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._pin: _pins.OutputPin | None = None

    def absent(self) -> str | None:
        return _pins.absent()

    def open(self) -> None:
        self._pin = _pins.take_output(
            self.settings.pin,
            active_high=self.settings.active == "high",
            initial_value=self.is_safe_on,
        )
        try:
            self.make_safe()
        except DeviceError:
            self.close()
            raise

    def close(self) -> None:
        """Safe first; a pin that cannot be made safe was reported at its last request."""
        super().close()
        if self._pin is not None:
            with suppress(DeviceError):
                self.make_safe()
            _pins.give_back(self._pin)
            self._pin = None

    def set(self, *, on: bool) -> None:
        if self._pin is None:
            raise DeviceError(f"{self.settings.name} is not open")
        with _pins.asked(self.settings.pin):
            self._pin.value = on
            follows = bool(self._pin.value) == on
        if not follows:
            raise DeviceError(f"GPIO {self.settings.pin} does not change its level; check it for "
                              "a short circuit")
