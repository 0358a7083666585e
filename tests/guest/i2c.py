"""Chips on an I2C bus without hardware: the kernel's i2c-stub holds their registers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

BUSES = Path("/sys/bus/i2c/devices")


def bus() -> int:
    """The number of the stub's bus."""
    for adapter in BUSES.glob("i2c-*"):
        if "stub" in (adapter / "name").read_text().lower():
            return int(adapter.name.removeprefix("i2c-"))
    raise FileNotFoundError("no i2c-stub bus; modprobe i2c-stub chip_addr=…")


class Chip:
    """One address of the stub, bound to a kernel driver between :meth:`bind` and :meth:`unbind`."""

    def __init__(self, name: str, address: int) -> None:
        self.name, self.address = name, address
        self._adapter = BUSES / f"i2c-{bus()}"

    @property
    def location(self) -> str:
        """What the kernel calls the chip's place: bus and address."""
        return f"{bus()}-{self.address:04x}"

    def set(self, registers: Mapping[int, int], width: str = "b") -> None:
        """Let registers hold these values; ``width`` is b for bytes, w for words."""
        for register, value in registers.items():
            what = (hex(self.address), hex(register), hex(value), width)
            subprocess.run(["i2cset", "-f", "-y", str(bus()), *what], check=True)

    def bind(self) -> None:
        """Let the kernel find the chip."""
        (self._adapter / "new_device").write_text(f"{self.name} {self.address:#x}\n")

    def unbind(self) -> None:
        """Let it be gone, as one whose wire came off."""
        (self._adapter / "delete_device").write_text(f"{self.address:#x}\n")


def swapped(word: int) -> int:
    """SMBus sends the low byte of a word first, most chips the high one."""
    return (word & 0xFF) << 8 | word >> 8


def driver_of(chip: Chip) -> str | None:
    """The kernel driver that has taken the chip."""
    link = BUSES / chip.location / "driver"
    return re.sub(r".*/", "", str(link.resolve())) if link.exists() else None
