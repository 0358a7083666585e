"""The simulated microphone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from beemon.devices import load
from tests.devices.contracts import MicrophoneContract

np = pytest.importorskip("numpy")
soundfile = pytest.importorskip("soundfile")

DIE_HALF_WAY = """
import sys, threading
from pathlib import Path
from beemon.devices import load
options = {"driver": "simulated", "speed": 50.0, "fault": "die"}
microphone = load("microphone", "microphone.brood", options)
microphone.open()
microphone.record(Path(sys.argv[1]), 20, threading.Event(), follows=False)
"""


@pytest.fixture
def microphone():
    opened = []

    def opener(**options):
        device = load("microphone", "microphone.brood", {"driver": "simulated", **options})
        device.open()
        opened.append(device)
        return device

    yield opener
    for device in opened:
        device.close()


def record(device, path, seconds, *, follows=False, cancelled=None):
    facts = device.record(path, seconds, cancelled or threading.Event(), follows=follows)
    return facts, soundfile.read(str(path), dtype="int16")[0]


def test_a_sample_depends_on_the_seed_and_its_number_alone(microphone, tmp_path):
    from beemon.devices.microphones.simulated.hum import hum

    device = microphone(speed=100.0, seed=7)
    time.sleep(0.01)
    facts, samples = record(device, tmp_path / "a.flac", 2)
    assert facts.first_sample > 0
    expected = hum(7, 16000, facts.first_sample, facts.samples)
    assert samples.tobytes() == expected
    assert expected != hum(8, 16000, facts.first_sample, facts.samples)


def test_any_part_of_the_stream_is_the_same_however_it_is_cut():
    from beemon.devices.microphones.simulated.hum import hum

    whole = hum(1, 48000, 1000, 500)
    assert whole == hum(1, 48000, 1000, 123) + hum(1, 48000, 1123, 377)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_it_hums_at_250_hertz(microphone, tmp_path, rate):
    _, samples = record(microphone(rate=rate, speed=1000.0), tmp_path / "a.flac", 4)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) / 4 == pytest.approx(250, abs=2)
    assert 500 < np.sqrt(np.mean(samples.astype(float) ** 2)) < 10000
    assert np.abs(samples).max() < 32000


def test_recordings_back_to_back_have_no_gap(microphone, tmp_path):
    from beemon.devices.microphones.simulated.hum import hum

    device = microphone(speed=50.0)
    first, one = record(device, tmp_path / "a.flac", 1)
    time.sleep(0.05)
    second, two = record(device, tmp_path / "b.flac", 1, follows=True)
    assert second.first_sample == first.first_sample + first.samples
    both = one.tobytes() + two.tobytes()
    assert both == hum(1, 16000, first.first_sample, 32000)


def test_a_recording_that_does_not_follow_begins_now(microphone, tmp_path):
    device = microphone(speed=50.0)
    first, _ = record(device, tmp_path / "a.flac", 1)
    time.sleep(0.05)
    second, _ = record(device, tmp_path / "b.flac", 1)
    assert second.first_sample >= first.first_sample + first.samples + 0.05 * 50 * 16000


def test_it_takes_as_long_as_it_should(microphone, tmp_path):
    begin = time.monotonic()
    record(microphone(speed=4.0), tmp_path / "a.flac", 2)
    assert 0.5 <= time.monotonic() - begin < 5


def test_it_states_when_it_began(microphone, tmp_path):
    before = time.time_ns() // 1000
    facts, _ = record(microphone(speed=10.0), tmp_path / "a.flac", 1)
    assert before - 1000 <= facts.start_utc_us <= time.time_ns() // 1000


def test_cancelled_it_keeps_what_it_has(microphone, tmp_path):
    cancelled = threading.Event()
    threading.Timer(0.6, cancelled.set).start()
    facts, samples = record(microphone(), tmp_path / "a.flac", 60, cancelled=cancelled)
    assert facts.samples == len(samples)
    assert 0 < facts.seconds < 60


@pytest.mark.process
def test_killed_half_way_the_sound_decodes_nearly_up_to_there(tmp_path):
    av = pytest.importorskip("av")
    subprocess.run([sys.executable, "-c", DIE_HALF_WAY, str(tmp_path / "a.flac")], check=False)
    with av.open(str(tmp_path / "a.flac")) as sound:
        decoded = sum(frame.samples for frame in sound.decode(audio=0))
    assert 9.0 * 16_000 < decoded <= 10 * 16_000


class TestContract(MicrophoneContract):
    @pytest.fixture
    def device(self):
        return load("microphone", "microphone.brood", {"driver": "simulated", "speed": 10.0})
