"""Spectra: the powers at all lines are the sound's power, in whatever pieces it comes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpy")

from beemon.checks.spectrum import (
    ENOUGH_SEGMENTS,
    SMALLEST_SEGMENT,
    Spectrum,
    band_power,
    centroid,
    decibels,
    segment_length,
)


def spectrum(sound, rate=16000, piece=None):
    found = Spectrum(rate, len(sound))
    for start in range(0, len(sound), piece or len(sound)):
        found.add(sound[start : start + (piece or len(sound))])
    return found


NOISE = np.random.default_rng(1).normal(0, 0.1, 80_000)


def test_the_powers_add_up_to_the_mean_square():
    assert spectrum(NOISE).powers().sum() == pytest.approx(NOISE.var(), rel=0.02)


def test_a_sine_has_half_the_square_of_its_amplitude():
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    assert spectrum(sine).powers().sum() == pytest.approx(0.125, rel=1e-3)


@pytest.mark.parametrize("piece", [100, 1023, 4096, 50_000])
def test_the_pieces_in_which_a_sound_comes_do_not_matter(piece):
    assert spectrum(NOISE, piece=piece).powers() == pytest.approx(spectrum(NOISE).powers())


@pytest.mark.parametrize("rate", [4000, 8000, 16000, 22050, 44100, 48000, 96000])
def test_lines_are_close_enough_for_bands_of_50_hz(rate):
    assert rate / segment_length(rate, 10 * rate) <= 8


def test_a_segment_is_not_longer_than_the_sound():
    assert segment_length(48000, 5000) == 4096
    assert segment_length(48000, 10) == SMALLEST_SEGMENT


def test_a_sound_that_is_shorter_than_a_segment_has_no_power():
    assert spectrum(NOISE[:10]).powers().sum() == 0


LONG = np.random.default_rng(2).normal(0, 0.1, 2 * ENOUGH_SEGMENTS * 2048)


@pytest.mark.parametrize("piece", [1023, 50_000])
def test_of_a_long_sound_too_the_pieces_do_not_matter(piece):
    assert spectrum(LONG, piece=piece).powers() == pytest.approx(spectrum(LONG).powers())


def test_of_a_long_sound_segments_that_do_not_overlap_tell_each_band():
    found = spectrum(LONG)
    expected = 10 * np.log10(0.1**2 * 50 / 8000)
    for low in range(50, 4000, 50):
        power = band_power(found.frequencies, found.powers(), low, low + 50)
        assert decibels(power) == pytest.approx(expected, abs=3 * 0.25 / np.sqrt(2))


def test_bands_side_by_side_hold_all_power():
    found = spectrum(NOISE)
    bands = [
        band_power(found.frequencies, found.powers(), low, low + 50) for low in range(0, 8000, 50)
    ]
    assert sum(bands) == pytest.approx(found.powers().sum(), rel=1e-3)


def test_no_power_has_no_centre():
    found = spectrum(np.zeros(16000))
    assert centroid(found.frequencies, found.powers(), 50, 4000) is None


def test_a_level_in_decibels():
    assert decibels(1.0) == 0
    assert decibels(0.5) == pytest.approx(-3.01, abs=0.01)
    assert decibels(0.0) == -200
