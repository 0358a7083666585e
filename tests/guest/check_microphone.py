"""ALSA cards for real: the kernel's loopback cards play counters, the service records them.

One is unplugged by unbinding its driver, which to arecord is what pulling out a USB microphone is.
A USB one cannot be had: dummy_hcd, the kernel's USB port without hardware, carries no isochronous
transfers, so no audio gadget comes up on it (Debian 12's kernel: afunc_bind fails with -19).

A player that is held up for longer than its buffer plays silence, which the card counts as well:
its buffer is as long as the recorder's.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from beemon.devices.microphones.alsa.cards import cards
from tests.hive import Hive, until

RATE = 48_000
LONG = bool(os.environ.get("BEEMON_LONG"))
SECONDS = 600 if LONG else 40
PIECE = 20
HELD_SECONDS = 12.0  # longer than the buffer of ten
START_SECONDS = 60.0  # an emulated machine is slow, not wrong
AWAY_SECONDS = 3.0
BACK_SECONDS = 10.0
PERIOD_SECONDS = 0.5
"""Two periods: the sound of one is lost with the card, and of the next the test sees the beginning
when the machine lets it."""
CARD = Path("/sys/bus/platform/drivers/snd_aloop")
DEVICES = f"""
[microphone.loop]
driver = "alsa"
card = "CARD=Loopback,DEV=1"
rate = {RATE}

[microphone.second]
driver = "alsa"
card = "CARD=Second,DEV=1"
rate = {RATE}

[microphone.fine]
driver = "alsa"
card = "CARD=Loopback,DEV=1"
rate = {RATE}
format = "S32_LE"
timeout = "20s"
"""
FAILING = """#!/bin/sh
# The first stream fails after six seconds, and the second does not begin.
runs={folder}/runs; echo >> $runs
case $(wc -l < $runs) in
1) (sleep 6; echo "arecord: pcm_read:2221: read error: Input/output error" >&2; kill -KILL $$) \
    >/dev/null & ;;
2) echo "arecord: main:831: audio open error: Device or resource busy" >&2; exit 1 ;;
esac
exec /usr/bin/arecord "$@"
"""


@contextlib.contextmanager
def counting(card: str = "Loopback", step: int = 1, bits: int = 16) -> Iterator[None]:
    """The card plays 0, 1, 2 … or 0, -1, -2 …; of 32 bits the upper 24 count."""
    player = subprocess.Popen(
        ["aplay", "-q", "-D", f"hw:{card},0", "-t", "raw", "-f", f"S{bits}_LE", "-r", str(RATE),
         "--buffer-time=5000000", "--period-time=250000"],
        stdin=subprocess.PIPE,
    )
    feeding = threading.Thread(target=feed, args=(player, step, bits), daemon=True)
    feeding.start()
    try:
        yield
    finally:
        player.kill()
        player.wait()
        feeding.join()


def feed(player: subprocess.Popen[bytes], step: int, bits: int) -> None:
    assert player.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        for first in itertools.count(0, step << 16):
            count = np.arange(first, first + (step << 16), step)
            samples = count.astype("<u2") if bits == 16 else (count << 8).astype("<u4")
            player.stdin.write(samples.tobytes())


def test_usb_cards_of_one_make_swap_their_ids_and_keep_their_ports() -> None:
    until(lambda: len(usb_cards()) == 2, START_SECONDS)
    before = usb_cards()
    listed = Path("/proc/asound/cards").read_text()
    assert all(f" at {port}," in listed for port in before), listed
    for port in before:
        plug(port, is_in=False)
    assert usb_cards() == {}
    for port in reversed(before):
        plug(port, is_in=True)
        until(lambda port=port: port in usb_cards(), START_SECONDS)
    print(f"ids by port: {before}, and plugged in the other way round: {usb_cards()}")
    first, second = before.values()
    assert list(before) == list(reversed(usb_cards()))
    assert usb_cards() == dict(zip(before, (second, first), strict=True))


def usb_cards() -> dict[str, str]:
    """Their ids by their ports, in the order of their numbers."""
    return {card.port: card.id for card in cards(Path("/sys")) if card.port}


def plug(port: str, *, is_in: bool) -> None:
    """Let the kernel drop what is in a USB port, or find it again."""
    ports = port.rpartition("-")[2]
    [device] = [
        found for found in Path("/sys/bus/usb/devices").glob(f"*-{ports}")
        if (found / "product").exists() and "Audio" in (found / "product").read_text()
    ]
    (device / "authorized").write_text(f"{is_in:d}\n")


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    with running(tmp_path) as hive:
        yield hive


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[Hive]:
    hive = Hive(folder, DEVICES, **environment)
    hive.begin()
    until(hive.answers, START_SECONDS)
    yield hive
    hive.stop()


def heard(hive: Hive, job: dict[str, Any]) -> Any:
    """A recording's samples as they were played: without a sign."""
    samples, _ = soundfile.read(hive.archive / job["recording"], dtype="int16")
    return samples.view("<u2")


def test_two_cards_at_once_lose_and_double_no_sample_across_recordings(hive: Hive) -> None:
    """One counts up and one down, so that each recording is known to be its own card's."""
    names = {"microphone.loop": 1, "microphone.second": 0xFFFF}
    with counting("Loopback"), counting("Second", step=-1):
        jobs = {
            name: [hive.ask(f"record {name} {PIECE}")["job"] for _ in range(SECONDS // PIECE)]
            for name in names
        }
        with hive.client() as client:
            ended = {
                name: [client.wait(job).payload for job in of_one] for name, of_one in jobs.items()
            }
    for name, step in names.items():
        of_one = ended[name]
        assert [job["outcome"] for job in of_one] == ["done"] * len(of_one), of_one
        assert sum(job["lost_samples"] + job["overruns"] for job in of_one) == 0
        for before, after in itertools.pairwise(of_one):
            assert after["first_sample"] == before["first_sample"] + before["samples"]
        whole = np.concatenate([heard(hive, job) for job in of_one])
        wrong = np.flatnonzero(np.diff(whole) != step)
        print(f"{name}: {len(whole)} samples in {len(of_one)} recordings, "
              f"{len(wrong)} of them not the next after the one before")
        assert len(whole) == SECONDS * RATE
        assert len(wrong) == 0
    begins = [of_one[0]["start_monotonic"] for of_one in ended.values()]
    assert abs(begins[0] - begins[1]) < PIECE / 2


def test_the_gap_of_a_card_that_failed_is_stated_as_its_counter_counts_it(tmp_path: Path) -> None:
    """arecord dies of an I/O error while the card plays on, so the counter tells what was lost."""
    arecord = tmp_path / "bin/arecord"
    arecord.parent.mkdir()
    arecord.write_text(FAILING.format(folder=tmp_path))
    arecord.chmod(0o755)
    path = f"{arecord.parent}:{os.environ['PATH']}"
    with running(tmp_path, PATH=path) as hive, counting(bits=32):
        ended = hive.do(f"record microphone.fine {PIECE}")
        check_gap(hive, ended)
    assert (ended["replugs"], ended["overruns"]) == (1, 0)
    assert ended["samples"] + ended["lost_samples"] == PIECE * RATE


@pytest.mark.skipif(not LONG, reason="takes a minute")
def test_what_an_overrun_lost_is_stated_as_the_counter_counts_it(hive: Hive) -> None:
    """arecord is held up for longer than the card's buffer, which is lost with what came after."""
    with counting(bits=32):
        job = hive.ask(f"record microphone.fine {2 * PIECE}")["job"]
        until(lambda: capture_state().startswith("state: RUNNING"), START_SECONDS)
        time.sleep(5)
        arecord = int(capture_state().partition("owner_pid   : ")[2].split()[0])
        os.kill(arecord, signal.SIGSTOP)
        time.sleep(HELD_SECONDS)
        os.kill(arecord, signal.SIGCONT)
        with hive.client() as client:
            ended = client.wait(job).payload
        check_gap(hive, ended)
    assert (ended["replugs"], ended["overruns"]) == (0, 1)
    assert ended["lost_samples"] >= 10 * RATE
    assert ended["samples"] + ended["lost_samples"] == 2 * PIECE * RATE


def check_gap(hive: Hive, ended: dict[str, Any]) -> None:
    """A recording of the fine counter has one gap, and states it where and as long as it is."""
    assert ended["outcome"] == "done", json.dumps(ended)
    samples, _ = soundfile.read(hive.archive / ended["recording"], dtype="int32")
    steps = np.diff(samples.view("<u4") >> 8)
    [gap] = ended["gaps"]
    [seam] = np.flatnonzero(steps != 1)
    counted = int(steps[seam]) - 1
    print(f"the counter says {counted} samples, stated {gap['samples']}, "
          f"{gap['samples'] - counted:+d}, give or take {gap['uncertainty']}")
    of_before = ended["first_sample"] + seam + 1 - gap["at"]  # arecord fills up what it had begun
    assert 0 <= of_before < (RATE / 4 if ended["overruns"] else 1)
    assert abs(gap["samples"] - counted) <= gap["uncertainty"]


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
        assert ended["outcome"] == "done", json.dumps(ended)
        [gap] = ended["gaps"]
        stated, measured = gap["samples"] / RATE, back - left
        print(f"back {back - bound:.2f} s after the card; away for {measured:.2f} s, stated "
              f"{gap['samples']} samples, {stated:.2f} s, give or take {gap['uncertainty']}")
        assert ended["replugs"] == 1
        assert ended["lost_samples"] == gap["samples"]
        assert ended["samples"] + gap["samples"] == PIECE * RATE
        assert abs(stated - measured) <= PERIOD_SECONDS
        whole = hive.do(f"record microphone.loop {PIECE // 4}")
        assert whole["outcome"] == "done", whole
        assert whole["samples"] == PIECE // 4 * RATE
        assert whole["lost_samples"] == whole["replugs"] == 0
        assert whole["first_sample"] >= ended["first_sample"] + PIECE * RATE
        assert (np.diff(heard(hive, whole)) == 1).all()


def card() -> str | None:
    """The loopback card's id, where it is there."""
    file = Path("/proc/asound/Loopback/id")
    return file.read_text().strip() if file.exists() else None


def capture_state() -> str:
    """What the card says of the stream that arecord takes."""
    status = Path("/proc/asound/Loopback/pcm1c/sub0/status")
    return status.read_text() if status.exists() else ""
