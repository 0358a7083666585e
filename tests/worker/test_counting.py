"""The task that counts bees: it answers with their number, and contains each defect."""

from __future__ import annotations

import pytest

pytest.importorskip("av")

from beemon.base.facts import from_json
from beemon.checks.counting import count_bees
from beemon.ledger.uncounted import Bees
from beemon.worker import counting
from tests.samples import View, write_video


def test_the_bees_are_told_with_the_cpu_time(tmp_path):
    video = tmp_path / "a.mp4"
    write_video(video, View().pictures(60))
    done = counting.count(3, video, None)
    same = count_bees(video)
    found = from_json(Bees, done.facts["bees"])
    assert (found.bees, found.out, found.came) == (same.bees, same.out, same.came)
    assert found.bees > 3
    assert 0 < done.facts["cpu"] < 60
    assert (done.number, done.defects) == (3, {})


def test_the_length_of_a_bee_is_used(tmp_path):
    video = tmp_path / "a.mp4"
    write_video(video, View().pictures(60))
    found = [counting.count(3, video, length).facts["bees"]["bees"] for length in (None, 80.0)]
    assert found[0] > 3 * found[1]


def test_what_cannot_be_counted_has_no_number(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 100)
    write_video(tmp_path / "short.mp4", View().pictures(4))
    for name in ("broken", "short", "deleted"):
        done = counting.count(3, tmp_path / f"{name}.mp4", None)
        assert set(done.facts) == {"cpu"}
        assert done.defects == {}


def test_a_defect_is_told(tmp_path):
    write_video(tmp_path / "a.mp4", View().pictures(60))
    done = counting.count(3, tmp_path / "a.mp4", "long")
    assert "TypeError" in done.defects["counting"]
    assert "bees" not in done.facts
