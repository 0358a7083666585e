"""Sound cards in a sysfs that a test makes: folders and links as the kernel lays them out."""

from __future__ import annotations

import shutil
from pathlib import Path

CONTROLLER = "devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0"


class SoundCards:
    """``/sys`` of a Raspberry Pi 4, whose USB ports hang on a PCI controller."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "class/sound").mkdir(parents=True)
        (folder / "class/sound/timer").mkdir()

    def plug(self, number: int, name: str, port: str | None = None) -> None:
        """A card with that id, in a USB port such as ``1-1.2`` or soldered on."""
        device = self._usb(port) if port else self.folder / "devices/platform/soc/soc:sound"
        card = device / f"sound/card{number}"
        card.mkdir(parents=True)
        (card / "id").write_text(f"{name}\n")
        (card / "device").symlink_to(device)
        (self.folder / f"class/sound/card{number}").symlink_to(card)
        (self.folder / f"class/sound/controlC{number}").symlink_to(card)

    def unplug(self, number: int) -> None:
        """Pull it out."""
        link = self.folder / f"class/sound/card{number}"
        card = link.resolve()
        link.unlink()
        shutil.rmtree(card)
        (self.folder / f"class/sound/controlC{number}").unlink()

    def _usb(self, port: str) -> Path:
        """``…/usb1/1-1/1-1.2/1-1.2:1.0``: each hub on the way is a folder."""
        bus, _, ports = port.partition("-")
        numbers = ports.split(".")
        hubs = [f"{bus}-{'.'.join(numbers[:depth])}" for depth in range(1, len(numbers) + 1)]
        return self.folder.joinpath(CONTROLLER, f"usb{bus}", *hubs, f"{port}:1.0")
