"""The layout of AppMAIS: names, and an export in it."""

from __future__ import annotations

import json
import resource
from contextlib import closing
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.units import to_celsius
from beemon.exchange import appmais, export
from beemon.exchange.appmais import Name, parse_name, to_fahrenheit
from beemon.exchange.layout import About, Selection
from beemon.exchange.period import parse
from beemon.exchange.tables import View
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger, LedgerReader, open_reader
from beemon.storage.files import digest
from tests import seasons


def export_to(folder: Path, view: View, archive: Path) -> dict[str, Any]:
    selection = Selection(view, archive, About("apiary-7"))
    return export.export(appmais.LAYOUT, selection, folder)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    seasons.make(tmp_path / "archive")
    return tmp_path / "archive"


def test_a_name_says_host_day_and_time() -> None:
    assert parse_name("AppMAIS11R@2022-09-13@13-40-00.h264") == Name(
        "AppMAIS11R", date(2022, 9, 13), time(13, 40), ".h264"
    )
    assert parse_name("rpi4-60@2024-05-29@14-20-00-2.WAV") == Name(
        "rpi4-60", date(2024, 5, 29), time(14, 20), ".wav", again=True
    )


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "a@2022-13-01@00-00-00.wav", "a@2022-01-01@25-00-00.wav", "a@2022-01-01.csv"],
)
def test_another_name_says_nothing(name: str) -> None:
    assert parse_name(name) is None


def test_fahrenheit_is_exact_where_it_is_known() -> None:
    for celsius, fahrenheit in ((0.0, 32.0), (100.0, 212.0), (-40.0, -40.0), (35.0, 95.0)):
        assert to_fahrenheit(celsius) == fahrenheit
        assert to_celsius(fahrenheit) == celsius


def test_an_export_has_recordings_and_a_csv_file_a_day(
    archive: Path, reader: LedgerReader, tmp_path: Path
) -> None:
    view = View(reader, parse("2026-06-01", "2026-06-02"), (), ZoneInfo("America/New_York"))
    manifest = export_to(tmp_path / "out", view, archive)
    files = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*")}
    assert files == {
        "manifest.json",
        "audio/2026-06-01/apiary-7@2026-06-01@08-00-00.flac",
        "audio/2026-06-02/apiary-7@2026-06-02@08-00-00.flac",
        "brood/2026-06-01/apiary-7@2026-06-01.csv",
        "brood/2026-06-02/apiary-7@2026-06-02.csv",
        "scale/2026-06-01/apiary-7@2026-06-01.csv",
        "scale/2026-06-02/apiary-7@2026-06-02.csv",
    }
    assert (tmp_path / "out/brood/2026-06-01/apiary-7@2026-06-01.csv").read_text() == (
        '"08-00-00",95,61.5\n"08-01-00",95.225,61.5\n"08-02-00",95.45,61.5\n'
    )
    assert (tmp_path / "out/scale/2026-06-02/apiary-7@2026-06-02.csv").read_text() == (
        '"08-00-00",nan\n"08-01-00",31250.5\n"08-02-00",31250.5\n'
    )
    assert manifest["columns"]["brood"] == ["time", "temperature (°F)", "humidity (%)"]
    assert json.loads((tmp_path / "out/manifest.json").read_text()) == manifest


def test_a_copy_is_the_recording(archive: Path, reader: LedgerReader, tmp_path: Path) -> None:
    view = View(reader, parse("2026-06-01"), (), ZoneInfo("UTC"))
    export_to(tmp_path / "out", view, archive)
    [original] = archive.glob("recordings/2026-06-01/*.flac")
    [copy] = (tmp_path / "out/audio").rglob("*.flac")
    assert digest(copy) == digest(original)


def test_what_was_deleted_is_listed_as_missing(
    archive: Path, reader: LedgerReader, tmp_path: Path
) -> None:
    [original] = archive.glob("recordings/2026-06-01/*.flac")
    original.unlink()
    view = View(reader, parse("2026-06-01"), (), ZoneInfo("UTC"))
    manifest = export_to(tmp_path / "out", view, archive)
    assert manifest["missing"] == [str(original.relative_to(archive))]
    assert list((tmp_path / "out").rglob("*.flac")) == []


def test_a_year_needs_no_more_open_files_than_a_day(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with closing(Ledger(tmp_path / "archive")) as ledger:
        ledger.prepare()
        with ledger.transaction():
            ledger.begin_run()
            job = ledger.accept("read sensor.brood", "schedule")
            for day in range(100):
                at = Stamp(seasons.NOON + day * seasons.DAY, 1.0, Quality.RTC)
                reading = Reading("sensor.brood", "humidity", "%", 61.5, None, at)
                series.keep(ledger, job, [reading])
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_open_files() + 20, before[1]))
    try:
        with closing(open_reader(tmp_path / "archive")) as reader:
            view = View(reader, parse("2026-06-01", "2026-12-31"), (), ZoneInfo("UTC"))
            made = export_to(tmp_path / "out", view, tmp_path / "archive")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(made["files"]) == 100


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
