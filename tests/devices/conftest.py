"""Pins for the drivers of what is wired to GPIO: gpiozero's mock, in a time that can be told."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def pins():
    """gpiozero's MockFactory. ``now`` is its clock; None lets it go with the real one."""
    gpiozero = pytest.importorskip("gpiozero")
    mock = pytest.importorskip("gpiozero.pins.mock")

    class Pin(mock.MockPin):
        def _call_when_changed(self):
            super(mock.MockPin, self)._call_when_changed(self.factory.ticks(), self._state)

    class Factory(mock.MockFactory):
        now = None

        def ticks(self):
            return time.monotonic() if self.now is None else self.now

    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = Factory(pin_class=Pin)
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before
