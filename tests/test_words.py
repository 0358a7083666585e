"""What people read is written as they speak: no word that our guide to English bans."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import beemon
from beemon.cli.render import EXPLAINED, HERE
from beemon.protocol.commands import VOCABULARY

SOURCE = Path(beemon.__file__).parent
BANNED = re.compile(
    r"\b(anew|reckon(ed|s)?|told of|is none|nobody knows|ails?|so many|goes on)\b"
)
VERBS = {
    "calibrate", "cancel", "check", "confirm", "count", "end", "fit", "import", "list", "mark",
    "measure", "rebuild", "record", "read", "run", "send", "show", "stop", "switch", "take", "use",
    "wait", "write", "answer",
}


def said(file: Path) -> Iterator[tuple[int, str]]:
    """The texts in a module with their lines, but for its documentation."""
    tree = ast.parse(file.read_text("utf-8"))
    documentation = {
        id(statement.value) for statement in ast.walk(tree) if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation and "CREATE TABLE" not in node.value:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    "file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE))
)
def test_no_text_has_a_banned_word(file):
    found = {line: match[0] for line, text in said(file) if (match := BANNED.search(text))}
    assert found == {}


@pytest.mark.parametrize(
    ("word", "summary"),
    [*((word.name, word.summary) for word in VOCABULARY.values()), *HERE.items()],
)
def test_a_summary_begins_with_a_verb(word, summary):
    assert summary.split(" ")[0] in VERBS


def test_no_explanation_has_a_banned_word():
    texts = [" ".join(row) for table in EXPLAINED.values() for row in table.values()]
    assert [text for text in texts if BANNED.search(text)] == []


def test_every_trouble_of_the_service_comes_with_a_remedy():
    without = [
        f"{file.relative_to(SOURCE)}:{call.lineno}"
        for file in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Trouble")
        and len(call.args) < 3 and not any(word.arg == "remedy" for word in call.keywords)
    ]
    assert without == []
