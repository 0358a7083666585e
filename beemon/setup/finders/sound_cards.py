"""The sound cards that can record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from beemon.devices.microphones.alsa.cards import Card, card_in
from beemon.setup.candidates import SOUND, Candidate, Obstacle, Options
from beemon.setup.machine import Machine, listing, text_of

RATE = 48_000
I2S = ("googlevoi", "sndrpigooglevoi", "sndrpii2s", "adau7002", "snd_rpi_i2s", "simplecard")
"""The begin of the ids of cards with an I2S microphone on one side of a stereo pair."""
_CAPTURE = re.compile(r"pcmC\d+D(\d+)c")
_RATES = re.compile(r"^\s*Rates: (.*)$", re.MULTILINE)


def find(machine: Machine) -> Iterator[Candidate | Obstacle]:
    """Each card that can record, by its id, or by its port if two are of one model."""
    found = [(folder, card) for folder in listing(machine.sys / "class/sound", "card[0-9]*")
             if (card := card_in(folder))]
    alike = Counter(_model(card) for _, card in found if card.port)
    for folder, card in found:
        devices = _capture_devices(folder)
        title = f"the sound card {_title(machine, folder, card)}"
        if not devices:
            continue  # it only plays, as the Pi's own HDMI does
        word = card.port if card.port and alike[_model(card)] > 1 else f"CARD={card.id}"
        yield Candidate(
            name="microphone.brood", what=title, schedule=SOUND,
            options={
                "driver": "alsa", "card": word if devices[0] == 0 else f"{word},DEV={devices[0]}",
                **_format(machine, folder, card), **machine.driver_options,
            },
            aliases=frozenset(filter(None, (f"CARD={card.id}", card.port))),
        )


def _model(card: Card) -> str:
    """The id without the number that the kernel adds to a second card of a model."""
    return re.sub(r"_\d+$", "", card.id)


def _capture_devices(folder: Path) -> list[int]:
    """The numbers of its devices that record."""
    number = folder.name.removeprefix("card")
    places = (folder, folder.parent)
    names = {file.name for place in places for file in listing(place, f"pcmC{number}D*c")}
    return sorted(int(match[1]) for name in names if (match := _CAPTURE.fullmatch(name)))


def _title(machine: Machine, folder: Path, card: Card) -> str:
    """Its name for people, and its port."""
    number = folder.name.removeprefix("card")
    table = text_of(machine.proc / "asound/cards")
    match = re.search(rf"^\s*{number} \[.*?\]: \S+ - (.*)$", table, re.MULTILINE)
    return f"{match[1] if match else card.id}{f' at {card.port}' if card.port else ''}"


def _format(machine: Machine, folder: Path, card: Card) -> Options:
    """The options of an I2S microphone; or the rate of a card that lacks the usual one."""
    if card.id.lower().startswith(I2S):
        return {"format": "S32_LE", "slot": "left"}
    stream = text_of(machine.proc / "asound" / folder.name / "stream0")
    rates = _RATES.findall(stream.partition("Capture:")[2])
    offered = sorted({int(rate) for line in rates for rate in re.findall(r"\d+", line)})
    if not offered or (offered[0] <= RATE <= offered[-1] and (RATE in offered or "-" in rates[0])):
        return {}
    return {"rate": max((rate for rate in offered if rate <= RATE), default=offered[0])}
