"""The ring of encoded frames."""

from __future__ import annotations

import threading
import time

import pytest

from beemon.devices._base import DeviceError
from beemon.devices.cameras import _ring
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._ring import FrameRing


def fill(ring, numbers, every=5, size=10, pace=0.1):
    """Frames a tenth of a second apart, each ``every``-th a key frame."""
    for number in numbers:
        frame = Frame(bytes(size), number % every == 0, round(number * pace * 1e6))
        ring.append(frame, number * pace)


def numbers(arrivals):
    return [arrival.number for arrival in arrivals]


@pytest.fixture
def ring():
    ring = FrameRing(seconds=2.0)
    fill(ring, range(100))
    return ring


def test_it_has_the_last_seconds(ring):
    assert numbers(ring.take(0, 0)) == list(range(79, 100))
    assert ring.end == 100


def test_who_reads_from_a_number_gets_all_that_is_there(ring):
    assert numbers(ring.take(97, 0)) == [97, 98, 99]


def test_it_holds_no_more_bytes_than_it_may():
    ring = FrameRing(seconds=1e6)
    fill(ring, range(10), size=_ring.LARGEST_BYTES // 4)
    assert numbers(ring.take(0, 0)) == [6, 7, 8, 9]


def test_who_waits_gets_what_arrives(ring):
    threading.Timer(0.1, fill, (ring, range(100, 101))).start()
    assert numbers(ring.take(100, 10)) == [100]


def test_who_waits_in_vain_gets_nothing(ring):
    begin = time.monotonic()
    assert ring.take(100, 0.1) == []
    assert time.monotonic() - begin >= 0.1


def test_after_a_failure_there_is_what_had_arrived_and_then_the_first_error(ring):
    ring.fail(DeviceError("gone"))
    ring.fail(DeviceError("closed"))
    assert numbers(ring.take(99, 10)) == [99]
    with pytest.raises(DeviceError, match="gone"):
        ring.take(100, 10)


def test_a_picture_that_is_passed_over_has_a_number_and_is_given_to_nobody(ring):
    ring.pass_over()
    assert ring.end == 101
    assert ring.take(100, 0) == []
    fill(ring, [101])
    assert numbers(ring.take(100, 0)) == [101]


def test_it_finds_the_key_frame_up_to_a_number(ring):
    assert [ring.key_at(number) for number in (99, 95, 94, 84)] == [95, 95, 90, 80]
    assert ring.key_at(79) is None


def test_it_finds_the_key_frame_before_a_moment_or_the_first_after(ring):
    assert [ring.key_before(moment) for moment in (9.9, 9.0, 1.0)] == [95, 90, 80]
    assert FrameRing(1.0).key_before(5.0) is None


def test_it_tells_how_long_nothing_came(ring):
    time.sleep(0.05)
    assert 0.05 <= ring.silence < 5
