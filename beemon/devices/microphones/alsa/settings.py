"""The settings of a microphone behind ALSA."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from beemon.base.options import BadOptionError, in_toml, option
from beemon.devices._base import Claim, CommonSettings
from beemon.devices.microphones._flac import COMPRESSION

SLOTS = ("left", "right")  # in the order of their samples
SAMPLE_BYTES = {"S16_LE": 2, "S32_LE": 4}

CARD = re.compile(
    r"(?:CARD=(?P<id>[A-Za-z_][A-Za-z0-9_-]*)|(?P<port>usb-[^,\s]+-[0-9]+(?:\.[0-9]+)*))"
    r"(?:,DEV=(?P<device>[0-9]+))?"
)

_HARDWARE = re.compile(rf"(?:plug)?hw:{CARD.pattern}")


def card_word(value: object) -> str:
    """``CARD=Device`` or ``usb-0000:01:00.0-1.2``, either with ``,DEV=1``.

    A card's number would change with the next boot.
    """
    if not isinstance(value, str) or not CARD.fullmatch(value):
        raise BadOptionError(
            'must be a card\'s id such as "CARD=Device" (see "arecord -L"), or a USB card\'s '
            f'port such as "usb-0000:01:00.0-1.2", not {in_toml(value)}'
        )
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """A USB or I2S microphone. It needs either ``card`` or ``pcm``.

    A recording waits up to 8 seconds if the card is unplugged or fails. Samples can then be lost,
    and also if the computer is too busy. The recording states the number of lost samples, and for
    each gap its place, its samples and their ``uncertainty``. Gaps are not filled.

        [microphone.brood]
        driver = "alsa"
        card = "CARD=Device"
    """

    card: str | None = option(
        None, parse=card_word,
        doc="the sound card: CARD=Device by its id, usb-0000:01:00.0-1.2 by its USB port. Either "
        "may end in ``,DEV=1``. ``arecord -L`` lists the ids. Two cards of the same model can "
        "swap their ids at a restart, so name their ports instead: ``/proc/asound/cards`` shows "
        "the port after ``at``. If a port has no card, ``beemon status`` lists the cards found",
    )
    pcm: str | None = option(
        None, doc="any other ALSA device by its full name, such as ``plughw:CARD=Device``"
    )
    rate: int = option(
        48000, minimum=4000, maximum=384_000,
        doc="samples per second. The card must support exactly this rate",
    )
    channels: int = option(1, minimum=1, maximum=8, doc="number of channels")
    format: Literal["S16_LE", "S32_LE"] = option(
        "S16_LE",
        doc="the sample format: ``S32_LE`` for I2S microphones, of which 24 bits are kept",
    )
    slot: Literal["left", "right"] | None = option(
        None,
        doc="the side of a stereo card that has a microphone; the pin ``SEL`` or ``L/R`` of an "
        "I2S microphone sets it. The other side is not kept. Leave ``channels`` out",
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted", for_tests=True)

    def __post_init__(self) -> None:
        if bool(self.card) == bool(self.pcm):
            raise BadOptionError('needs either "card" or "pcm"')
        if self.slot and self.channels != 1:
            raise BadOptionError('"slot" keeps one channel, so leave "channels" out')

    @property
    def claims(self) -> list[Claim]:
        return [
            Claim(f"sound card {card['id'] or card['port']},{card['device'] or 0}", option)
            for option, card in self._cards().items()
        ]

    def _cards(self) -> dict[str, re.Match[str]]:
        """The card itself, by the option that names it: other PCMs can be shared."""
        found = {
            "card": CARD.fullmatch(self.card or ""), "pcm": _HARDWARE.fullmatch(self.pcm or ""),
        }
        return {option: card for option, card in found.items() if card}

    @property
    def source(self) -> str:
        """The name of the device in messages."""
        return self.pcm or str(self.card)

    @property
    def bytes_a_second(self) -> float:
        stored = min(3, SAMPLE_BYTES[self.format]) * self.channels  # 24 bits at most
        return self.rate * stored * COMPRESSION

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel that is kept."""
        return SAMPLE_BYTES[self.format] * self.channels

    @property
    def card_channels(self) -> int:
        """The number of channels to request from the card."""
        return len(SLOTS) if self.slot else self.channels

    @property
    def card_frame_bytes(self) -> int:
        """Bytes of one sample of every channel of the card's."""
        return SAMPLE_BYTES[self.format] * self.card_channels
