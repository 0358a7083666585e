"""The ring of samples between the sound card and the disk."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.devices._base import DeviceError
from beemon.devices.microphones.alsa.ring import FEW_OFFSETS, Ring
from beemon.devices.microphones.alsa.stamps import Moment


def frames(first, count):
    return b"".join(number.to_bytes(2, "little") for number in range(first, first + count))


@pytest.fixture
def ring():
    return Ring(frame_bytes=2, capacity=100, rate=1000)


def test_what_went_in_comes_out_by_its_number(ring):
    ring.append(frames(0, 60))
    assert ring.end == 60
    assert ring.take(10, 15, 0) == (10, frames(10, 5))
    assert ring.take(50, 99, 0) == (50, frames(50, 10))


def test_it_goes_round(ring):
    for first in range(0, 490, 70):
        ring.append(frames(first, 70))
        assert ring.take(first, first + 70, 0) == (first, frames(first, 70))
    assert ring.take(390, 490, 0) == (390, frames(390, 100))


def test_the_number_tells_what_was_overwritten(ring):
    ring.append(frames(0, 90))
    ring.append(frames(90, 90))
    assert ring.take(0, 150, 0) == (80, frames(80, 70))


def test_where_everything_asked_for_is_gone_nothing_comes(ring):
    for first in range(0, 500, 100):
        ring.append(frames(first, 100))
    assert ring.take(0, 50, 0) == (50, b"")


def test_it_waits_for_what_has_yet_to_arrive(ring):
    threading.Timer(0.05, ring.append, [frames(0, 10)]).start()
    assert ring.take(0, 100, 5.0) == (0, frames(0, 10))


def test_it_does_not_wait_longer_than_asked(ring):
    assert ring.take(0, 100, 0.01) == (0, b"")


def test_what_arrived_before_a_failure_can_still_be_taken(ring):
    ring.append(frames(0, 10))
    ring.fail(DeviceError("gone"))
    assert ring.take(0, 100, 5.0) == (0, frames(0, 10))
    with pytest.raises(DeviceError, match="gone"):
        ring.take(10, 100, 5.0)


def test_the_first_failure_is_the_one_that_is_told(ring):
    ring.fail(DeviceError("the cause"))
    ring.fail(DeviceError("the effect"))
    with pytest.raises(DeviceError, match="the cause"):
        ring.take(0, 100, 5.0)


def test_the_burst_that_was_least_late_tells_the_time(ring):
    before = time.monotonic()
    ring.append(frames(0, 100))
    after = time.monotonic()
    time.sleep(0.15)
    ring.append(frames(100, 100))
    assert before - 0.1 <= ring.arrival(0) <= after - 0.1
    assert ring.arrival(200) - ring.arrival(100) == pytest.approx(0.1)


def test_after_a_gap_times_are_taken_anew(ring):
    ring.append(frames(0, 100), taken=7.1)
    ring.leave(DeviceError("gone"))
    ring.resume(frames(0, 100), Moment(at=9.35, within=0.0))
    assert ring.end == 2350
    assert ring.arrival(2350) == pytest.approx(9.35)
    ring.append(frames(0, 100), taken=9.452)
    assert ring.arrival(2450) == pytest.approx(9.45)


def test_a_gap_says_whether_it_was_an_overrun(ring):
    ring.append(frames(0, 100), taken=7.1)
    ring.resume(frames(0, 10), Moment(8.1, 0.0), is_overrun=True)
    ring.leave(DeviceError("gone"))
    ring.resume(frames(0, 10), Moment(9.1, 0.0))
    assert ring.end == 2100
    assert [gap.is_overrun for gap in ring.gaps_between(0, ring.end)] == [True, False]


def test_where_the_source_says_when_it_took_them_that_counts(ring):
    ring.append(frames(0, 100), taken=7.1)
    ring.append(frames(100, 100), taken=7.203)
    assert ring.arrival(0) == pytest.approx(7.0)
    assert ring.arrival(150) == pytest.approx(7.15)


def gap_after(ring, offsets, back):
    """The gap after as many pieces of 10 frames as there are offsets (s) from being in time."""
    for number, late in enumerate(offsets, start=1):
        ring.append(frames(0, 10), taken=number / 100 + late)
    ring.leave(DeviceError("gone"))
    ring.resume(frames(0, 10), back)
    [gap] = ring.gaps_between(0, ring.end)
    return gap


def test_a_gap_is_the_time_between_the_last_frame_and_the_first(ring):
    gap = gap_after(ring, [0.0] * 10, Moment(at=3.11, within=0.0))
    assert (gap.begin, gap.end) == (100, 3100)
    assert ring.end == 3110
    assert gap.uncertainty == 2  # one for rounding, and a third for the crystal in three seconds


def test_a_gap_is_as_uncertain_as_the_less_certain_of_its_ends(ring):
    assert gap_after(ring, [0.0] * 10, Moment(3.11, within=0.02)).uncertainty == 22


def test_how_far_most_were_late_before_the_gap_is_how_uncertain_its_beginning_is(ring):
    gap = gap_after(ring, [0.0, *[0.004] * 9], Moment(3.11, within=0.0))
    assert len(gap) == 3000
    assert gap.uncertainty == 6


def test_few_frames_before_a_gap_leave_it_uncertain_by_a_period(ring):
    gap = gap_after(ring, [0.0] * (FEW_OFFSETS - 1), Moment(3.11, within=0.0))
    assert gap.uncertainty >= 250


def test_where_only_arrivals_are_known_the_first_may_be_as_late_as_any_before(ring):
    gap = gap_after(ring, [-1000.0, *[-999.9] * 9], None)
    assert gap.uncertainty >= 100


def test_where_an_overrun_was_is_known_to_a_period(ring):
    ring.append(frames(0, 100), taken=7.1)
    ring.resume(frames(0, 10), Moment(8.1, 0.0), is_overrun=True)
    [gap] = ring.gaps_between(0, ring.end)
    assert gap.uncertainty >= 250


@given(
    sizes=st.lists(st.integers(1, 100), max_size=20),
    first=st.integers(0, 2000),
    length=st.integers(0, 300),
)
def test_whatever_is_taken_is_the_asked_part_of_what_is_still_there(sizes, first, length):
    ring, end = Ring(frame_bytes=2, capacity=100, rate=1000), 0
    for size in sizes:
        ring.append(frames(end, size))
        end += size
    start, data = ring.take(first, first + length, 0)
    expected = range(max(first, end - 100, 0), min(end, first + length))
    assert data == frames(expected.start, len(expected))
    assert start == min(first + length, max(first, end - 100))
