"""Piping: the toots of a young queen are found in a hum, and nothing else is taken for one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("numpy")

from beemon.checks.piping import Piping, Syllable, can_hear, toots
from beemon.checks.spectrum import Floats
from tests.queen import mixed, quack, toot
from tests.samples import hive_sound

RATE = 8000


def hum(seconds: float, rate: int = RATE, seed: int = 1) -> Floats:
    """The simulated hive with the noise of a microphone above its hum."""
    chance = np.random.default_rng(seed)
    return hive_sound(seconds, rate, seed) / 2**15 + chance.normal(0, 0.003, round(seconds * rate))


def heard(sound: Floats, rate: int = RATE, piece: int = 1 << 15) -> list[Syllable]:
    piping = Piping(rate)
    rows = np.atleast_2d(sound)
    for first in range(0, rows.shape[1], piece):
        piping.add(rows[:, first : first + piece])
    return piping.toots()


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_a_toot_is_found_at_its_time_and_pitch(rate):
    chance = np.random.default_rng(2)
    piping = toot(chance, rate)
    (found,) = heard(mixed(hum(20, rate), piping, 6 * rate, 6.0, rate), rate)
    assert found.begin == pytest.approx(6.0, abs=0.1)
    assert found.end == pytest.approx(6.0 + len(piping) / rate, abs=0.3)
    assert 330 <= found.pitch <= 530


@pytest.mark.parametrize("decibels", [0, 3, 6, 10, 20, 30])
def test_faint_toots_are_found_and_loud_ones_too(decibels):
    chance = np.random.default_rng(decibels)
    found = sum(
        len(heard(mixed(hum(20, seed=seed), toot(chance), 5 * RATE, decibels))) == 1
        for seed in range(10)
    )
    assert found >= 9


def test_each_toot_is_counted_once_wherever_it_falls():
    chance = np.random.default_rng(5)
    sound = hum(90)
    times = (3, 17, 38, 57, 78)  # the levels are found in blocks of 20 s
    for at in times:
        sound = mixed(sound, toot(chance), at * RATE, 10.0)
    assert [round(found.begin) for found in heard(sound)] == list(times)


def test_the_pieces_in_which_a_sound_comes_change_nothing():
    sound = mixed(hum(30), toot(np.random.default_rng(5)), 18 * RATE, 6.0)
    expected = heard(sound)
    assert len(expected) == 1
    assert heard(sound, piece=777) == heard(sound, piece=len(sound)) == expected


def test_two_channels_are_heard_together():
    with_toot = mixed(hum(20), toot(np.random.default_rng(3)), 5 * RATE, 10.0)
    assert len(heard(np.stack([with_toot, -with_toot]))) == 1
    assert len(heard(np.stack([hum(20, seed=4), with_toot]))) == 1


@pytest.mark.parametrize("decibels", [-3, 3, 10])
def test_quacking_is_no_toot(decibels):
    chance = np.random.default_rng(decibels + 10)
    found = [heard(mixed(hum(20), quack(chance), 3 * RATE, decibels)) for _ in range(5)]
    assert found == [[]] * 5


def test_a_hum_a_lasting_tone_and_noise_are_no_toots():
    assert heard(hum(60)) == []
    time = np.arange(60 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 440 * k * time) for k in (1, 2, 3, 4))
    assert heard(hum(60) + 0.1 * tone) == []
    assert heard(np.random.default_rng(1).normal(0, 0.1, 60 * RATE)) == []
    assert heard(np.zeros(60 * RATE)) == []


def test_a_sound_too_short_for_a_frame_has_none():
    assert heard(np.zeros(0)) == heard(np.zeros(10)) == heard(hum(0.1)) == []


def syllables(first: float, *others: float, every: float = 0.4) -> list[Syllable]:
    found = [Syllable(0.0, first, 400.0, 20.0)]
    for number, length in enumerate(others):
        begin = first + 0.1 + number * every
        found.append(Syllable(begin, begin + length, 400.0, 20.0))
    return found


@pytest.mark.parametrize(("chain", "expected"), [
    (syllables(0.8, 0.3, 0.3, 0.28, 0.25), 1),
    (syllables(0.8, 0.3, 0.3, 0.28), 0),                             # too few
    (syllables(0.3, 0.3, 0.3, 0.28, 0.25), 0),                       # the first is not longer
    (syllables(1.8, 0.3, 0.3, 0.28, 0.25), 0),                       # the first is a lasting tone
    (syllables(0.8, 0.3, 0.3, 0.28, 0.25, every=1.0), 0),            # long pauses
    (syllables(0.8, 0.7, 0.7, 0.7, 0.7, every=0.9), 0),              # long syllables
    (syllables(0.8, 0.05, 0.05, 0.05, 0.05, every=0.1), 0),          # a rattle
])
def test_a_toot_is_one_long_syllable_and_then_short_ones_in_rhythm(chain, expected):
    assert len(list(toots(chain))) == expected


def test_syllables_without_a_rhythm_or_of_another_pitch_are_no_toot():
    chain = syllables(0.8, 0.3, 0.3, 0.28, 0.25)
    moved = [
        one._replace(begin=one.begin + shift, end=one.end + shift)
        for one, shift in zip(chain, (0.0, 0.0, 0.4, 0.1, 0.6), strict=True)
    ]
    assert list(toots(moved)) == []
    other = [one._replace(pitch=400.0 + 50 * (n % 2)) for n, one in enumerate(chain)]
    assert list(toots(other)) == []


@pytest.mark.parametrize(("pitches", "expected"), [
    ((380, 400, 404, 396, 402), 1),  # a queen: the first syllable glides
    ((400, 400, 410, 391, 408), 0),  # a voice
    ((400, 400, 418, 400, 418), 0),
])
def test_the_later_syllables_have_one_pitch(pitches, expected):
    chain = [
        one._replace(pitch=float(pitch))
        for one, pitch in zip(syllables(0.8, 0.3, 0.3, 0.28, 0.25), pitches, strict=True)
    ]
    assert len(list(toots(chain))) == expected


def test_a_rate_holds_the_harmonics_or_not():
    assert [can_hear(rate) for rate in (2205, 4000, 8000, 48000)] == [False, False, True, True]


def test_a_long_sound_takes_no_more_memory_than_a_short_one():
    piece = np.random.default_rng(1).normal(0, 0.1, (1, 1 << 15))

    def peak(pieces: int) -> int:
        piping = Piping(16000)
        tracemalloc.start()
        for _ in range(pieces):
            piping.add(piece)
        piping.toots()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(120) < peak(30) + 500_000 < 12_000_000
