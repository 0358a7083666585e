"""Chips behind gpiozero's mock pins: an HX711 and an MCP3008, as their data sheets have them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from gpiozero.pins.mock import MockPin, MockSPIDevice

MASK = 2**24 - 1
OFF_SECONDS = 60e-6
"""PD_SCK high for longer switches an HX711 off."""
SPI_PINS = (11, 10, 9)
"""Clock, MOSI and MISO; the chip select lines are 8 and 7."""


class Cells:
    """An HX711: what it converts, at which gain, and what is wrong with it."""

    def __init__(self) -> None:
        self.conversions: Iterator[int] = itertools.repeat(1000)
        self.is_connected = True
        self.is_grounded = False
        self.pulses = 0
        self.gains: list[int] = []
        self._word: int | None = None

    def rise(self) -> None:
        """PD_SCK went high: the next bit comes out, or DOUT goes high for good."""
        self.pulses += 1
        if self._word is None:
            self._word = next(self.conversions) & MASK

    def level(self) -> bool:
        """What DOUT shows just now."""
        if self.is_grounded:
            return False
        if not self.is_connected:
            return True
        if self.pulses == 0:
            return False
        if self.pulses <= 24 and self._word is not None:
            return bool(self._word >> (24 - self.pulses) & 1)
        return True

    def idle(self) -> None:
        """Time passes without a pulse: the next conversion is ready."""
        if self.pulses >= 24:
            self.gains.append({1: 128, 2: 32, 3: 64}[self.pulses - 24])
            self.off()

    def off(self) -> None:
        """PD_SCK was high for more than 60 µs: the chip forgets what it was saying."""
        self.pulses, self._word = 0, None


class WiredCells(Cells):
    """Cells on two mock pins; ``stretch`` makes the next pulses that long, in seconds."""

    def __init__(
        self, factory: Any, clock: int, data: int, base: Any = MockPin,
        seconds: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self.seconds, self.sleep = seconds, sleep
        self.stretch: list[float] = []
        factory.pin(clock, pin_class=_clock(self, base))
        factory.pin(data, pin_class=_data(self, base))


def _clock(cells: WiredCells, base: Any) -> type:
    class Clock(base):  # type: ignore[misc]
        _rose_at = 0.0

        def _set_state(self, value: float) -> None:
            before = self._state
            super()._set_state(value)
            if value:
                self._rose_at = cells.seconds()
                cells.rise()
                if cells.stretch:
                    cells.sleep(cells.stretch.pop(0))
            elif before and cells.seconds() - self._rose_at > OFF_SECONDS:
                cells.off()

    return Clock


def _data(cells: WiredCells, base: Any) -> type:
    class Data(base):  # type: ignore[misc]
        _seen = 0

        def _get_state(self) -> bool:
            """A look after the last pulse sees DOUT high; at the one after it, data is ready."""
            super()._get_state()
            if cells.pulses >= 25 and self._seen == cells.pulses:
                cells.idle()
            self._seen = cells.pulses
            return cells.level()

    return Data


class Converter(MockSPIDevice):
    """An MCP3008 (data sheet DS21295, figure 6-1) whose inputs have the numbers in ``inputs``."""

    def __init__(self, factory: Any, select: int = 8) -> None:
        super().__init__(*SPI_PINS, select, pin_factory=factory)
        self.inputs = [0] * 8

    def look(self, channel: int) -> int:
        """What it converts now."""
        return self.inputs[channel]

    def on_bit(self) -> None:
        if self.rx_bit == 12:  # start, single-ended, three bits of the channel: bits 8 to 12
            self.tx_buf = [0, 0]
            self.tx_word(self.look(self.rx_word() & 0b111), 10)
