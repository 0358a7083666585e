"""Charts of a history, in the terminal and as files."""

from __future__ import annotations

import math
import re
import shutil
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from beemon.base.moments import US_PER_DAY, US_PER_HOUR, to_microseconds
from beemon.cli import main as cli
from beemon.cli import svg_chart, terminal_chart
from beemon.cli.series import make_series, period, time_ticks, value_ticks
from beemon.protocol.replies import History
from tests.hive import Hive

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
BEGIN_US = to_microseconds(BEGIN)
HOURS = ("utc", "mean", "minimum", "maximum", "count", "missing")
SVG = "{http://www.w3.org/2000/svg}"


def day(missing: range = range(0)) -> History:
    rows = []
    for hour in range(24):
        utc = (BEGIN + timedelta(hours=hour)).isoformat()
        mean = 30_000 + 500 * math.sin(hour / 4)
        known = hour not in missing
        measured = (mean, mean - 50, mean + 50, 60, 0) if known else (None, None, None, 0, 60)
        rows.append((utc, *measured))
    return History("sensor.scale", "weight", "g", "hour", HOURS, tuple(rows))


def series(told: History):  # type: ignore[no-untyped-def]
    return make_series(told, BEGIN_US, BEGIN_US + US_PER_DAY)


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("is_braille", [True, False])
def test_a_chart_fits_the_terminal(width: int, is_braille: bool) -> None:
    lines = [*terminal_chart.draw(series(day()), BERLIN, width, is_braille=is_braille)]
    assert max(map(len, lines)) <= width
    assert lines[0] == "sensor.scale weight in kg"
    assert "2026-06-01 02:00:00 +02:00" in lines[-1] + lines[-2]
    assert "\n".join(lines).isascii() is not is_braille


def test_a_gap_stays_empty_in_the_terminal() -> None:
    lines = [*terminal_chart.draw(series(day(range(8, 16))), BERLIN, 80, is_braille=False)]
    drawn = [line.partition("|")[2].ljust(72) for line in lines if "|" in line]
    assert all(set(line[27:44]) == {" "} for line in drawn)
    assert any("*" in line[:22] for line in drawn)
    assert any("*" in line[50:] for line in drawn)


def test_rows_that_are_absent_are_a_gap_too() -> None:
    told = day()
    absent = replace(told, rows=(*told.rows[:8], *told.rows[16:]))
    assert [len(piece) for piece in series(absent).pieces] == [8, 8]


def test_a_picture_is_well_formed_and_says_what_it_shows() -> None:
    root = ET.fromstring(svg_chart.draw(series(day(range(8, 16))), BERLIN))
    assert root.findtext(f"{SVG}title") == "sensor.scale weight"
    assert "in kg, 2026-06-01 02:00:00 +02:00 to" in str(root.findtext(f"{SVG}desc"))
    kinds = [path.get("class") for path in root.iter(f"{SVG}path")]
    assert kinds.count("line") == kinds.count("band") == 2
    labels = [text.text for text in root.iter(f"{SVG}text")]
    assert {"30.0", "12:00"} <= set(labels)


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-6, 4e8])
def test_a_constant_has_ticks_around_it(value: float) -> None:
    told = History("sensor.a", "b", "V", "reading", ("utc", "value", "reason", "quality"),
                   ((BEGIN.isoformat(), value, None, "good"),))
    ticks = value_ticks(series(told), 6)
    assert ticks[0].at <= value <= ticks[-1].at
    assert len({tick.label for tick in ticks}) == len(ticks) <= 7
    assert ET.fromstring(svg_chart.draw(series(told), BERLIN)) is not None


def test_the_time_of_a_day_that_lacks_an_hour_is_local() -> None:
    spring = to_microseconds(datetime(2026, 3, 28, 23, tzinfo=UTC))
    told = History("sensor.a", "b", "V", "reading", ("utc", "value", "reason", "quality"), (
        ("2026-03-29T00:00:00Z", 1.0, None, "good"),
    ))
    found = make_series(told, spring, spring + 23 * US_PER_HOUR)
    labels = [tick.label for tick in time_ticks(found, BERLIN, 24)]
    assert labels == ["03-29", "01:00", *(f"{hour:02}:00" for hour in range(3, 24)), "03-30"]
    assert "2026-03-29 00:00:00 +01:00 to 2026-03-30 00:00:00 +02:00" in period(found, BERLIN)


def test_in_the_hour_that_comes_twice_the_period_is_unambiguous() -> None:
    autumn = to_microseconds(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    found = make_series(replace(day(), rows=()), autumn, autumn + US_PER_HOUR)
    assert period(found, BERLIN) == "2026-10-25 02:30:00 +02:00 to 2026-10-25 02:30:00 +01:00"
    assert period(found, UTC) == "2026-10-25 00:30:00Z to 2026-10-25 01:30:00Z"


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    with Hive(tmp_path_factory.mktemp("hive")) as hive:
        cli.main(["read", "sensor.brood", "--wait", "--config", str(hive.config)])
        yield hive


def test_the_service_gives_the_data(
    hive: Hive, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    end = ["--config", str(hive.config)]
    assert cli.main(["plot", "sensor.brood", "humidity", "today", *end]) == 0
    assert "sensor.brood humidity in %" in capsys.readouterr().out
    assert cli.main(["plot", "sensor.brood", "humidity", "--utc", *end]) == 0
    assert re.search(r"^\S+ \S+Z to \S+ \S+Z$", capsys.readouterr().out, re.MULTILINE)
    picture = tmp_path / "a.svg"
    assert cli.main(["plot", "sensor.brood", "humidity", "-o", str(picture), *end]) == 0
    assert ET.parse(picture).getroot().tag == f"{SVG}svg"


def test_a_wrong_series_is_told_with_those_that_exist(
    hive: Hive, capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["plot", "sensor.brood", "colour", "--config", str(hive.config)]) == 2
    err = capsys.readouterr().err
    assert "humidity" in err
    assert "temperature" in err


def test_a_png_has_twice_the_size_of_the_svg(hive: Hive, tmp_path: Path) -> None:
    if not shutil.which("rsvg-convert"):
        pytest.skip("install librsvg2-bin")
    for name in ("a.svg", "a.png"):
        line = ["plot", "sensor.brood", "humidity", "-o", str(tmp_path / name)]
        assert cli.main([*line, "--config", str(hive.config)]) == 0
    drawn = ET.parse(tmp_path / "a.svg").getroot()
    picture = (tmp_path / "a.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    sides = [int(float(drawn.attrib[side])) for side in ("width", "height")]
    assert [*struct.unpack(">II", picture[16:24])] == [2 * side for side in sides]
    assert len(set(picture)) > 200  # it is not one colour alone


def test_a_png_without_its_program_names_the_package(
    hive: Hive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    line = ["plot", "sensor.brood", "humidity", "-o", "a.png", "--config", str(hive.config)]
    assert cli.main(line) == 1
    assert "sudo apt install librsvg2-bin" in capsys.readouterr().err
