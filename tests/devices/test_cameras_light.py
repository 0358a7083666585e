"""A light that is on while a camera works."""

from __future__ import annotations

import threading
import time

import pytest

gpiozero = pytest.importorskip("gpiozero")
from gpiozero.pins.mock import MockFactory  # noqa: E402

from beemon.devices.cameras._light import Light  # noqa: E402

PIN = 17


@pytest.fixture
def pins():
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def lit(pins):
    return bool(pins.pin(PIN).state)


def test_it_is_on_inside_and_off_otherwise(pins):
    light = Light(PIN, "high", 0.0)
    assert not lit(pins)
    with light.on(threading.Event()):
        assert lit(pins)
    assert not lit(pins)


def test_it_is_dark_when_taken_whatever_it_was(pins):
    gpiozero.DigitalOutputDevice(PIN, initial_value=True).close()
    Light(PIN, "high", 0.0)
    assert not lit(pins)


def test_it_can_be_lit_by_the_low_level(pins):
    light = Light(PIN, "low", 0.0)
    assert lit(pins)  # the level; the light is dark
    with light.on(threading.Event()):
        assert not lit(pins)


def test_it_has_been_on_for_a_while_when_work_begins(pins):
    light = Light(PIN, "high", 0.2)
    begin = time.monotonic()
    with light.on(threading.Event()):
        assert time.monotonic() - begin >= 0.2


def test_who_cancels_need_not_wait(pins):
    cancelled = threading.Event()
    cancelled.set()
    begin = time.monotonic()
    with Light(PIN, "high", 5.0).on(cancelled):
        assert time.monotonic() - begin < 4


def test_it_stays_on_until_the_last_has_done(pins):
    light = Light(PIN, "high", 0.0)
    with light.on(threading.Event()):
        with light.on(threading.Event()):
            pass
        assert lit(pins)
    assert not lit(pins)


def test_an_error_inside_leaves_it_dark(pins):
    light = Light(PIN, "high", 0.0)
    with pytest.raises(OSError, match="no picture"), light.on(threading.Event()):
        raise OSError("no picture")
    assert not lit(pins)


def test_closed_it_is_dark_and_the_pin_is_free(pins):
    light = Light(PIN, "high", 0.0)
    with light.on(threading.Event()):
        light.close()
        assert not lit(pins)
    gpiozero.DigitalOutputDevice(PIN).close()
