"""Some of what ``scripts/damage`` does: after any damage the service comes up and answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grounds import damage

SEEDS = {"bits in the schema": 3, "a page": 7, "a value": 6}


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
