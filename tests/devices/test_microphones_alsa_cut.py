"""What one recording takes out of the stream of samples."""

from __future__ import annotations

import threading
import time

import pytest

from beemon.devices._base import DeviceMissingError
from beemon.devices.microphones.alsa.cut import Cut
from beemon.devices.microphones.alsa.ring import Gap, Ring


def test_a_recording_that_ends_in_the_gap_and_one_that_follows_share_it(tmp_path):
    ring = Ring(frame_bytes=2, capacity=2000, rate=1000)
    ring.append(bytes(200))
    ring.leave(DeviceMissingError("gone"))
    time.sleep(0.05)
    assert 150 <= ring.end < 1000
    ring.resume(bytes(20))
    [gap] = ring.gaps_between(0, ring.end)
    assert gap.begin == 100
    assert gap.end == ring.end - 10
    middle = 110
    one, two = Cut(50, middle), Cut(middle, ring.end)
    for cut in (one, two):
        for data in cut.chunks(ring, threading.Event(), patience=0.1):
            cut.wrote(len(data) // 2)
    assert (one.written, one.overwritten) == (50, 10)
    assert (two.written, two.overwritten, two.first) == (10, len(gap) - 10, gap.end)
    assert ring.gaps_between(one.begin, one.end) == [Gap(100, middle, gap.uncertainty)]
    assert ring.gaps_between(two.begin, two.end) == [Gap(middle, gap.end, gap.uncertainty)]


def test_a_card_that_does_not_come_back_is_missing():
    ring = Ring(frame_bytes=2, capacity=100, rate=1000)
    ring.append(bytes(20))
    ring.leave(DeviceMissingError("read error: No such device"))
    cut = Cut(0, 400)
    chunks = cut.chunks(ring, threading.Event(), patience=0.0, returns=0.5)
    cut.wrote(len(next(chunks)) // 2)
    with pytest.raises(DeviceMissingError, match="read error: No such device"):
        next(chunks)


def test_what_the_disk_was_too_slow_for_is_counted_exactly(tmp_path):
    ring = Ring(frame_bytes=2, capacity=100, rate=1000)
    cut = Cut(0, 400)
    ring.append(bytes(200))
    for data in cut.chunks(ring, threading.Event(), patience=0.1):
        cut.wrote(len(data) // 2)
        for _ in range(3):  # while the disk stalls, 50 more arrive than the ring can hold
            ring.append(bytes(100))
    assert (cut.first, cut.position) == (0, 400)
    assert cut.overwritten == 2 * 50
    assert cut.written == 300
