"""The accelerometer's driver over the kernel's own: a LIS3DH on the I2C bus, its buffer, a timer.

The chip's registers stand twice, because the kernel's driver sets the upper bit of the address when
it reads several at once (LIS3DH data sheet, section 6.1.1).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import math
import multiprocessing
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceMissingError, Measurement, Refusal, Sensor
from tests.guest.i2c import Chip, bus

TRIGGERS = Path("/sys/kernel/config/iio/triggers/hrtimer")
WHO_AM_I, OUT_X, SEVERAL = 0x0F, 0x28, 0x80
LIS3DH = 0x33
STEP = 0.009806 / 9.80665
"""The kernel's scale of the chip at ± 2 g, in standard gravities: a step is 1 mg."""
SHAKING, HERTZ = 50, 20.0
"""The amplitude of the planted vibration, in steps, and its frequency."""
I2C_SLAVE_FORCE, I2C_SMBUS, WRITE, I2C_BLOCK = 0x0706, 0x0720, 0, 8
"""Of the kernel's <linux/i2c-dev.h> and <linux/i2c.h>."""

Vector = tuple[float, float, float]
UPRIGHT: Vector = (0.0, 0.0, 1000.0)
LYING: Vector = (990.0, 0.0, 139.0)


class Transfer(ctypes.Structure):
    """The argument of ``I2C_SMBUS``."""

    _fields_ = (
        ("is_read", ctypes.c_uint8), ("register", ctypes.c_uint8), ("size", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
    )


class Registers:
    """Registers of the stub, set at once as a chip sets its own."""

    def __init__(self, address: int) -> None:
        self._file = os.open(f"/dev/i2c-{bus()}", os.O_RDWR)
        fcntl.ioctl(self._file, I2C_SLAVE_FORCE, address)

    def set(self, register: int, content: bytes) -> None:
        block = (ctypes.c_uint8 * 34)(len(content), *content)
        transfer = Transfer(WRITE, register, I2C_BLOCK, ctypes.addressof(block))
        fcntl.ioctl(self._file, I2C_SMBUS, transfer)

    def lean(self, steps: Vector) -> None:
        """Let the axes have these accelerations: 12 bits, at the top of 16."""
        content = struct.pack("<hhh", *(round(step) << 4 for step in steps))
        self.set(OUT_X | SEVERAL, content)


def shake(address: int, steps: Vector) -> None:
    """Shake the axis x to and fro for ever."""
    registers, began = Registers(address), time.monotonic()
    for number in itertools.count(1):
        sign = 1 if number % 2 else -1
        registers.lean((steps[0] + sign * SHAKING, *steps[1:]))
        time.sleep(max(0.0, began + number / 2 / HERTZ - time.monotonic()))


@contextlib.contextmanager
def shaken(chip: Chip, steps: Vector) -> Iterator[None]:
    shaking = multiprocessing.Process(target=shake, args=(chip.address, steps), daemon=True)
    shaking.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        shaking.kill()
        shaking.join()


@pytest.fixture
def chip() -> Iterator[Chip]:
    chip = Chip("lis3dh", 0x18)
    chip.set({WHO_AM_I: LIS3DH, WHO_AM_I | SEVERAL: LIS3DH})
    chip.bind()
    yield chip
    chip.unbind()


@pytest.fixture
def timer() -> Iterator[str]:
    folder = TRIGGERS / "beemon"
    folder.mkdir()
    yield folder.name
    folder.rmdir()


def sensor(**options: object) -> Sensor:
    found = load("sensor", "sensor.comb", {
        "driver": "accelerometer", "device": "lis3dh", **options,
    })
    assert isinstance(found, Sensor)
    return found


def read(found: Sensor) -> dict[str, Measurement | Refusal]:
    return {each.quantity: each for each in found.read()}


def level(reading: dict[str, Measurement | Refusal], name: str) -> float:
    found = reading[name]
    assert isinstance(found, Measurement), found
    return found.value


def square(hertz: float, rate: float) -> float:
    """The root mean square of the first harmonic of a square wave of 1, as it is sampled."""
    samples = round(rate / hertz)
    values = [1.0 if number < samples / 2 else -1.0 for number in range(samples)]
    parts = [
        sum(value * wave(2 * math.pi * n / samples) for n, value in enumerate(values))
        for wave in (math.cos, math.sin)
    ]
    return math.hypot(*parts) * 2 / samples / math.sqrt(2)


def test_it_needs_a_trigger_and_names_those_that_there_are(chip: Chip, timer: str) -> None:
    with pytest.raises(DeviceMissingError, match=r"one of: beemon$"):
        sensor().open()


@pytest.mark.parametrize("rate", [200, 400])
def test_a_planted_vibration_has_its_level_in_its_band(chip: Chip, timer: str, rate: int) -> None:
    found = sensor(trigger=timer, rate=rate)
    found.open()
    with shaken(chip, (500.0, 0.0, -866.0)):
        reading = read(found)
    expected = 20 * math.log10(SHAKING * STEP * square(HERTZ, rate) / 1e-3)
    assert level(reading, "vibration_10_30") == pytest.approx(expected, abs=0.5)
    assert level(reading, "vibration_30_100") < expected - 6  # the third harmonic: a ninth of it
    assert level(reading, "tilt") == pytest.approx(150.0, abs=0.5)


def test_each_axis_is_its_own(chip: Chip, timer: str) -> None:
    for up, steps in (("z", UPRIGHT), ("-z", (0.0, 0.0, -1000.0)), ("x", (1000.0, 0.0, 0.0)),
                      ("-y", (0.0, -1000.0, 0.0))):
        found = sensor(trigger=timer, up=up, rate=200, seconds="1s")
        found.open()
        with shaken(chip, steps):
            assert level(read(found), "tilt") == pytest.approx(0.0, abs=0.5), up


def test_a_hive_that_falls_is_seen_at_the_next_reading(chip: Chip, timer: str) -> None:
    found = sensor(trigger=timer, rate=200, seconds="1s")
    found.open()
    for steps, tilt in ((UPRIGHT, 0.0), (LYING, 82.0)):
        with shaken(chip, steps):
            assert level(read(found), "tilt") == pytest.approx(tilt, abs=0.6)


def test_a_chip_that_is_gone_is_a_reason_and_comes_back(chip: Chip, timer: str) -> None:
    found = sensor(trigger=timer, rate=200, seconds="1s")
    found.open()
    chip.unbind()
    with pytest.raises(DeviceMissingError):
        found.read()
    chip.bind()
    found.open()
    with shaken(chip, UPRIGHT):
        assert level(read(found), "tilt") == pytest.approx(0.0, abs=0.5)
