"""Every word that beemon explains has a meaning, and a remedy that can be followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from beemon.base.explanation import Explanation, meanings
from beemon.cli.manual import EXPLAINED, HERE, explanation
from beemon.protocol.commands import VOCABULARY, parse
from scripts.manual import fill

PAGE = fill((Path(__file__).parents[2] / "debian/beemon-reasons.7").read_text("utf-8"))
ROWS = [
    (f"{kind}: {word}", word, explained)
    for kind, table in EXPLAINED.items()
    for word, explained in table.items()
]
IMPERATIVES = {
    "Check", "Clean", "Close", "Connect", "Delete", "Do", "End", "Find", "Free", "Go", "Install",
    "Join", "Leave", "List", "Look", "Lower", "Measure", "Name", "Read", "Reduce", "Remove",
    "Report", "Restart", "Resume", "See", "Send", "Set", "Shade", "Shorten", "Start", "Switch",
    "Try", "Unplug", "Use", "Wait",
}
STANDS_FOR = {
    "DEVICE": "camera.a", "SENSOR": "sensor.a", "SCALE": "sensor.a", "JOB": "1", "WORD": "record",
    "REASON": "record", "FINDING": "1",
}
every_row = pytest.mark.parametrize(("word", "explained"), [row[1:] for row in ROWS],
                                    ids=[row[0] for row in ROWS])


@every_row
def test_a_remedy_begins_with_what_to_do_and_is_whole_sentences(word, explained):
    assert explained.remedy.split(" ")[0] in IMPERATIVES
    assert explained.remedy.endswith((".", "?"))
    assert explained.meaning
    assert not explained.meaning.endswith(".")


@every_row
def test_every_command_in_a_remedy_is_one(word, explained):
    for command in re.findall(r"`beemon ([^`]+)`", explained.remedy):
        name, *rest = command.split(" ")
        if any(here.split(" ")[0] == name for here in HERE):
            assert command in HERE
        elif command != f"help {rest[0] if rest else ''}" or rest[0] not in _all_words():
            parse(" ".join([name, *(STANDS_FOR.get(r, r) for r in rest)]), set(STANDS_FOR.values()))


def _all_words() -> set[str]:
    return {*VOCABULARY, *(word for table in EXPLAINED.values() for word in table), "WORD"}


@every_row
def test_help_explains_every_word_without_the_service(word, explained):
    said = "\n".join(explanation(word))
    assert explained.meaning in said
    assert explained.remedy in said


def test_a_word_that_nobody_explains_gets_no_line():
    assert list(explanation("brew")) == []


def test_meanings_leave_out_the_remedies():
    assert meanings({"a": Explanation("b", "c")}) == {"a": "b"}


@every_row
def test_the_manual_has_every_word_with_its_meaning_and_its_remedy(word, explained):
    plain = re.sub(r"\\(?:f[BIR]|[%&])|^\.[A-Z]+ ?", "", PAGE, flags=re.MULTILINE)
    text = " ".join(plain.replace("\\-", "-").split())
    said = f"{word} {explained.meaning}. {explained.remedy}".replace("`", "")
    assert said in text
