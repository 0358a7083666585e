"""Every sentence about the colony is plain English, and claims nothing that nobody can measure.

The functions of `beemon.insights.sentences` are called with all kinds of numbers and words. Whoever
writes another one need not enter it here.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beemon.base.finding import KINDS
from beemon.insights import sentences
from tests.test_words import IN_TEXTS, faults, parsed, texts

FORBIDDEN = re.compile(
    r"\b(queen ?less\w*|(no|without|lacks?|lost (its|the)) (brood|queen)|broodless"
    r"|(un)?healthy|sick\w*|will swarm|confiden\w+|dead|died)\b",
    re.IGNORECASE,
)
"""Words for what no sensor of a hive shows, and a certainty that nobody measured."""

MODULES = [
    import_module(f"{sentences.__name__}.{module.name}")
    for module in pkgutil.iter_modules(sentences.__path__)
]
NUMBERS = st.floats(-1e5, 1e5) | st.floats(-100, 100) | st.sampled_from([0.0, -0.0, 0.04, -0.04])
COUNTS = st.integers(0, 10_000)
NOUNS = st.sampled_from([
    "the temperature of the nest", "the weight", "sensor.scale", "camera.entrance", "12:15",
])

PLAIN = {float: NUMBERS, int: COUNTS, str: NOUNS}
BUILT_IN = {float: st.floats(), int: st.integers(), str: st.text()}


def functions(module: ModuleType) -> Iterator[Callable[..., object]]:
    """The module's own public functions."""
    for name, one in inspect.getmembers(module, inspect.isfunction):
        if one.__module__ == module.__name__ and not name.startswith("_"):
            yield one


def said(value: object) -> Iterator[str]:
    """The sentences in the result of a function."""
    if isinstance(value, str):
        yield value
    elif value is not None:
        assert isinstance(value, tuple | list), f"{value!r} is no sentence"
        for one in value:
            yield from said(one)


def wrong_with(sentence: str) -> list[str]:
    found = [f"the claim `{match[0]}`" for match in FORBIDDEN.finditer(sentence)]
    found += faults(sentence, IN_TEXTS)
    if not re.fullmatch(r"[A-ZÄÖÜ0-9].*[.?]", sentence, re.DOTALL):
        found.append("no whole sentence")
    if re.search(r"  |nan|inf\b|None|-0(\.0+)?(?!\.?\d)", sentence):
        found.append("a number that nobody can read")
    return found


EVERY = [one for module in MODULES for one in functions(module)]


def arguments(function: Callable[..., object]) -> st.SearchStrategy[dict[str, object]]:
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return")
    return st.fixed_dictionaries({name: of_type(hint) for name, hint in hints.items()})


def of_type(hint: object) -> st.SearchStrategy[object]:
    if get_origin(hint) is Annotated:
        _, among = get_args(hint)
        return st.sampled_from(among) if isinstance(among, range) else st.floats(*among)
    return PLAIN[hint] if hint in PLAIN else st.from_type(hint)


@pytest.fixture(autouse=True, scope="module")
def _plain_values() -> Iterator[None]:
    """What stands in the fields of a value, and in a list, is drawn alike."""
    for kind, strategy in PLAIN.items():
        st.register_type_strategy(kind, strategy)
    yield
    for kind, strategy in BUILT_IN.items():
        st.register_type_strategy(kind, strategy)


@pytest.mark.parametrize("function", EVERY, ids=lambda one: f"{one.__module__}.{one.__name__}")
@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_every_sentence_is_plain_and_claims_nothing(function, data):
    for sentence in said(function(**data.draw(arguments(function)))):
        assert wrong_with(sentence) == [], sentence


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_so_is_every_text_of_their_modules(module):
    """The parts of sentences that no call above may have reached."""
    found = {
        text for node in ast.walk(parsed(Path(module.__file__)))
        if isinstance(node, ast.Constant) and isinstance(text := node.value, str)
        and FORBIDDEN.search(text)
    }
    assert found == set()


RULES = sorted(Path(sentences.__path__[0]).parent.glob("*.py"))


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_no_rule_has_prose_of_its_own(file):
    assert list(texts(parsed(file))) == []


def test_no_kind_of_finding_claims_more_than_its_sentences():
    assert [word for kind in KINDS.values() for word in kind if FORBIDDEN.search(word)] == []


@pytest.mark.parametrize("claim", [
    "The hive is queenless.", "There is no brood.", "The colony is healthy.", "The bees are sick.",
    "It will swarm tomorrow.", "The confidence is 80 %.", "It is 34.0 °C warm and  steady.",
    "It lost -0 g.", "nobody was at the hive.", "It weighs nan kg.",
])
def test_the_check_finds_a_claim(claim):
    assert wrong_with(claim)
