"""A converter's word: a signed number, or what says that the converter is dead or saturated."""

from __future__ import annotations

import pytest

from beemon.devices._base import BadReadingError
from beemon.devices.sensors.hx711.converter import signed


@pytest.mark.parametrize(
    ("word", "bits", "number"),
    [(0, 24, 0), (5, 24, 5), (0xFFFFFE, 24, -2), (0x800001, 24, -0x7FFFFF), (0xFFFE, 16, -2)],
)
def test_a_word_is_a_signed_number(word, bits, number):
    assert signed(word, bits, "hx711") == number


@pytest.mark.parametrize(
    ("word", "bits", "reason"),
    [(0xFFFFFF, 24, "all-ones"), (0xFFFF, 16, "all-ones"),
     (0x7FFFFF, 24, "out-of-range"), (0x800000, 24, "out-of-range")],
)
def test_ones_and_the_ends_of_the_range_are_none(word, bits, reason):
    with pytest.raises(BadReadingError) as caught:
        signed(word, bits, "hx711")
    assert caught.value.reason == reason
