"""Some of what ``scripts/damage`` does: after any damage the service comes up and answers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beemon.ledger import quarantine
from beemon.ledger.ledger import NAME
from tests.grounds import damage
from tests.hive import Hive, until

SEEDS = {
    "bits in the schema": 3, "a page": 7, "a value": 6, "a page that leads back": 447,
    "an index beside its table": 975, "the names of tables": 36,
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that is damaged."""
    folder = tmp_path_factory.mktemp("template") / "archive"
    damage.make(folder)
    return folder


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_the_service_comes_up_answers_and_works(
    template: Path, tmp_path: Path, seed: int
) -> None:
    seen = damage.try_one(template, tmp_path, seed)
    assert seen.is_right, seen
    assert seen.seen, seen
    assert seen.kept > 0.5, seen


def test_the_table_counts_each_kind_and_all(template: Path, tmp_path: Path) -> None:
    seen = [damage.Seen(1, "values", starts=[0], up=True, kept=1.0),
            damage.Seen(2, "a page", starts=[70, 0], up=True, kept=0.5, aside=1)]
    lines = list(damage.table(seen))
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        ["| a page", "1"], ["| values", "1"], ["| all", "2"],
    ]
    assert lines[-1].endswith("| 75.0 |")


SCHEDULED = """
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "1s"
"""


def test_the_third_start_does_without_a_ledger_that_ended_two(tmp_path: Path) -> None:
    hive = Hive(tmp_path, SCHEDULED)
    with hive:
        hive.stop()
    with closing(sqlite3.connect(hive.archive / NAME)) as db:
        db.execute(
            "CREATE TRIGGER odd BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'odd'); END"
        )
    for _ in range(2):
        assert hive.begin().wait(120) == 1
    with hive:
        assert "ledgers-aside" in hive.troubles()
        assert hive.do("read sensor.brood")["outcome"] == "done"
    assert len(quarantine.all_aside(hive.archive)) == 1


def test_a_running_service_tells_of_rows_that_cannot_be_read(tmp_path: Path) -> None:
    hive = Hive(tmp_path, SCHEDULED)
    with hive:
        hive.do("inspection begin")
        hive.stop()
    with closing(sqlite3.connect(hive.archive / NAME)) as db:
        db.execute("UPDATE events SET facts = substr(facts, 1, length(facts) - 1)"
                   " WHERE kind = 'inspection'")
        db.commit()
    with hive:
        told = until(lambda: hive.troubles().get("ledger-rows"), 120)
        assert told.startswith("1 row of the database is damaged and left out (events ")
        assert "inspection" not in hive.ask("status")
        assert hive.ask("status")["state"] == "degraded"
