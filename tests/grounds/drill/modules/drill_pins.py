"""Pins in a worker of the drilled service, with something behind each of them.

gpiozero finds the factory by its entry point. What ails a pin says the panel, the file that
``DRILL_PANEL`` names. Bees pass the beams and the counters all the time; lids open and close.
"""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import lgpio
from gpiozero.pins.mock import MockFactory, MockPin

from tests.grounds.chips import Converter, WiredCells
from tests.grounds.drill import wiring
from tests.grounds.drill.panel import (
    ALL_ONES,
    BLOCKED,
    CHATTERS,
    FAILS,
    HANGS,
    SATURATED,
    STANDS,
    UNPOWERED,
    WELL,
    Panel,
)

STEP_SECONDS = 0.02
PASSAGE_SECONDS = 0.1
CHATTER_SECONDS = 0.0
WORDS = {SATURATED: 0x7FFFFF, ALL_ONES: -1, STANDS: 4000}

PANEL = Panel(Path(os.environ["DRILL_PANEL"]))


class DrillPin(MockPin):
    """A pin that ails as the panel says."""

    def _get_state(self) -> Any:
        suffer(self.number)
        return super()._get_state()

    def _set_state(self, value: float) -> None:
        suffer(self.number)
        if PANEL[self.number] != STANDS:
            super()._set_state(value)


def suffer(pin: int) -> None:
    """Hang or fail, if that is what the pin does."""
    if PANEL[pin] == HANGS:
        PANEL.hang()
    elif PANEL[pin] == FAILS:
        raise lgpio.error("unknown handle")


class Scale(WiredCells):
    """An HX711 that ails as the panel says of its data pin."""

    def __init__(self, factory: Any, clock: int, data: int) -> None:
        super().__init__(factory, clock, data, base=DrillPin)
        self._number = data
        self.conversions = iter(self._weigh, None)

    def level(self) -> bool:
        self.is_connected = PANEL[self._number] != UNPOWERED
        return super().level()

    def _weigh(self) -> int:
        """The next conversion: the hive in a light wind, or what a fault makes of it."""
        return WORDS.get(PANEL[self._number], 4000 + random.randrange(100))


class Input(Converter):
    """An MCP3008 that ails as the panel says of its select pin."""

    def __init__(self, factory: Any, select: int) -> None:
        super().__init__(factory, select)
        self._number = select

    def look(self, channel: int) -> int:
        suffer(self._number)
        if PANEL[self._number] == WELL:
            return random.randrange(400, 500)
        return {SATURATED: 1023}.get(PANEL[self._number], 450)


class DrillFactory(MockFactory):
    """gpiozero's mock factory, wired up."""

    def __init__(self) -> None:
        super().__init__(pin_class=DrillPin)
        self._scales = [Scale(self, clock, data) for clock, data in wiring.SCALES]
        self._input = Input(self, wiring.SELECT)
        for numbers in wiring.PASSAGES:
            pins = [self.pin(number) for number in numbers]
            threading.Thread(target=be_passed, args=(pins,), daemon=True).start()


def be_passed(pins: list[Any]) -> None:
    """A thread: something passes these pins, over and over."""
    first = pins[0]
    while True:
        time.sleep(PASSAGE_SECONDS)
        ailment = PANEL[first.number]
        if any(pin.function != "input" for pin in pins):
            continue
        if ailment == WELL:
            move([(pin, level) for level in (False, True) for pin in pins], STEP_SECONDS)
        elif ailment == CHATTERS:
            move([(first, level) for level in (False, True) * 100], CHATTER_SECONDS)
        elif ailment == BLOCKED:
            move([(first, False)], 0.0)


def move(steps: list[tuple[Any, bool]], pause: float) -> None:
    """Drive the pins, one step after the other."""
    for pin, level in steps:
        (pin.drive_high if level else pin.drive_low)()
        time.sleep(pause)
