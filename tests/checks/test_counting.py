"""Counting: the bees and the flights of a video as it was encoded."""

from __future__ import annotations

import pytest

pytest.importorskip("av")

from beemon.checks.counting import count_bees
from beemon.media.container import UndecodableError
from tests.samples import View, noisy, write_video


def test_the_bees_of_the_simulated_entrance_are_counted(tmp_path):
    write_video(tmp_path / "a.mp4", View().pictures(150))
    found = count_bees(tmp_path / "a.mp4")
    assert 7 < found.bees < 18
    assert 3 < found.out + found.came < 25


def test_a_view_without_bees_has_none(tmp_path):
    write_video(tmp_path / "a.mp4", noisy(View().picture(), 3, 60))
    found = count_bees(tmp_path / "a.mp4")
    assert (found.bees, found.out, found.came) == (0, 0, 0)


def test_a_video_of_few_pictures_is_not_counted(tmp_path):
    write_video(tmp_path / "a.mp4", View().pictures(4))
    assert count_bees(tmp_path / "a.mp4") is None


def test_a_broken_video_is_undecodable(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0" * 100)
    with pytest.raises(UndecodableError):
        count_bees(tmp_path / "a.mp4")
