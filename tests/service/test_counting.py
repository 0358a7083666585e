"""The bees in a camera's videos, counted by the real service after they were kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from beemon.ledger.ledger import LedgerReader
from tests.hive import Hive, until

pytest.importorskip("av")
pytest.importorskip("mutagen")

DEVICES = """
[camera.entrance]
driver = "simulated"
speed = 20
width = 160
height = 120
count_bees = true
[camera.other]
driver = "simulated"
speed = 20
width = 160
height = 120
"""
PATIENCE_SECONDS = 500.0
"""Longer than elsewhere, because other tests keep the processor from work of idle priority."""

pytestmark = pytest.mark.timeout(1200)


def counts(hive: Hive) -> dict[tuple[str, str], Any]:
    """The readings about bees, by their camera and quantity."""
    with closing(LedgerReader(hive.archive)) as reader:
        found = reader.db.execute(
            "SELECT * FROM readings JOIN series USING (series) WHERE quantity LIKE 'bees%'"
        ).fetchall()
    return {(row["sensor"], row["quantity"]): row for row in found}


def test_the_bees_of_a_video_are_counted_after_the_next_start(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "clock-is-synchronised").touch()
    hive = Hive(tmp_path, DEVICES, RUNTIME_DIRECTORY=str(runtime))
    with hive:
        video = hive.do("record camera.entrance 3")
        assert hive.do("record camera.other 3")["outcome"] == "done"
        assert hive.stop() == 0
    with hive:
        found = until(lambda: counts(hive), PATIENCE_SECONDS)
        names = {reading["quantity"] for reading in hive.ask("readings")["readings"]}
    assert set(found) == {("camera.entrance", name) for name in ("bees", "bees_out", "bees_in")}
    assert {"bees", "bees_out", "bees_in"} <= names
    assert {(row["utc_us"], row["job"]) for row in found.values()} == {
        (video["start_utc_us"], video["job"])
    }
    bees, out = found["camera.entrance", "bees"], found["camera.entrance", "bees_out"]
    assert 1 < bees["value"] < 40
    assert (bees["quality"], out["quality"], out["uncertainty"]) == (None, "estimated", 1.0)
