"""Weeks of a hive by a clock that is not waited for; `scripts/simulate` plays a whole year."""

from __future__ import annotations

import subprocess

import pytest

from tests.grounds.tree import PROJECT

pytestmark = [pytest.mark.ground("small-disk"), pytest.mark.timeout(600)]


def test_weeks_of_mishaps_break_no_promise() -> None:
    played = subprocess.run(
        [PROJECT / "scripts/simulate", "--days", "45", "--megabytes", "64", "--seed", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
    )
    assert played.returncode == 0, played.stdout
    assert "BROKEN" not in played.stdout
    assert played.stdout.count("holds:") == 4
