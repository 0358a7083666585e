"""The chips on I2C buses that the kernel does not read yet.

Only the addresses of known chips are tried, and each with one read. The bus of a monitor is left
alone, and so is an address that the kernel uses.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from beemon.devices.sensors._chips import CHIPS
from beemon.setup.candidates import Candidate, Obstacle
from beemon.setup.machine import Machine, listing, text_of

RESIDENTS = {
    0x23: ("BH1750", "dtoverlay=i2c-sensor,bh1750"),
    0x29: ("TSL2591", CHIPS["tsl2591"].boot),
    0x2A: ("NAU7802", CHIPS["nau7802"].boot),
    0x38: ("AHT10 or AHT20", CHIPS["aht10"].boot),
    0x40: ("HDC1080, Si7021 or HTU21", "dtoverlay=i2c-sensor,htu21"),
    0x44: ("SHT3x or SHT4x", f"{CHIPS['sht3x'].boot}` or `{CHIPS['sht4x'].boot}"),
    0x45: ("SHT3x", f"{CHIPS['sht3x'].boot},addr=0x45"),
    0x48: ("ADS1115 or LM75", "dtoverlay=ads1115"),
    0x62: ("SCD40 or SCD41", CHIPS["scd4x"].boot),
    0x68: ("DS3231 clock", "dtoverlay=i2c-rtc,ds3231"),
    0x76: ("BME280, BMP280 or BME680", CHIPS["bme280"].boot),
    0x77: ("BME280, BMP280 or BME680", f"{CHIPS['bme280'].boot},addr=0x77"),
}
"""By the address: the usual chips there, and the line that makes the kernel read them."""

SENSOR_BUSES = ("bcm2835", "Synopsys DesignWare", "107d508200", "SMBus stub driver")
"""The begin of the names of buses that have pins for sensors."""
_SLAVE, _SMBUS = 0x0703, 0x0720  # <linux/i2c-dev.h>
_READ, _BYTE = 1, 1
_DRIVEN = re.compile(r"\d+-[0-9a-f]{4}")


class _Transfer(ctypes.Structure):
    """``struct i2c_smbus_ioctl_data``."""

    _fields_ = (
        ("read_write", ctypes.c_uint8), ("command", ctypes.c_uint8),
        ("size", ctypes.c_uint32), ("data", ctypes.c_void_p),
    )


def find(machine: Machine) -> Iterator[Candidate | Obstacle]:
    """Each address that answers, and each chip that waits for its driver."""
    buses = [*listing(machine.sys / "bus/i2c/devices", "i2c-[0-9]*")]
    if machine.is_pi and not any(_has_pins(bus) for bus in buses):
        yield Obstacle("a chip on the I2C pins, if there is one", "the bus is off",
                       "sudo raspi-config nonint do_i2c 0")
    for bus in buses:
        yield from _waiting(bus)
        if _has_pins(bus):
            yield from _answering(machine, bus)


def _has_pins(bus: Path) -> bool:
    return text_of(bus / "name").startswith(SENSOR_BUSES)


def _waiting(bus: Path) -> Iterator[Obstacle]:
    """The chips that an overlay names, and that no driver took."""
    for chip in listing(bus, "*-*"):
        if _DRIVEN.fullmatch(chip.name) and not (chip / "driver").exists():
            name = text_of(chip / "name") or "a chip"
            yield Obstacle(f"the chip {name} at {chip.name}", "no driver of the kernel took it",
                           f"sudo dmesg | grep -i -e {chip.name} -e {name}")


def _answering(machine: Machine, bus: Path) -> Iterator[Obstacle]:
    """The addresses of known chips that answer, and that the kernel does not use."""
    number = bus.name.removeprefix("i2c-")
    node = machine.dev / bus.name
    try:
        handle = os.open(node, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield Obstacle(f"the I2C bus {number}", f"there is no {node}", "sudo modprobe i2c-dev")
        return
    except OSError as error:
        yield Obstacle(f"the I2C bus {number}", f"{node}: {error.strerror}",
                       "sudo adduser $USER i2c")
        return
    try:
        for address, (chips, overlay) in RESIDENTS.items():
            is_known = (bus / f"{number}-{address:04x}").exists()
            if not is_known and answers(handle, address):
                yield Obstacle(
                    f"I2C address 0x{address:02x} of bus {number}, usually a {chips}",
                    "it answers, but the kernel does not read it yet",
                    f"Add `{overlay}` to /boot/firmware/config.txt, and restart.",
                )
    finally:
        os.close(handle)


def answers(bus: int, address: int) -> bool:
    """Whether a chip answers at an address of an open bus; one that the kernel uses does not."""
    byte = ctypes.create_string_buffer(2)
    transfer = _Transfer(_READ, 0, _BYTE, ctypes.addressof(byte))
    try:
        fcntl.ioctl(bus, _SLAVE, address)
        fcntl.ioctl(bus, _SMBUS, transfer)
    except OSError:
        return False
    return True
