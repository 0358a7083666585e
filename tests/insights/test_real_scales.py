"""Real curves, where they are at hand: in the folder BEEMON_DATA, or beside the checkout."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from beemon.insights.budget import find_budget
from beemon.insights.visits import find_visits
from beemon.scale.steps import Around, Weighed, find_steps
from scripts.insight.curves import days, winter

DATA = Path(os.environ.get("BEEMON_DATA") or Path(__file__).parents[3] / "shared/data")
pytestmark = pytest.mark.skipif(
    not (DATA / "winter").is_dir(), reason="no real scales: set BEEMON_DATA to their folder"
)


@pytest.mark.parametrize("is_day", [True, False])
def test_a_winters_week_has_wild_readings_and_no_step(is_day):
    curves = winter(DATA / "winter")
    assert len(curves) == 2
    for curve in curves:
        weighed = [Weighed(*value) for value in curve.weights]
        jumps = [abs(b.grams - a.grams) for a, b in pairwise(weighed)]
        assert sum(jump > 300 for jump in jumps) >= 4
        assert find_steps(weighed, Around(lambda _: is_day)) == []


def test_its_days_lose_little_and_have_no_visit():
    for curve in winter(DATA / "winter"):
        found = [each for _, each in days(curve, rules=(find_budget, find_visits))]
        nets = [m.value for each in found for m in each.measured if m.name == "net"]
        assert len(nets) >= 5
        assert all(abs(net) < 800 for net in nets)
        assert not any(each.findings for each in found)
