"""Sounds: what a microphone cannot have heard is caught, and what a hive can sound like is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("soundfile")

from beemon.checks import sound
from beemon.checks.examine import examine
from beemon.checks.spectrum import ENOUGH_SEGMENTS, segment_length
from tests.queen import mixed, toot
from tests.samples import hive_sound, noise, tone, write_sound


@pytest.fixture
def look(tmp_path):
    def look(heard, rate=16000, asked=None, sample_bytes=2, **facts):
        path = tmp_path / "a.part"
        written = write_sound(path, heard, rate, sample_bytes)
        return examine(path, replace(written, **facts), asked)

    return look


def failures(examination):
    return [finding.word for finding in examination.failures]


def told(examination):
    return [(finding.word, finding.fails) for finding in examination.findings]


# Faults

def test_silence_is_caught(look):
    assert failures(look(np.zeros(32000))) == ["silent"]


@pytest.mark.parametrize("value", [1, -1, 5000, -32768])
def test_a_value_that_stands_still_is_caught(look, value):
    assert failures(look(np.full(32000, value))) == ["stuck"]


def test_a_stuck_value_that_now_and_then_moves_a_step_is_caught(look):
    samples = np.full(32000, 5000)
    samples[::100] += 1
    assert failures(look(samples)) == ["stuck"]


def test_a_stuck_sound_of_24_bits_is_caught(look):
    samples = np.full(32000, 5000 << 16)
    samples[::7] += 1 << 8
    assert failures(look(samples, sample_bytes=4)) == ["stuck"]


def test_a_clipped_sound_is_caught(look):
    assert failures(look(np.clip(hive_sound(4) * 20, -32768, 32767))) == ["clipped"]


def test_a_microphone_that_dies_on_the_way_is_caught(look):
    samples = hive_sound(12)
    samples[6 * 16000 :] = 0
    assert failures(look(samples)) == ["flat"]


def test_a_sound_of_which_half_is_missing_in_pieces_is_caught(look):
    samples = hive_sound(4).reshape(-1, 800)
    samples[::2] = 0
    assert failures(look(samples.ravel())) == ["flat"]


def test_zeros_across_a_block_that_is_read_at_once_count_as_one_run(look):
    samples = hive_sound(16)
    samples[sound.BLOCK - 16000 : sound.BLOCK + 80000] = 0
    assert failures(look(samples)) == ["flat"]


def test_a_sound_far_off_its_centre_is_caught(look):
    assert failures(look(hive_sound(4) // 8 + 12000)) == ["offset"]


def test_a_short_sound_is_caught(look):
    assert failures(look(hive_sound(2), asked=3.0)) == ["short"]
    assert failures(look(hive_sound(2), asked=2.05)) == []


def test_a_sound_with_fewer_samples_than_were_written_is_caught(look):
    assert failures(look(hive_sound(2), samples=48000)) == ["wrong-length"]


# Not faults

def test_the_hives_sound_is_good(look):
    assert told(look(hive_sound(4), asked=4.0)) == []


@pytest.mark.parametrize("sample_bytes", [2, 4])
def test_the_noise_of_the_best_microphone_in_a_silent_winter_night_is_good(look, sample_bytes):
    steps = 10 ** (-96 / 20) * 32768
    scale = 1 if sample_bytes == 2 else 1 << 16
    assert told(look(np.round(noise(1000 * steps) / 1000 * scale), sample_bytes=sample_bytes)) == []


def test_an_i2s_microphones_offset_is_good(look):
    assert told(look(noise(30) + 1600)) == []


def test_a_gust_that_clips_is_told_of_and_fails_nothing(look):
    samples = hive_sound(4)
    samples[8000:9000] = np.clip(tone(80, 4.0)[8000:9000], -32768, 32767)
    assert told(look(samples)) == [("clipped", False)]


def test_a_peak_that_just_fits_is_not_clipped(look):
    assert told(look(tone(1000, 1.0))) == []


def test_a_drop_out_is_told_of_and_fails_nothing(look):
    samples = hive_sound(4)
    samples[8000:20000] = 0
    assert told(look(samples)) == [("flat", False)]


def test_lost_samples_are_told_of_and_fail_nothing(look):
    assert told(look(hive_sound(2), lost_samples=160)) == [("lost", False)]
    assert told(look(hive_sound(2), lost_samples=16_000, asked=3.0)) == [("lost", False)]
    assert failures(look(hive_sound(2), lost_samples=160, asked=3.0)) == ["short"]


def test_a_channel_without_a_microphone_fails_nothing(look):
    heard = hive_sound(2)
    found = look(np.stack([heard, np.zeros_like(heard)], axis=1))
    assert told(found) == [("silent", False)]
    assert "channel 2" in str(found.findings[0])


def test_two_dead_channels_fail(look):
    assert failures(look(np.zeros((32000, 2)))) == ["silent", "silent"]


# Features

def features(examination):
    return {feature.quantity: feature.value for feature in examination.features}


def test_every_sound_has_the_same_features(look):
    found = look(hive_sound(2)).features
    bands = [f"band_{low}_{low + 50}" for low in range(50, 600, 50)]
    assert [f.quantity for f in found] == ["level", "centroid", "share_200_500", *bands, "hum"]
    assert {f.unit for f in found} == {"dBFS", "Hz", "%"}


def test_a_sound_of_ten_seconds_has_its_toots(look):
    (found,) = look(hive_sound(10)).features[-1:]
    assert (found.quantity, found.value, found.unit) == ("toots", 0, "")
    assert look(hive_sound(9.9)).features[-1].quantity == "hum"


def test_a_sound_without_the_harmonics_of_toots_has_no_number_of_them(look):
    assert look(noise(100, 12, 2205), 2205).features[-1].quantity == "hum"


def test_toots_in_any_channel_are_counted(look):
    chance = np.random.default_rng(1)
    hum = hive_sound(20).astype(float)
    both = np.stack([hum, mixed(hum, toot(chance, 16000), 80_000, 6.0, 16000)], axis=1)
    assert features(look(np.round(both).astype(int)))["toots"] == 1


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("seconds", [0.5, 4, 60])
def test_the_hum_is_the_power_that_scipy_finds_between_150_and_600_hertz(look, rate, seconds):
    signal = pytest.importorskip("scipy.signal")
    heard = hive_sound(seconds, rate)
    segment = segment_length(rate, len(heard))
    lines, powers = signal.welch(
        heard / 2**15, rate, nperseg=segment, detrend="constant", scaling="spectrum",
        noverlap=0 if len(heard) >= ENOUGH_SEGMENTS * segment else None,
    )
    within = np.clip(1 / 2 + np.minimum(lines - 150, 600 - lines) / lines[1], 0, 1)
    bandwidth = 1.5  # of a line under a Hann window, in lines
    expected = 10 * np.log10(float((powers * within).sum()) / bandwidth)
    assert features(look(heard, rate))["hum"] == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_tone_has_its_level_its_centre_and_its_band(look, rate):
    found = features(look(tone(275, 0.1, rate=rate), rate))
    expected = 20 * np.log10(0.1 / np.sqrt(2))
    assert found["level"] == pytest.approx(expected, abs=0.01)
    assert [found["band_250_300"], found["hum"]] == pytest.approx([expected] * 2, abs=0.05)
    assert found["centroid"] == pytest.approx(275, abs=1)
    assert found["share_200_500"] == pytest.approx(100, abs=0.01)
    assert found["band_400_450"] < expected - 60


def test_two_tones_have_their_centre_between_them(look):
    found = features(look(tone(125, 0.2) + tone(525, 0.1)))
    assert found["centroid"] == pytest.approx((125 * 4 + 525) / 5, abs=1)
    assert found["share_200_500"] == pytest.approx(0, abs=0.1)
    assert found["band_100_150"] - found["band_500_550"] == pytest.approx(6.02, abs=0.05)


def test_white_noise_has_equal_bands_and_its_centre_in_the_middle(look):
    found = features(look(noise(1000, seconds=20)))
    bands = [value for name, value in found.items() if name.startswith("band")]
    per_band = 20 * np.log10(1000 / 32768) + 10 * np.log10(50 / 8000)
    assert bands == pytest.approx([per_band] * 11, abs=0.6)
    assert found["centroid"] == pytest.approx(2025, rel=0.02)
    assert found["share_200_500"] == pytest.approx(100 * 300 / 3950, rel=0.1)


def test_an_offset_is_no_level(look):
    found = features(look(tone(275, 0.1) + 1600))
    assert found["level"] == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.01)
    assert found["band_50_100"] < -90


def test_the_hum_of_the_hive_is_where_it_was_put(look):
    found = features(look(hive_sound(8)))
    bands = {name: level for name, level in found.items() if name.startswith("band")}
    loudest = sorted(bands, key=bands.get)[-2:]
    assert set(loudest) == {"band_200_250", "band_250_300"}  # it swings around 250 Hz
    assert found["share_200_500"] > 60


def test_a_sound_of_a_few_samples_has_what_can_be_said_of_it(look):
    found = features(look(hive_sound(0.01)))
    assert -60 < found["level"] < 0


def test_channels_are_heard_together(look):
    one = tone(275, 0.1)
    both = features(look(np.stack([one, -one], axis=1)))
    assert both["level"] == pytest.approx(features(look(one))["level"], abs=0.01)
    assert both["band_250_300"] == pytest.approx(features(look(one))["band_250_300"], abs=0.01)


def test_an_hour_is_read_in_pieces(tmp_path):
    import tracemalloc

    path = tmp_path / "long.flac"
    facts = write_sound(path, np.tile(noise(100, 10), 30))
    examine(path, facts)
    tracemalloc.start()
    examine(path, facts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000  # of 9.6 MB of samples, 38 MB as numbers of 64 bits
