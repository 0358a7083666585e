"""A line that is understood without argparse is understood as argparse understands it."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beemon.cli import main as cli
from beemon.cli.shortcut import (
    COMMANDS,
    QUERIES,
    Question,
    Service,
    Uplink,
    parse,
    parse_service,
    parse_uplink,
)
from beemon.protocol.commands import FOR_PROGRAMS, VOCABULARY

TREE = cli._parser("--help")
WORDS = [*COMMANDS, *QUERIES]
TOKENS = [
    "sensor.brood", "10", "", "ü", "a b", "-", "--", "-1", "--json", "--wait", "--check", "--utc",
    "--since",
    "7d", "--config", "x/./y.toml", "--host", "--port", "80", "--js", "--json=1", "--config=x",
]


def by_argparse(line: list[str]) -> Question | None:
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        found = vars(TREE.parse_args(line))
        return Question(**{name: told for name, told in found.items() if name in Question._fields})
    return None


def test_every_word_of_the_protocol_has_its_kind():
    typed = [word for word in VOCABULARY.values() if word.name not in FOR_PROGRAMS]
    assert list(COMMANDS) == [word.name for word in typed if word.is_command]
    assert {*QUERIES} == {*VOCABULARY} - {*COMMANDS, "help", *FOR_PROGRAMS}


@pytest.mark.parametrize("line", [
    ["status"], ["status", "--check"], ["status", "--json"], ["read", "--wait"],
    ["record", "microphone.brood", "30", "--wait", "--json"], ["events", "7d", "defect"],
    ["inspection", "begin", "the queen was seen"], ["ping", "--config", "beemon.toml"],
    ["jobs", "--utc"], ["watch", "--json", "--utc"],
])
def test_a_common_line_takes_the_shortcut(line):
    assert parse(line) is not None


@given(st.sampled_from(WORDS), st.lists(st.sampled_from(TOKENS), max_size=5))
@example("status", ["--json", ""])
@example("read", ["a", "--wait", "b"])
@example("read", ["--wait", "a"])
def test_a_line_that_takes_the_shortcut_means_the_same(word, rest):
    found = parse([word, *rest])
    if found is not None:
        told = by_argparse([word, *rest])
        assert told is not None
        assert told == found._replace(config=Path(found.config))


@pytest.mark.parametrize("line", [
    [], ["--version"], ["-h"], ["status", "--help"], ["help"], ["help", "status"], ["serve"],
    ["config", "check"], ["archive", "check"], ["export", "2026-06-01"], ["auth", "x"], ["brew"],
    ["read", "--check"], ["status", "--wait"], ["budget", "--utc"],
    ["ping", "--port", "80"], ["status", "--config"],
])
def test_any_other_line_is_left_to_argparse(line):
    assert parse(line or [""]) is None


@pytest.mark.parametrize("line", [
    ["serve"], ["serve", "--verbose"], ["serve", "--config", "beemon.toml"],
    ["serve", "--verbose", "--config", "x/./y.toml"],
])
def test_the_service_takes_the_shortcut(line):
    found = parse_service(line)
    assert found is not None
    told = TREE.parse_args(line)
    assert Service(Path(found.config), found.verbose) == Service(told.config, told.verbose)


@pytest.mark.parametrize("line", [
    ["serve", "--help"], ["serve", "now"], ["serve", "--config"], ["serve", "--conf", "x"],
    ["serve", "--config", "x", "--verbose"], ["serve", "--config", "-x"], ["status", "--verbose"],
])
def test_any_other_service_is_left_to_argparse(line):
    assert parse_service(line) is None


@pytest.mark.parametrize("line", [["serve-uplink"], ["serve-uplink", "--config", "beemon.toml"]])
def test_the_uplink_takes_the_shortcut(line):
    found = parse_uplink(line)
    assert found is not None
    told = TREE.parse_args(line)
    assert found._replace(config=Path(found.config)) == Uplink(told.config, told.folder)


@pytest.mark.parametrize("line", [
    ["serve-uplink", "--help"], ["serve-uplink", "--folder", "/x"], ["serve-uplink", "now"],
    ["serve-uplink", "--config"], ["serve"],
])
def test_any_other_uplink_is_left_to_argparse(line):
    assert parse_uplink(line) is None
