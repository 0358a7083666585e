"""When a camera's encoder runs."""

from __future__ import annotations

import time

import pytest

from beemon.devices._base import DeviceError
from beemon.devices.cameras._encoding import LINGER_SECONDS, Encoding
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._ring import FrameRing


class Encoder:
    """Notes how often it was started and stopped, by a clock that the test sets."""

    def __init__(self):
        self.calls = []
        self.seconds = 1000.0
        self.fails = False

    def start(self, ring):
        if self.fails:
            raise DeviceError("no memory")
        self.calls.append("start")

    def stop(self, ring):
        self.calls.append("stop")

    def encoding(self, *, always=False):
        return Encoding(
            FrameRing(1.0), self.start, self.stop, always=always, now=lambda: self.seconds
        )

    def rest(self, encoding):
        self.seconds += LINGER_SECONDS
        encoding.rest_if_unused()


@pytest.fixture
def encoder():
    return Encoder()


@pytest.fixture
def resting(encoder):
    encoding = encoder.encoding()
    encoder.rest(encoding)
    assert encoding.is_resting
    return encoding


def test_it_runs_at_first_and_rests_when_nobody_has_recorded_for_a_while(encoder):
    encoding = encoder.encoding()
    encoding.rest_if_unused()
    assert not encoding.is_resting
    for _ in range(2):
        encoder.rest(encoding)
    assert encoding.is_resting
    assert encoder.calls == ["stop"]


def test_it_runs_while_anybody_records(encoder, resting):
    with resting.on():
        with resting.on() as first:
            assert first is None
        encoder.rest(resting)
        assert not resting.is_resting
    encoder.seconds += 1
    encoder.rest(resting)
    assert encoder.calls == ["stop", "start", "stop"]


def test_a_recording_for_which_it_is_started_begins_at_its_first_frame(encoder):
    encoding = encoder.encoding()
    for _ in range(3):
        encoding.ring.append(Frame(b"picture", is_key=True, time_us=0), time.monotonic())
    encoder.rest(encoding)
    with encoding.on() as first:
        assert first == 3


def test_it_does_not_rest_while_a_recording_is_examined_which_another_may_follow(encoder, resting):
    with resting.on():
        encoder.seconds += 60
    encoder.rest(resting)
    assert not resting.is_resting
    encoder.seconds += 6
    encoder.rest(resting)
    assert resting.is_resting


def test_with_pre_roll_it_never_rests(encoder):
    encoder.rest(encoder.encoding(always=True))
    assert encoder.calls == []


def test_ended_it_is_left_as_it_is(encoder):
    encoding = encoder.encoding()
    encoding.end()
    encoder.rest(encoding)
    assert encoder.calls == []


def test_one_that_cannot_be_started_is_started_for_the_next_recording(encoder, resting):
    encoder.fails = True
    with pytest.raises(DeviceError, match="no memory"), resting.on():
        pass
    encoder.fails = False
    with resting.on() as first:
        assert first == 0
