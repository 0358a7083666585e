"""A scale's load cells on an HX711, clocked pulse by pulse through gpiozero.

This driver is for kernels without a driver for the chip. Nothing can interrupt a kernel driver
within a pulse, so use ``kernel`` if possible. The share of invalid conversions is published, so
that a busy processor is not mistaken for a broken scale.

The output of a load cell is proportional to its supply voltage. The range of the chip is too: it is
half of the supply divided by the gain. The value is the ratio of output to supply, in mV/V. It does
not depend on the supply, and data sheets of load cells state it for full load.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from beemon.base.options import BadOptionError, option
from beemon.devices import _pins
from beemon.devices._base import (
    BadReadingError,
    Claim,
    DeviceError,
    Measurement,
    Sensor,
    SensorSettings,
)
from beemon.devices.sensors.hx711.protocol import BITS, Chip, PulseError, SilentError

TRIES = 5
"""Number of conversions that may be invalid before a sample fails."""
REMEMBERED = 100
"""Number of conversions over which the discard rate is reported."""
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """A scale's load cells on an HX711, clocked from here pulse by pulse.

    Use this driver only if the kernel has none for the chip. If ``modprobe -n hx711`` finds one,
    use ``kernel``, because nothing interrupts its pulses. The driver measures ``bridge``, the
    output of the load cells per volt of supply, in mV/V. ``discarded`` is the share of the latest
    100 conversions that were invalid, in %. A conversion is invalid after a pulse of more than
    50 µs, at saturation, or if all its bits are one.

        [sensor.scale]
        driver = "hx711"
        clock = 5
        data = 6
    """

    clock: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the GPIO (BCM) number at PD_SCK"
    )
    data: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the GPIO (BCM) number at DOUT"
    )
    gain: Literal[128, 64, 32] = option(
        128, doc="128 or 64 for the chip's input A, 32 for input B"
    )
    samples: int = option(
        10, minimum=1, maximum=1000,
        doc="number of conversions in a reading, which is their trimmed mean",
    )

    def __post_init__(self) -> None:
        if self.clock == self.data:
            raise BadOptionError('"clock" and "data" must be two pins')

    @property
    def claims(self) -> list[Claim]:
        return _pins.claims(clock=self.clock, data=self.data)


class Driver(Sensor):
    """One conversion a sample: ``bridge``, and ``discarded``, the share that was thrown away.

    It has a worker of its own, with other scales: a thread that counts bees at the same time
    would stretch its pulses. ``seconds`` and ``sleep`` are the chip's.
    """

    group = "hx711"
    settings: Settings

    def __init__(
        self,
        settings: Settings,
        seconds: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(settings)
        self._seconds, self._sleep = seconds, sleep
        self._devices: list[_pins.Holder] = []
        self._discarded: deque[bool] = deque(maxlen=REMEMBERED)

    def absent(self) -> str | None:
        return _pins.absent()

    def open(self) -> None:
        wanted = self.settings
        try:
            clock = _pins.take_output(wanted.clock, initial_value=False)
            self._devices.append(clock)
            data = _pins.take_input(wanted.data, pull_up=None, active_state=True)
            self._devices.append(data)
            self._chip = Chip(clock.pin, data.pin, wanted.gain, self._seconds, self._sleep)
            with _pins.asked(wanted.clock):
                self._chip.reset()
        except DeviceError:
            self.close()
            raise
        self._choose_gain()

    def close(self) -> None:
        for device in self._devices:
            _pins.give_back(device)
        self._devices = []

    def read(self) -> Sequence[Measurement]:
        if not self._devices:
            raise DeviceError(f"{self.settings.name} is not open")
        counts = self._good_conversion()
        share = counts / 2 ** (BITS - 1) * 0.5 / self.settings.gain
        discarded = 100 * sum(self._discarded) / len(self._discarded)
        return [
            Measurement("bridge", round(share * 1e3, 9), "mV/V", raw=counts, stuck_after=_HOUR),
            Measurement("discarded", round(discarded, 1), "%"),
        ]

    def _choose_gain(self) -> None:
        """After a reset the chip has converted at gain 128, whatever is wanted."""
        try:
            self._conversion()
        except DeviceError:
            return  # the first sample says so

    def _conversion(self) -> int:
        with _pins.asked(self.settings.clock, self.settings.data):
            return self._chip.conversion()

    def _good_conversion(self) -> int:
        tried = 0
        while True:
            tried += 1
            try:
                counts = self._conversion()
            except SilentError:
                self._discarded.append(True)
                raise
            except (PulseError, BadReadingError):
                self._discarded.append(True)
                if tried == TRIES:
                    raise
            else:
                self._discarded.append(False)
                return counts
