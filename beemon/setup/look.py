"""A first look at a reading, a recording or a picture, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from beemon.base.recording import RecordingFacts
from beemon.checks.findings import FINDINGS


def describe_value(quantity: str, value: float, unit: str) -> str:
    """A reading: ``temperature 34.8 °C``."""
    return f"{quantity} {value:.6g} {unit}".rstrip()


class Look(NamedTuple):
    """The result of a look: whether there is nothing wrong, and a sentence."""

    is_good: bool
    says: str


def look_at(file: Path, facts: RecordingFacts) -> Look:
    """Look at a recording or a picture, and tell its properties, its check and the remedies."""
    from beemon.checks.examine import try_to_examine  # it brings NumPy

    try:
        found = try_to_examine(file, facts)
    except (OSError, ImportError) as error:
        return Look(False, f"it cannot be examined: {error}")
    levels = [f"level {one.value:.0f} {one.unit}" for one in found.features
              if one.quantity == "level"]
    brightness = [] if found.failures or file.suffix != ".jpg" else [_brightness(file)]
    said = ", ".join([*_measures(facts), *levels, *brightness, *map(str, found.findings)])
    remedies = [FINDINGS[one.word].remedy for one in found.failures]
    return Look(not found.failures, ". ".join([said, *remedies]))


def _brightness(file: Path) -> str:
    """The mean of all pixels, from black (0 %) to white (100 %)."""
    from beemon.checks.picture import luma
    from beemon.media.container import opened

    with opened(file) as (media, stream):
        return f"brightness {float(luma(next(media.decode(stream))).mean()) / 2.55:.0f} %"


def _measures(facts: RecordingFacts) -> Iterator[str]:
    if facts.seconds:
        yield f"{facts.seconds:.1f} s"
    if facts.width:
        yield f"a picture of {facts.width} x {facts.height}"
