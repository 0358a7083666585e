"""An ALSA card for real: the kernel's loopback card plays a counter, the service records it."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.hive import Hive, until

RATE = 48_000
SECONDS = int(os.environ.get("BEEMON_SECONDS", "60"))
PIECE = 20
START_SECONDS = 60.0  # an emulated machine is slow, not wrong
DEVICE = f"""
[microphone.loop]
driver = "alsa"
card = "CARD=Loopback,DEV=1"
rate = {RATE}
"""


@pytest.fixture
def counter() -> Iterator[None]:
    """A card that plays 0, 1, 2 … 65535, 0 … in 16 bits, for as long as the test needs it."""
    player = subprocess.Popen(
        ["aplay", "-q", "-D", "hw:Loopback,0", "-t", "raw", "-f", "S16_LE", "-r", str(RATE)],
        stdin=subprocess.PIPE,
    )
    feeding = threading.Thread(target=feed, args=(player,), daemon=True)
    feeding.start()
    yield
    player.kill()
    player.wait()
    feeding.join()


def feed(player: subprocess.Popen[bytes]) -> None:
    block = np.arange(1 << 16, dtype="<u2").tobytes()
    assert player.stdin is not None
    try:
        while True:
            player.stdin.write(block)
    except BrokenPipeError:
        return


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    hive = Hive(tmp_path, DEVICE)
    hive.begin()
    until(hive.answers, START_SECONDS)
    yield hive
    hive.stop()


def test_no_sample_is_lost_or_doubled_across_recordings(counter: None, hive: Hive) -> None:
    pieces = range(SECONDS // PIECE)
    jobs = [hive.ask(f"record microphone.loop {PIECE}")["job"] for _ in pieces]
    with hive.client() as client:
        ended = [client.wait(job).payload for job in jobs]
    assert [job["outcome"] for job in ended] == ["done"] * len(jobs)
    assert sum(job["lost_samples"] for job in ended) == 0
    assert sum(job["overruns"] for job in ended) == 0
    for before, after in itertools.pairwise(ended):
        assert after["first_sample"] == before["first_sample"] + before["samples"]
    heard = [soundfile.read(hive.archive / job["recording"], dtype="int16")[0] for job in ended]
    assert [len(piece) for piece in heard] == [PIECE * RATE] * len(jobs)
    steps = np.diff(np.concatenate(heard).view("<u2"))
    wrong = np.flatnonzero(steps != 1)
    print(f"{len(steps) + 1} samples, {len(wrong)} of them not one more than the one before")
    assert len(wrong) == 0
