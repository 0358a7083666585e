"""The protocol of the HX711, a load cell's converter, over two pins (Avia HX711 data sheet).

The chip pulls DOUT low when a conversion is ready. Each pulse on PD_SCK shifts out one bit, the
highest first. The pulses after the 24th select the next conversion, and DOUT is high after the
25th. A pulse longer than 60 µs switches the chip off. Python cannot guarantee a short pulse,
because the scheduler may interrupt it. Therefore each pulse is timed, and after one that is too
long the conversion is discarded and the chip is reset.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from beemon.devices._base import BadReadingError, DeviceError

BITS = 24
LONGEST_PULSE_SECONDS = 50e-6
"""The longest high time of PD_SCK by the data sheet; from 60 µs on the chip is off."""
READY_SECONDS = 1.0
"""Maximum time of a conversion: 0.1 s at 10 per second, and 0.4 s more after power-up."""
SETTLE_SECONDS = 0.4
"""After power-up, until the output is settled (at 10 conversions a second)."""
OFF_SECONDS = 120e-6
"""Time for which PD_SCK is high to switch the chip off with certainty."""
POLL_SECONDS = 0.001
PULSES = {128: 1, 32: 2, 64: 3}
"""Pulses after the last bit, by the gain that they choose; 32 is the chip's input B."""


class Pin(Protocol):
    """A pin, as gpiozero has it."""

    state: float


class PulseError(DeviceError):
    """A pulse took so long that the chip may have switched itself off."""

    reason = "pulse-too-long"


class SilentError(DeviceError):
    """The chip does not convert, or does not follow the clock."""

    reason = "io-error"


class Chip:
    """Reads conversions. ``seconds`` is a clock fine enough for pulses, ``sleep`` goes with it."""

    def __init__(
        self,
        clock: Pin,
        data: Pin,
        gain: int,
        seconds: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._data = clock, data
        self._trailing = PULSES[gain]
        self._seconds, self._sleep = seconds, sleep
        self._settled_at = 0.0

    def reset(self) -> None:
        """Switch the chip off and on again; conversions before it has settled are not used."""
        self._clock.state = 1
        self._sleep(OFF_SECONDS)
        self._clock.state = 0
        self._settled_at = self._seconds() + SETTLE_SECONDS

    def conversion(self) -> int:
        """The next conversion, signed.

        Raises :class:`PulseError`, :class:`SilentError`, or BadReadingError for a word that
        measures nothing.
        """
        self._wait_until_ready()
        word = 0
        for _ in range(BITS):
            self._pulse()
            word = word << 1 | bool(self._data.state)
        for _ in range(self._trailing):
            self._pulse()
        if not self._data.state:
            raise SilentError("DOUT stays low after the last bit; check that it is not connected "
                              "to ground")
        return signed(word)

    def _wait_until_ready(self) -> None:
        deadline = self._seconds() + READY_SECONDS
        while self._data.state or self._seconds() < self._settled_at:
            if self._seconds() > deadline:
                raise SilentError(
                    f"no conversion within {READY_SECONDS:g} s: DOUT stays high "
                    "(no power, no wire, or the wrong pins)"
                )
            self._sleep(POLL_SECONDS)

    def _pulse(self) -> None:
        """One pulse. Both edges are within the time that is measured."""
        began = self._seconds()
        self._clock.state = 1
        self._clock.state = 0
        taken = self._seconds() - began
        if taken > LONGEST_PULSE_SECONDS:
            self.reset()  # it may be off, or somewhere in the middle of a word
            raise PulseError(f"a clock pulse took up to {taken * 1e6:.0f} µs")


def signed(word: int) -> int:
    """The number in a conversion's two's complement word.

    Raises BadReadingError for the words that measure nothing. Both ends of the range mean
    saturation. All ones is the word on DOUT if the chip has no power, sleeps or is missing. Of the
    2**24 words, -1 is the only valid one that is lost by this.
    """
    half = 1 << (BITS - 1)
    if word == 2 * half - 1:
        raise BadReadingError(
            "all-ones", "the HX711 returned only ones; check its power and its wires"
        )
    if word in (half - 1, half):
        raise BadReadingError("out-of-range", "the HX711 is at the end of its range")
    return word - 2 * half if word >= half else word
