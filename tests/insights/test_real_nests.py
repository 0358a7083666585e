"""The rules of the nest in four real hives, if their data are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beemon.insights.heat import LITTLE
from scripts.insight.nest import HELD_TOLD, Season, seen_brood, urban
from tests.insights.test_sentences import wrong_with

DATA = Path(os.environ.get("BEEMON_DATA", Path(__file__).parents[3] / "shared/data"))

pytestmark = pytest.mark.skipif(
    not (DATA / "urban").is_dir(), reason="no real hives: set BEEMON_DATA to their folder"
)


@pytest.fixture(scope="module")
def hives() -> dict[str, Season]:
    return {season.hive: season for season in urban(DATA, None)}


def test_no_brood_that_a_beekeeper_saw_is_contradicted(hives):
    seen = [
        found for one in seen_brood(DATA, None)
        if one.hive in hives and (found := hives[one.hive].days.get(one.date))
        and any(number.name == "nest_mean" for number in found.measured)
    ]
    said = [" ".join(found.sentences) for found in seen]
    assert sum(any(words in one for words in HELD_TOLD) for one in said) >= 4
    assert len(said) == 6
    assert not any("no longer" in one for one in said)


def test_the_heat_of_living_hives_is_never_denied(hives):
    nights = [night for hive in hives.values() for night in hive.number("heat")]
    assert len(nights) > 300
    assert min(nights) > LITTLE
    assert [hive.findings("no-heat") for hive in hives.values()] == [[]] * len(hives)


def test_what_is_said_of_them_is_plain(hives):
    said = {
        text for hive in hives.values() for found in hive.days.values()
        for finding in found.findings
        for text in (finding.says, *finding.for_, *finding.unknown)
    }
    said |= {
        text for hive in hives.values() for found in hive.days.values()
        for text in (*found.sentences, *found.unknown)
    }
    assert {text: wrong for text in said if (wrong := wrong_with(text))} == {}
