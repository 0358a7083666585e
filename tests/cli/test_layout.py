"""What people read fits their terminal, in width and in characters."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from beemon.cli import layout
from beemon.cli.layout import Table, fitted, plain

ROWS = [("device", "state", "trouble"), ("sensor.brood", "in trouble", "no answer " * 4 + "at all")]


def laid(part: layout.Part, width: int | None) -> list[str]:
    return list(fitted(part, width))


def test_a_table_that_fits_has_columns():
    assert laid(Table([("a", "bb", "c"), ("aaa", "b", "")]), 80) == ["a    bb  c", "aaa  b"]


def test_where_no_width_is_known_a_row_is_a_line():
    assert len(laid(Table(ROWS, headed=True), None)) == 2
    assert laid("word " * 100, None) == [("word " * 100).rstrip()]


def test_a_long_last_cell_stays_in_its_column_while_there_is_room():
    first, second = laid(Table(ROWS, headed=True), 60)[1:]
    assert first.startswith("sensor.brood  in trouble  no answer")
    assert second == " " * 26 + "answer at all"


def test_a_table_that_is_too_wide_falls_into_blocks():
    assert laid(Table(ROWS, headed=True), 32) == [
        "device",
        "sensor.brood",
        "  state: in trouble",
        "  trouble: no answer no answer",
        "    no answer no answer at all",
    ]


def test_a_cell_without_content_is_no_line_of_a_block():
    rows = [("sensor.brood.of.a.long.name", "-", "", "on")]
    assert laid(Table(rows), 32) == ["sensor.brood.of.a.long.name", "  on"]


def test_an_indented_paragraph_stays_indented():
    assert laid("  one two three", 10) == ["  one two", "  three"]


def test_what_has_no_space_is_not_broken():
    path = "/var/lib/beemon/recordings/2026-06-01/hive-a"
    assert laid(f"in {path}", 32) == ["in", path]


def test_a_table_without_rows_is_no_line():
    assert laid(Table([]), 32) == []


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("35.07 °C ± 0.1 …", "utf-8", "35.07 °C ± 0.1 …"),
        ("35.07 °C ± 0.1 …", "latin-1", "35.07 °C ± 0.1 ..."),
        ("35.07 °C ± 0.1 …", "ascii", "35.07 deg C +/- 0.1 ..."),
        ("“Bienenstöcke” – 3×", "ascii", '"Bienenstocke" - 3x'),
        ("“Ω”", "latin-1", '"Ohm"'),
        ("蜂", "ascii", "?"),
        ("\x1b[31m\a\u202e", "utf-8", "\\x1b[31m\\x07\\u202e"),
        ("a\udcff", "utf-8", "a?"),
    ],
)
def test_what_an_encoding_cannot_show_is_written_in_its_characters(text, encoding, shown):
    assert plain(text, encoding) == shown


def test_what_is_printed_without_the_layout_does_not_fail_either(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    layout.prepare()
    print("± 5 °C")
    sys.stdout.flush()
    assert written.getvalue() == b"+/- 5 deg C\n"


def test_a_closed_standard_output_swallows_what_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    layout.prepare()
    layout.say("nobody hears it")


@pytest.mark.parametrize(("given", "width"), [("40", 40), ("0", None), ("x", None), ("", None)])
def test_a_pipe_has_the_width_that_is_given_or_none(given: str, width: Any, monkeypatch):
    monkeypatch.setenv("COLUMNS", given)
    assert layout.width_of(io.StringIO()) == width


def test_a_cell_of_several_lines_is_one():
    assert layout.text([Table([("a", "b\nc")])], io.StringIO(), None) == "a  b c"
