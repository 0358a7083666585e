"""The sound cards of this machine, as the kernel lists them under ``/sys/class/sound``.

A card's id (``Device``) distinguishes it from cards of another model. Two cards of the same model
get their ids in the order in which they are found (``Device``, ``Device_1``). Only their USB ports
distinguish them. A port is named as in ``/proc/asound/cards``: ``usb-``, the controller, and the
ports on the way from it (Linux, ``usb_make_path`` in include/linux/usb.h). The number of a bus, as
in ``1-1.2``, can change at the next boot. The controller's name does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from beemon.devices import _usb
from beemon.devices._base import DeviceMissingError

_CARD = re.compile(r"card(\d+)")
_BUS = re.compile(r"usb\d+")
_INTERFACE = re.compile(r"\d+-([\d.]+):\d+\.\d+")


@dataclass(frozen=True)
class Card:
    """A sound card: its id, and its USB port if it is a USB card."""

    id: str
    port: str | None

    def __str__(self) -> str:
        return f"CARD={self.id}" + (f" at {self.port}" if self.port else "")


def cards(sysfs: Path) -> list[Card]:
    """Those there are, in the order of their numbers."""
    folders = {int(found[1]): folder for folder in (sysfs / "class/sound").glob("card*")
               if (found := _CARD.fullmatch(folder.name))}
    return [card for number in sorted(folders) if (card := card_in(folders[number]))]


def card_at(port: str, sysfs: Path) -> Card:
    """The card that is plugged in there. Raises :class:`DeviceMissingError`."""
    found = cards(sysfs)
    for card in found:
        if card.port == port:
            return card
    raise DeviceMissingError(f"no sound card at {port}; {there_are(found)}")


def usb_device(word: str, sysfs: Path) -> Path | None:
    """The USB device that the card is whose id or port that is, if it is one and is there."""
    for folder in (sysfs / "class/sound").glob("card*"):
        card = card_in(folder) if _CARD.fullmatch(folder.name) else None
        if card is not None and word in (card.id, card.port):
            return _usb.device_of(folder)
    return None


def there_are(found: list[Card]) -> str:
    """The cards, for a message about one that is not among them."""
    return f"there are: {', '.join(map(str, found)) or 'none'}"


def card_in(folder: Path) -> Card | None:
    """The card in a folder; None if it is being unplugged at this moment."""
    try:
        return Card((folder / "id").read_text().strip(), _port(folder / "device"))
    except OSError:
        return None


def _port(device: Path) -> str | None:
    """From ``…/0000:01:00.0/usb1/1-1/1-1.2/1-1.2:1.0``: usb-0000:01:00.0-1.2."""
    *parents, interface = device.resolve().parts
    ports = _INTERFACE.fullmatch(interface)
    buses = [place for place, name in enumerate(parents) if _BUS.fullmatch(name)]
    return f"usb-{parents[buses[-1] - 1]}-{ports[1]}" if ports and buses else None
