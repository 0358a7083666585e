"""How a job ends: four outcomes, and reasons that are documented."""

from __future__ import annotations

import re
from pathlib import Path

import beemon
from beemon.base import outcomes
from beemon.base.outcomes import REASONS, Ending, Outcome

SOURCE = Path(beemon.__file__).parent


def test_there_are_four_outcomes():
    assert set(Outcome) == {"done", "failed", "skipped", "interrupted"}


def test_each_way_to_end_has_its_maker():
    assert outcomes.done(samples=5) == Ending(Outcome.DONE, facts={"samples": 5})
    assert outcomes.failed("timeout", "no answer", tries=2) == Ending(
        Outcome.FAILED, "timeout", "no answer", {"tries": 2}
    )
    assert outcomes.interrupted("crash") == Ending(Outcome.INTERRUPTED, "crash")
    assert outcomes.skipped("busy", "an earlier scheduled command is still waiting") == Ending(
        Outcome.SKIPPED, "busy", "an earlier scheduled command is still waiting"
    )


def test_every_reason_is_one_word_with_a_meaning():
    for reason, (meaning, _) in REASONS.items():
        assert re.fullmatch("[a-z]+(-[a-z]+)*", reason)
        assert meaning


def test_every_reason_that_the_code_gives_is_documented():
    made = re.compile(
        r'(?:failed|skipped|interrupted|Failed|BadReadingError)\(\s*(?:\w+\.number,\s*)?"([^"]+)"'
        r'|\breason = "([a-z-]+)"'
    )
    given = {
        word: str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if "doctor" not in file.parts  # its checks are skipped for reasons in words
        for match in made.finditer(file.read_text("utf-8"))
        for word in match.groups()
        if word
    }
    assert len(given) > 10
    assert {word: file for word, file in given.items() if word not in REASONS} == {}
