"""Weeks of a hive by a clock that is not waited for; `scripts/simulate` plays years and winters."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.grounds.tree import PROJECT

pytestmark = [pytest.mark.ground("small-disk"), pytest.mark.timeout(600)]


def test_weeks_of_mishaps_break_no_promise() -> None:
    assert_holds(simulate("--days", "45"), 4)


def test_a_battery_that_runs_empty_breaks_no_promise_and_a_halt_keeps_the_hive_alive() -> None:
    told = simulate("--winter", "--days", "12", "--watts", "10", "--watt-hours", "36")
    assert_holds(told, 6)
    assert re.search(r"^brown-outs +[1-9]", told, re.MULTILINE), told
    alive = re.search(r"^days alive.* (\d+) +(\d+) +(\d+)$", told, re.MULTILINE)
    assert alive, told
    assert int(alive[1]) < int(alive[3]) == 12


def simulate(*options: str) -> str:
    """What the simulation prints, on a small disk."""
    played = subprocess.run(
        [PROJECT / "scripts/simulate", *options, "--megabytes", "64", "--seed", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
    )
    assert played.returncode == 0, played.stdout
    return played.stdout


def assert_holds(told: str, promises: int) -> None:
    assert "BROKEN" not in told
    assert told.count("holds:") == promises
