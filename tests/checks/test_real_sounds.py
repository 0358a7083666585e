"""Real hives, where their sounds are at hand: in the folder BEEMON_DATA, or beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile")
pytest.importorskip("scipy")

import soundfile
from scipy import signal

from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.checks.piping import Piping
from beemon.checks.spectrum import segment_length
from tests.queen import mixed, toot

DATA = Path(os.environ.get("BEEMON_DATA") or Path(__file__).parents[3] / "shared/data") / "sound"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="no real sounds: set BEEMON_DATA to the folder above theirs"
)


@pytest.fixture(params=["active", "hum"])
def file(request):
    return DATA / f"{request.param}.flac"


def features(path):
    found = examine(path, RecordingFacts())
    assert found.defects == {}
    return {feature.quantity: feature.value for feature in found.features}


def test_the_hum_is_scipys(file):
    sound, rate = soundfile.read(file)
    segment = segment_length(rate, len(sound))
    overlap = 0 if len(sound) >= 100 * segment else segment // 2
    lines, density = signal.welch(sound, rate, nperseg=segment, noverlap=overlap)
    inside = np.clip(np.minimum(lines - 150, 600 - lines) / lines[1] + 0.5, 0, 1)
    expected = 10 * np.log10(float((density * inside).sum()) * lines[1])
    assert features(file)["hum"] == pytest.approx(expected, abs=0.05)


def test_a_rate_of_2205_holds_no_toots(file):
    assert "toots" not in features(file)


def test_toots_in_a_real_hum_are_found_and_without_them_there_is_none(file):
    """The real hum reaches up to 1100 Hz; above it is the noise of a microphone."""
    chance = np.random.default_rng(4)
    sound, rate = soundfile.read(file)
    hum = signal.resample_poly(sound, 8000, rate)
    hum = hum + chance.normal(0, float(np.std(hum)) / 10, len(hum))
    assert toots(hum) == 0
    assert sum(toots(mixed(hum, toot(chance), 4 * 8000, 6.0)) == 1 for _ in range(10)) >= 9


def toots(sound):
    piping = Piping(8000)
    piping.add(sound[np.newaxis])
    return len(piping.toots())
