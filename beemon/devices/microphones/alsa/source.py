"""The ALSA device that arecord opens, derived from the config."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from beemon.devices.microphones.alsa.cards import card_at
from beemon.devices.microphones.alsa.settings import CARD, Settings
from beemon.devices.microphones.alsa.stamps import PROC, Stamps


@dataclass(frozen=True)
class Source:
    """The device that arecord opens: its name, and the kernel's folder of the device if it is a
    card.

    The card at a port changes when cards are plugged in, so it is looked up each time.
    """

    name: str
    folder: Path | None

    @classmethod
    def of(cls, settings: Settings) -> Source:
        """The source of the settings. Raises :class:`DeviceMissingError` if no card is at the port.
        """
        if settings.pcm:
            return cls(settings.pcm, None)
        word = CARD.fullmatch(str(settings.card))
        assert word is not None
        card = word["id"] or card_at(word["port"], Path(settings.sysfs)).id
        device = word["device"] or "0"
        return cls(f"hw:CARD={card},DEV={device}", PROC / card / f"pcm{device}c")

    def stamps(self, pid: int, rate: int, longest: float) -> Stamps | None:
        """The time stamps of its samples, if the kernel has them."""
        return Stamps(self.folder, pid, rate, longest) if self.folder else None
