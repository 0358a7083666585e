"""One recording's part of a camera's stream."""

from __future__ import annotations

import threading
import time

import pytest

from beemon.devices._base import DeviceError
from beemon.devices.cameras._film import Film
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._ring import FrameRing

RATE = 10


class Stream:
    """A ring into which frames come, ten a second by their own clock, each fifth a key frame."""

    def __init__(self, seconds=100.0):
        self.ring = FrameRing(seconds)
        self.begin = time.monotonic() - 50

    def send(self, numbers, late=0.0):
        for number in numbers:
            frame = Frame(b"picture", number % 5 == 0, round((number / RATE + late) * 1e6))
            self.ring.append(frame, self.begin + number / RATE + late)

    def taken(self, number):
        return self.begin + number / RATE

    def film(self, number, seconds=1.0, begin=None):
        return Film(self.ring, number, seconds, RATE, begin)


def run(film, cancelled=None):
    return [arrival.number for arrival in film.arrivals(cancelled or threading.Event())]


@pytest.fixture
def stream():
    return Stream()


def test_it_begins_with_a_key_frame_and_lasts_as_long_as_asked(stream):
    stream.send(range(30))
    film = stream.film(7)
    assert run(film) == list(range(10, 20))
    assert film.length == pytest.approx(1.0)
    assert film.number == 20


def test_pre_roll_comes_on_top(stream):
    stream.send(range(40))
    film = stream.film(5, begin=stream.taken(20))
    assert run(film) == list(range(5, 30))
    assert film.facts().pre_roll == pytest.approx(1.5)


def test_its_facts_say_what_it_holds(stream):
    stream.send(range(30))
    film = stream.film(10)
    run(film)
    facts = film.facts()
    assert (facts.frames, facts.first_frame, facts.lost_frames) == (10, 10, 0)
    assert facts.longest_gap == pytest.approx(0.1)
    began = time.time() - (time.monotonic() - stream.taken(10))
    assert facts.start_utc_us / 1e6 == pytest.approx(began, abs=0.1)


def test_cancelled_it_has_what_was_there(stream):
    stream.send(range(12))
    film, cancelled = stream.film(0, seconds=60), threading.Event()
    for arrival in film.arrivals(cancelled):
        if arrival.number == 11:
            cancelled.set()
    assert (film.frames, film.length) == (12, pytest.approx(1.2))


def test_cancelled_before_it_began_it_has_what_comes_first(stream):
    cancelled = threading.Event()
    cancelled.set()
    film = stream.film(1)
    threading.Timer(0.1, stream.send, (range(6),)).start()
    assert run(film, cancelled) == [5]


def test_of_a_stream_that_failed_it_has_nothing(stream):
    stream.ring.fail(DeviceError("gone"))
    with pytest.raises(DeviceError, match="gone"):
        run(stream.film(0))


def test_one_frame_is_shown_for_as_long_as_a_frame(stream):
    stream.send([0])
    film, cancelled = stream.film(0, seconds=60), threading.Event()
    for _ in film.arrivals(cancelled):
        cancelled.set()
    assert film.length == pytest.approx(0.1)


def test_frames_that_were_dropped_are_counted_and_it_goes_on_at_a_key_frame():
    stream = Stream(seconds=1.0)
    stream.send(range(3))
    film = stream.film(0, seconds=10.0)
    frames = film.arrivals(threading.Event())
    assert [next(frames).number for _ in range(3)] == [0, 1, 2]
    stream.send(range(3, 60))  # while the disk hung; those before 49 are dropped
    assert next(frames).number == 50
    assert film.lost == 47
    assert film.facts().longest_gap == pytest.approx(4.8)


def test_frames_that_came_late_are_a_gap(stream):
    stream.send(range(5))
    stream.send(range(5, 30), late=0.4)
    film = stream.film(0)
    run(film)
    assert film.facts().longest_gap == pytest.approx(0.5)


def test_frames_whose_own_clock_stands_end_all_the_same():
    ring, begin = FrameRing(100.0), time.monotonic() - 50
    for number in range(100):
        ring.append(Frame(b"picture", number % 5 == 0, 0), begin + number / RATE)
    film = Film(ring, 0, 2.0, RATE)
    assert len(run(film)) == 1 + RATE * 5
    assert film.repeated == RATE * 5
