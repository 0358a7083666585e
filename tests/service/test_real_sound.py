"""Real sound through the whole service: ALSA, arecord, worker, FLAC, archive, ledger."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base.recording import recording_facts
from tests.grounds.sound import REAL_TIME, FakeMicrophone
from tests.hive import Hive

soundfile = pytest.importorskip("soundfile")
pytestmark = pytest.mark.ground("alsa")

DEVICE = '[microphone.voices]\ndriver = "alsa"\npcm = "fakemic"\nrate = 48000\n'


@pytest.fixture
def fakemic(tmp_path: Path) -> Iterator[FakeMicrophone]:
    microphone = FakeMicrophone(tmp_path)
    microphone.start(REAL_TIME)
    yield microphone
    microphone.stop()


@pytest.fixture
def hive(tmp_path: Path, fakemic: FakeMicrophone) -> Iterator[Hive]:
    with Hive(tmp_path, DEVICE, ALSA_CONFIG_PATH=str(fakemic.config)) as hive:
        yield hive


def test_voices_come_out_of_record_bit_for_bit_and_without_a_gap(
    hive: Hive, fakemic: FakeMicrophone
) -> None:
    asked = [1.5, 0.777, 2]
    jobs = [hive.ask(f"record microphone.voices {seconds}")["job"] for seconds in asked]
    ended = [hive.wait(job) for job in jobs]
    assert [job["outcome"] for job in ended] == ["done"] * 3
    assert [job["samples"] for job in ended] == [round(48000 * seconds) for seconds in asked]
    for job in ended:
        heard = soundfile.read(str(hive.archive / job["recording"]), dtype="int16")[0].tobytes()
        assert heard == fakemic.samples(recording_facts(job))
        assert any(heard)
        assert job["lost_samples"] == 0
    for before, after in itertools.pairwise(ended):
        assert after["first_sample"] == before["first_sample"] + before["samples"]
