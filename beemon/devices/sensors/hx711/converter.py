"""Raw numbers of an analogue-to-digital converter that reveal a fault of the converter itself."""

from __future__ import annotations

from beemon.devices._base import BadReadingError


def signed(word: int, bits: int, chip: str) -> int:
    """The number in a converter's two's complement word.

    Raises BadReadingError for the words that measure nothing: all ones, which is what a data line
    reads as when the converter has no power, sleeps or is not there; and the two ends of the
    range, where it is saturated. Of 2**24 words, -1 is the only good one that is lost by it.
    """
    half = 1 << (bits - 1)
    if word == 2 * half - 1:
        raise BadReadingError("all-ones", f"{chip} returned only ones; check its power and its "
                                          "wires")
    if word in (half - 1, half):
        raise BadReadingError("out-of-range", f"{chip} is at the end of its range")
    return word - 2 * half if word >= half else word
