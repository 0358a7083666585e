"""Exports as others read them: pandas, DuckDB, LibreOffice, metaflac, ffprobe."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest

from beemon import devices
from beemon.exchange import export
from beemon.exchange.layout import About, Selection
from beemon.exchange.layouts import LAYOUTS
from beemon.exchange.period import parse
from beemon.exchange.tables import View
from beemon.ledger.ledger import LedgerReader, open_reader
from tests import seasons

SPREADSHEET = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[LedgerReader]:
    seasons.make(tmp_path / "archive")
    reader = open_reader(tmp_path / "archive")
    yield reader
    reader.close()


def exported(reader: LedgerReader, folder: Path, form: str) -> Path:
    view = View(reader, parse("2026-06-01", "2026-06-02"), (), ZoneInfo("Europe/Berlin"))
    selection = Selection(view, folder / "archive", About("apiary-7"))
    export.export(LAYOUTS[form], selection, folder / form)
    return folder / form


@pytest.mark.ground("readers")
class TestTables:
    def test_pandas_reads_the_csv(self, reader: LedgerReader, tmp_path: Path) -> None:
        import pandas

        path = exported(reader, tmp_path, "csv") / "readings.csv"
        read = pandas.read_csv(path, parse_dates=["utc"])
        assert list(read.columns)[:6] == ["utc", "local", "sensor", "quantity", "value", "unit"]
        assert str(read["utc"].dtype).endswith("UTC]")
        wide = read.pivot_table(index="utc", columns="quantity", values="value")
        assert wide["temperature"].tolist() == [35.0, 35.125, 35.25] * 2
        assert read[read["quantity"] == "weight"]["value"].isna().sum() == 2
        assert set(read["unit"]) == {"°C", "%", "g"}

    def test_pandas_and_duckdb_read_the_parquet(
        self, reader: LedgerReader, tmp_path: Path
    ) -> None:
        import duckdb
        import pandas

        folder = exported(reader, tmp_path, "parquet")
        read = pandas.read_parquet(folder / "readings.parquet")
        assert len(read) == 18
        assert str(read["utc"].dtype) == "datetime64[us, UTC]"
        [(count, mean)] = duckdb.sql(
            f"SELECT count(value), avg(value) FROM '{folder}/readings.parquet'"
            " WHERE quantity = 'temperature'"
        ).fetchall()
        assert (count, mean) == (6, 35.125)
        [(seconds, path)] = duckdb.sql(
            f"SELECT seconds, path FROM '{folder}/recordings.parquet' LIMIT 1"
        ).fetchall()
        assert seconds == 2.0
        assert path.endswith(".flac")

    def test_every_table_is_the_same_in_csv_and_parquet(
        self, reader: LedgerReader, tmp_path: Path
    ) -> None:
        import pandas

        comma, parquet = (exported(reader, tmp_path, form) for form in ("csv", "parquet"))
        for path in comma.glob("*.csv"):
            one = pandas.read_csv(path)
            other = pandas.read_parquet(parquet / f"{path.stem}.parquet")
            assert list(one.columns) == list(other.columns)
            assert len(one) == len(other)

    def test_libreoffice_opens_the_csv(self, reader: LedgerReader, tmp_path: Path) -> None:
        path = exported(reader, tmp_path, "csv") / "readings.csv"
        cells = opened_by_libreoffice(path, tmp_path)
        assert cells[0][:4] == ["utc", "local", "sensor", "quantity"]
        assert cells[1][2:6] == ["sensor.brood", "temperature", "35", "°C"]
        assert cells[3][2:8] == ["sensor.scale", "weight", "", "g", "", "all-ones"]
        assert len([row for row in cells if row[0]]) == 19

    def test_libreoffice_calculates_nothing_that_was_typed_by_a_client(
        self, reader: LedgerReader, tmp_path: Path
    ) -> None:
        path = exported(reader, tmp_path, "csv") / "events.csv"
        assert opened_by_libreoffice(path, tmp_path)[1][4].lstrip("'") == seasons.NOTE


def opened_by_libreoffice(path: Path, folder: Path) -> list[list[str]]:
    """The cells of a CSV file as LibreOffice shows them, by way of its own format.

    Without a window nobody sees the dialog that knows UTF-8: 76 says that it is.
    """
    profile = f"-env:UserInstallation=file://{folder}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--infilter=CSV:44,34,76", "--convert-to", "ods",
         "--outdir", folder, path],
        check=True, capture_output=True, timeout=100, env={**os.environ, "HOME": str(folder)},
    )
    content = ZipFile(folder / f"{path.stem}.ods").read("content.xml")
    rows = ElementTree.fromstring(content).iter(f"{SPREADSHEET}table-row")
    return [[text for cell in row for text in _repeated(cell)] for row in rows]


def _repeated(cell: ElementTree.Element) -> list[str]:
    times = int(cell.get(f"{SPREADSHEET}number-columns-repeated", "1"))
    return ["".join(cell.itertext())] * min(times, 50)


@pytest.mark.ground("media-tools")
class TestRecordings:
    def test_ffprobe_sees_each_frame_at_its_time(self, tmp_path: Path) -> None:
        settings = {"driver": "simulated", "width": 96, "height": 64, "frame_rate": 15}
        camera = devices.load("camera", "camera.a", {**settings, "speed": 20.0})
        camera.open()
        facts = camera.record(tmp_path / "a.mp4", 4, Event(), follows=False)
        camera.close()
        shown = probed(tmp_path / "a.mp4", "frame=pts_time")["frames"]
        times = [float(frame["pts_time"]) for frame in shown]
        assert len(times) == facts.frames == 60
        assert times == pytest.approx([n / 15 for n in range(60)], abs=1e-4)
        duration = float(probed(tmp_path / "a.mp4", "format=duration")["format"]["duration"])
        assert duration == pytest.approx(facts.seconds, abs=1 / 15)

    def test_metaflac_knows_how_long_the_sound_is(
        self, reader: LedgerReader, tmp_path: Path
    ) -> None:
        [path] = (tmp_path / "archive").glob("recordings/2026-06-01/*.flac")
        shown = subprocess.run(
            ["metaflac", "--show-total-samples", "--show-sample-rate", path],
            check=True, capture_output=True, text=True,
        ).stdout.split()
        assert Fraction(int(shown[0]), int(shown[1])) == 2


def probed(path: Path, entries: str) -> dict[str, Any]:
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", path],
        check=True, capture_output=True, text=True,
    )
    found: dict[str, Any] = json.loads(shown.stdout)
    return found
