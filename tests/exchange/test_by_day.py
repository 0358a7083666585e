"""The layouts of a file a day, from a real archive."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.cli import main as cli
from beemon.exchange import export
from beemon.exchange.layout import About, Selection
from beemon.exchange.layouts import LAYOUTS
from beemon.exchange.period import parse
from beemon.exchange.tables import View
from beemon.formats.fields import FieldError
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger, LedgerReader
from tests import seasons

NEW_YORK = ZoneInfo("America/New_York")
Out = pytest.CaptureFixture[str]


def exported(
    reader: LedgerReader, folder: Path, layout: str, about: About, asked: dict[str, str]
) -> dict[str, Any]:
    view = View(reader, parse("2026-06-01", "2026-06-02", NEW_YORK), (), NEW_YORK)
    selection = Selection(view, folder / "archive", about, asked)
    return export.export(LAYOUTS[layout], selection, folder / "out")


@pytest.mark.parametrize(
    ("layout", "ending"),
    [("influx", "lp"), ("sensorthings", "json"), ("hivetool", "xml"), ("beep", "jsonl")],
)
def test_each_day_with_readings_has_a_file(
    reader: LedgerReader, tmp_path: Path, layout: str, ending: str
) -> None:
    manifest = exported(reader, tmp_path, layout, About("apiary-7"), {})
    assert [file["path"] for file in manifest["files"]] == [
        f"2026-06-01.{ending}", f"2026-06-02.{ending}",
    ]


def test_influx_has_a_line_for_each_reading(reader: LedgerReader, tmp_path: Path) -> None:
    manifest = exported(reader, tmp_path, "influx", About("apiary-7"), {})
    lines = (tmp_path / "out/2026-06-01.lp").read_text("utf-8").splitlines()
    assert len(lines) == manifest["files"][0]["rows"] == 9
    assert sum("reason=" in line for line in lines) == 1
    assert all(line.startswith("beemon,clock=synchronised,hive=apiary-7,") for line in lines)


def test_sensorthings_has_every_reading_and_a_position_only_if_asked(
    reader: LedgerReader, tmp_path: Path
) -> None:
    exported(reader, tmp_path, "sensorthings", About("apiary-7", 48.1, 11.5), {})
    told = json.loads((tmp_path / "out/2026-06-01.json").read_text("utf-8"))
    assert [len(one["Observations"]) for one in told["Datastreams"]] == [3, 3, 3]
    assert told["Locations"][0]["location"]["coordinates"] == [11.5, 48.1]


def test_hivetool_has_an_observation_a_minute_in_local_time(
    reader: LedgerReader, tmp_path: Path
) -> None:
    exported(reader, tmp_path, "hivetool", About("apiary-7"), {})
    root = ElementTree.fromstring((tmp_path / "out/2026-06-01.xml").read_text("utf-8"))
    times = [one.findtext("hive_observation_time") for one in root]
    assert times == [f"2026-06-01 08:0{minute}:00" for minute in range(3)]
    assert [one.findtext("hive_weight_lbs") for one in root] == [None, "68.8956", "68.8956"]


def test_beep_has_a_line_for_each_request(reader: LedgerReader, tmp_path: Path) -> None:
    manifest = exported(reader, tmp_path, "beep", About("apiary-7"), {})
    lines = (tmp_path / "out/2026-06-01.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0]) == {"time": 1_780_315_200, "t_i": 35.0, "h": 61.5}
    assert json.loads(lines[1])["weight_kg"] == 31.2505
    assert manifest["fields"]["sensor.scale weight"] == "weight_kg"


def test_a_sensor_is_chosen_for_a_field(reader: LedgerReader, tmp_path: Path) -> None:
    manifest = exported(reader, tmp_path, "beep", About("apiary-7"), {"t": "sensor.brood"})
    assert manifest["fields"]["sensor.brood temperature"] == "t"
    with pytest.raises(FieldError):
        exported(reader, tmp_path / "again", "beep", About("apiary-7"), {"t": "sensor.scale"})
    assert not (tmp_path / "again").exists() or list((tmp_path / "again").iterdir()) == []


@pytest.mark.parametrize(
    ("layout", "field", "told"),
    [("csv", "t=sensor.brood", "has no fields"), ("beep", "x=sensor.brood", 'no field "x"')],
)
def test_a_wrong_field_is_wrong_usage(
    tmp_path: Path, capsys: Out, layout: str, field: str, told: str
) -> None:
    seasons.make(tmp_path / "archive")
    words = ["export", "2026-06-01", "--layout", layout, "--field", field]
    words += ["--path", str(tmp_path / "archive"), "--output", str(tmp_path / "out")]
    assert cli.main(words) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_sensor_without_a_clear_place_is_left_out_and_told(
    tmp_path: Path, capsys: Out
) -> None:
    (tmp_path / "archive").mkdir()
    with closing(Ledger(tmp_path / "archive")) as ledger:
        ledger.prepare()
        with ledger.transaction():
            ledger.begin_run()
            job = ledger.accept("read sensor.t1", "schedule")
            at = Stamp(seasons.NOON, 1.0, Quality.RTC)
            series.keep(ledger, job, [Reading("sensor.t1", "temperature", "°C", 35.0, None, at)])
    words = ["export", "2026-06-01", "--layout", "beep", "--path", str(tmp_path / "archive")]
    assert cli.main([*words, "--output", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "Left out: sensor.t1 temperature. Choose with --field FIELD=SENSOR." in told
    assert "holds nothing" not in told
    words += ["--output", str(tmp_path / "again"), "--field", "t_i=sensor.t1"]
    assert cli.main(words) == 0
    assert json.loads((tmp_path / "again/2026-06-01.jsonl").read_text())["t_i"] == 35.0
