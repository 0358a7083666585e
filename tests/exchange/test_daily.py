"""Per-day CSV files as AppMAIS writes them."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from beemon.exchange.daily import MOST_TOLD, Column, Line, columns, read

TEMP = columns(["temperature:F", "humidity:%"])


def lines(folder: Path, text: str, expected: tuple[Column, ...] = TEMP) -> list[Line | str]:
    path = folder / "host@2024-05-29.csv"
    path.write_text(text)
    return list(read(path, expected))


def test_a_line_is_a_time_and_numbers(tmp_path: Path) -> None:
    assert lines(tmp_path, '"14-00-00", 87, 53\n"14-05-00",97.3,80.0\n') == [
        Line(1, time(14, 0), (87.0, 53.0)), Line(2, time(14, 5), (97.3, 80.0)),
    ]


@pytest.mark.parametrize("written", ["nan", " nan", "NaN"])
def test_what_could_not_be_had_is_nan(tmp_path: Path, written: str) -> None:
    assert lines(tmp_path, f'"14-00-00",{written},53\n') == [Line(1, time(14), (None, 53.0))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("14:00:00,87,53\n", "is not a time"),
        ('"25-00-00",87,53\n', "hour must be in"),
        ('"14-00-00",warm,53\n', "is not a measurement"),
        ('"14-00-00",1e999,53\n', "is not a measurement"),
        ('"14-00-00",1e305,53\n', "is not a measurement"),
        ('"14-00-00",-inf,53\n', "is not a measurement"),
        ('"14-00-00",1_000,53\n', "is not a measurement"),
        ('"14-00-00",٣,53\n', "is not a measurement"),
        ('"١٤-00-00",87,53\n', "is not a time"),
        ('"14-00-00",8\0,53\n', "NUL characters"),
        ('"14-00-00",' + "8" * 5000 + "\n", "too long for a line"),
        ('"14-00-00\x1b]0;x",87,53\n', r"x1b]0;x"),
        ('"14-00-00",inf,53\n', "is not a measurement"),
    ],
)
def test_a_line_that_makes_no_sense_is_told(tmp_path: Path, text: str, told: str) -> None:
    [said] = lines(tmp_path, text)
    assert isinstance(said, str)
    assert told in said
    assert said.startswith("line 1: ")
    assert said.isprintable()


def test_a_line_that_makes_no_sense_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "host@2024-05-29.csv"
    path.write_bytes(b'\xef\xbb\xbf"14-00-00",87,53\r\n' + bytes(200_000) + b'\n"14-05-00",88,54')
    first, said, last = read(path, TEMP)
    assert (first, last) == (Line(1, time(14), (87.0, 53.0)), Line(3, time(14, 5), (88.0, 54.0)))
    assert str(said).startswith("line 2: it contains NUL")


def test_of_many_lines_that_make_no_sense_the_first_are_told(tmp_path: Path) -> None:
    said = lines(tmp_path, "nonsense\n" * 500)
    assert len(said) == MOST_TOLD + 1
    assert said[-1] == f"{500 - MOST_TOLD} more lines cannot be read"


def test_more_values_than_are_known_are_told_once_and_left_out(tmp_path: Path) -> None:
    text = '"14-10-00",97.3,80.0\n"14-11-00",97.2,80.0\n'
    said, *others = lines(tmp_path, text, columns(["cpu_temperature:F"]))
    assert "it has 2 values, and it was said what 1 are" in str(said)
    assert others == [Line(1, time(14, 10), (97.3,)), Line(2, time(14, 11), (97.2,))]


def test_a_line_cut_short_has_fewer_values(tmp_path: Path) -> None:
    assert lines(tmp_path, '\n"14-00-00",87') == [Line(2, time(14), (87.0,))]


@pytest.mark.parametrize(
    ("unit", "written", "value", "here"),
    [("F", 95.0, 35.0, "°C"), ("lb", 10.0, 4535.9237, "g"), ("kg", 31.2505, 31250.5, "g")],
)
def test_units_become_ours_and_what_was_written_is_kept(
    unit: str, written: float, value: float, here: str
) -> None:
    [column] = columns([f"x:{unit}"])
    assert column.unit == here
    assert column.value(written) == (pytest.approx(value), written)


def test_another_unit_stays(tmp_path: Path) -> None:
    [column] = columns(["humidity:%"])
    assert (column.unit, column.value(53.0)) == ("%", (53.0, None))


@pytest.mark.parametrize("text", ["weight", "Weight:lb", ":lb", "a b:c"])
def test_what_is_no_column_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a column .* such as weight:lb"):
        columns([text])
