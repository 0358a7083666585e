"""An ALSA card for real: the kernel's loopback card plays a counter, the service records it.

It is unplugged by unbinding its driver, which to arecord is what pulling out a USB microphone is.
A USB one cannot be had: dummy_hcd, the kernel's USB port without hardware, carries no isochronous
transfers, so no audio gadget comes up on it (Debian 12's kernel: afunc_bind fails with -19).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.hive import Hive, until

RATE = 48_000
SECONDS = int(os.environ.get("BEEMON_SECONDS", "40"))
PIECE = 20
START_SECONDS = 60.0  # an emulated machine is slow, not wrong
AWAY_SECONDS = 3.0
BACK_SECONDS = 10.0
GAP_SECONDS = 0.5
"""By how much the stated gap may be off: the samples on both sides of it are dated by when they
reach the service, and an emulated machine may take a period (250 ms) more to run it, or this."""
CARD = Path("/sys/bus/platform/drivers/snd_aloop")
DEVICE = f"""
[microphone.loop]
driver = "alsa"
card = "CARD=Loopback,DEV=1"
rate = {RATE}
"""


@pytest.fixture
def counter() -> Iterator[None]:
    """A card that plays a counter for as long as the test needs it."""
    with counting():
        yield


@contextlib.contextmanager
def counting() -> Iterator[None]:
    """The card plays 0, 1, 2 … 65535, 0 … in 16 bits."""
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


def test_a_card_that_is_unplugged_and_comes_back_is_heard_again(hive: Hive) -> None:
    before = card()
    with counting():
        job = hive.ask(f"record microphone.loop {PIECE}")["job"]
        until(lambda: capture_state().startswith("state: RUNNING"), START_SECONDS)
        time.sleep(5)  # what there is before the gap
        left = time.monotonic()
        (CARD / "unbind").write_text("snd_aloop.0")
        assert card() is None
        time.sleep(AWAY_SECONDS)
    (CARD / "bind").write_text("snd_aloop.0")
    bound = time.monotonic()
    assert card() == before
    with counting():
        until(lambda: capture_state().startswith("state: RUNNING"), BACK_SECONDS)
        back = time.monotonic()
        with hive.client() as client:
            ended = client.wait(job).payload
        assert ended["outcome"] == "done", ended
        [gap] = ended["gaps"]
        stated, measured = gap["samples"] / RATE, back - left
        print(f"back {back - bound:.2f} s after the card; away for {measured:.2f} s, "
              f"stated {gap['samples']} samples, {stated:.2f} s")
        assert ended["replugs"] == 1
        assert ended["lost_samples"] == gap["samples"]
        assert ended["samples"] + gap["samples"] == PIECE * RATE
        assert abs(stated - measured) <= GAP_SECONDS
        whole = hive.do(f"record microphone.loop {PIECE // 4}")
        assert whole["outcome"] == "done", whole
        assert whole["samples"] == PIECE // 4 * RATE
        assert whole["lost_samples"] == whole["replugs"] == 0
        assert whole["first_sample"] >= ended["first_sample"] + PIECE * RATE
        heard = soundfile.read(hive.archive / whole["recording"], dtype="int16")[0]
        assert (np.diff(heard.view("<u2")) == 1).all()


def card() -> str | None:
    """The loopback card's id, where it is there."""
    file = Path("/proc/asound/Loopback/id")
    return file.read_text().strip() if file.exists() else None


def capture_state() -> str:
    """What the card says of the stream that arecord takes."""
    status = Path("/proc/asound/Loopback/pcm1c/sub0/status")
    return status.read_text() if status.exists() else ""
