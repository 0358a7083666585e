"""A sysfs tree in a folder, into which devices are plugged as the kernel shows them."""

from __future__ import annotations

from pathlib import Path

FOLDERS = ("class/hwmon", "bus/iio/devices", "bus/w1/devices")


class Sysfs:
    """The tree below ``root``; what a device's files say is given by their names."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def hwmon(self, number: int, name: str, address: str = "1-0044", **files: object) -> Path:
        device = self.root / "devices" / address / "hwmon" / f"hwmon{number}"
        self._plug("class/hwmon", device, {"name": name, **files})
        (device / "device").symlink_to(device.parent.parent)
        return device

    def iio(self, number: int, name: str, address: str = "1-0076", **files: object) -> Path:
        device = self.root / "devices" / address / f"iio:device{number}"
        self._plug("bus/iio/devices", device, {"name": name, **files})
        return device

    def w1(self, rom: str, **files: object) -> Path:
        device = self.root / "devices" / "w1_bus_master1" / rom
        self._plug("bus/w1/devices", device, files)
        return device

    def unplug(self, device: Path) -> None:
        for folder in FOLDERS:
            (self.root / folder / device.name).unlink(missing_ok=True)
        for entry in device.iterdir():
            entry.unlink()
        device.rmdir()

    def _plug(self, folder: str, device: Path, files: dict[str, object]) -> None:
        device.mkdir(parents=True)
        for name, text in files.items():
            (device / name).write_text(f"{text}\n")
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / folder / device.name).symlink_to(device)
