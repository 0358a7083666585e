"""A scale is calibrated at the hive: over a real client, by the running service."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hive import Hive

SCALE = """
[sensor.scale]
driver = "simulated"
quantities = ["bridge"]
load_file = "{folder}/load"
"""


class Yard:
    """A service with a scale, and what lies on it."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.put(0)
        self.hive = Hive(folder, SCALE.format(folder=folder) + more)

    def put(self, grams: float) -> None:
        (self.folder / "load").write_text(str(grams))

    def reading(self) -> dict[str, Any]:
        """The scale's one reading, taken now."""
        assert self.hive.do("read sensor.scale")["outcome"] == "done"
        readings = {r["quantity"]: r for r in self.hive.ask("readings")["readings"]}
        return readings.get("weight") or readings["bridge"]


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path)
    with yard.hive:
        yield yard


def test_a_scale_is_calibrated_with_a_known_weight_and_stays_so(yard: Yard) -> None:
    hive = yard.hive
    assert yard.reading()["quantity"] == "bridge"
    assert hive.do("calibrate sensor.scale zero")["outcome"] == "done"
    yard.put(10_000)
    done = hive.do("calibrate sensor.scale weight 10kg 5g")
    assert done["outcome"] == "done"
    assert done["grams"] == pytest.approx(10_000, abs=3)
    yard.put(34_000)
    first = yard.reading()
    assert (first["quantity"], first["unit"]) == ("weight", "g")
    assert first["value"] == pytest.approx(34_000, abs=30)
    assert first["raw"] == pytest.approx(-213_400 + 34_000 * 42, abs=10_000)
    assert first["uncertainty"] == pytest.approx(10.0, abs=3)  # 34/10 of 5 g / sqrt 3
    assert hive.stop() == 0
    with hive:
        assert yard.reading()["calibration"] == first["calibration"]
        kept = hive.ask("calibrations sensor.scale")["calibrations"]
        assert [one["step"] for one in kept] == ["zero", "weight"]
        assert kept[-1]["calibration"] == first["calibration"]
    ledger = sqlite3.connect(hive.archive / "ledger.db")
    raws = ledger.execute("SELECT raw, value FROM readings ORDER BY utc_us").fetchall()
    assert all(raw is not None for raw, _ in raws)
