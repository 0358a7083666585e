"""Which recorders pause for space: in the declared order, and not to and fro."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beemon.retention import pausing
from beemon.storage.space import Limits, Space

LIMITS = Limits(1000, 100)
RECORDERS = ["camera.a", "camera.b", "microphone.brood"]
ORDER = ("camera", "microphone")


def paused(free, before=(), order=ORDER, inodes=1000):
    space = Space(free, 10**6, inodes, 10**6)
    return sorted(pausing.paused(space, LIMITS, RECORDERS, order, before))


def test_whose_recordings_go_first_pause_first():
    assert paused(500) == []
    assert paused(499) == ["camera.a", "camera.b"]
    assert paused(250) == ["camera.a", "camera.b"]
    assert paused(249) == RECORDERS


def test_one_device_can_stand_before_its_kind():
    order = ("camera.b", "microphone")
    assert paused(499, order=order) == ["camera.b"]
    assert paused(249, order=order) == ["camera.b", "microphone.brood"]
    assert paused(124, order=order) == RECORDERS  # whoever is not named comes last


def test_inodes_count_as_much():
    assert paused(10**6, inodes=49) == ["camera.a", "camera.b"]


def test_they_go_on_when_there_is_a_quarter_more():
    cameras = ["camera.a", "camera.b"]
    assert paused(624, before=cameras) == cameras
    assert paused(625, before=cameras) == []


@given(st.lists(st.integers(0, 1500), max_size=50))
def test_whatever_happens_the_order_is_kept(seen):
    before: list[str] = []
    for free in seen:
        before = paused(free, before)
        assert "camera.a" in before or "microphone.brood" not in before
