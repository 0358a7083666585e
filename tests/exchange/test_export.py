"""Exports, with the standard library's readers; other programs read them in tests/grounds."""

from __future__ import annotations

import csv
import json
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beemon.exchange import export
from beemon.exchange.layout import About, Selection
from beemon.exchange.layouts import LAYOUTS
from beemon.exchange.period import parse
from beemon.exchange.table_files import MissingPyarrowError
from beemon.exchange.tables import View
from beemon.ledger.ledger import LedgerReader
from beemon.storage.files import digest
from tests import seasons


def export_to(folder: Path, view: View, form: str = "csv") -> None:
    selection = Selection(view, folder.parent / "archive", About("apiary-7", 36.2, -81.7))
    export.export(LAYOUTS[form], selection, folder)


@pytest.fixture
def exported(reader: LedgerReader, tmp_path: Path) -> Path:
    view = View(reader, parse("2026-06-01"), (), ZoneInfo("Europe/Berlin"))
    export_to(tmp_path / "out", view)
    return tmp_path / "out"


def rows(exported: Path, table: str) -> list[dict[str, str]]:
    with (exported / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def manifest(exported: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((exported / "manifest.json").read_text("utf-8"))
    return found


def test_csv_is_rfc_4180_that_spreadsheets_know_for_utf_8(exported: Path) -> None:
    content = (exported / "readings.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfutc,local,sensor,quantity,value,unit,")
    assert content.count(b"\r\n") == content.count(b"\n") == 10
    assert "°C".encode() in content


def test_a_reading_is_a_row(exported: Path) -> None:
    first, _, third = rows(exported, "readings")[:3]
    assert first["utc"] == "2026-06-01T12:00:00.000Z"
    assert first["local"] == "2026-06-01T14:00:00.000+02:00"
    assert (first["quantity"], first["value"], first["unit"]) == ("temperature", "35.0", "°C")
    assert (third["quantity"], third["value"], third["reason"]) == ("weight", "", "all-ones")


def test_quotes_and_commas_survive(exported: Path) -> None:
    messages = [row["message"] for row in rows(exported, "jobs")]
    assert 'sensor.scale said "all ones", once' in messages


def test_what_a_spreadsheet_would_take_for_a_formula_is_quoted(exported: Path) -> None:
    assert rows(exported, "events")[0]["message"] == f"'{seasons.NOTE}"
    assert rows(exported, "readings")[5]["raw"] == "-8123.0"


def test_the_manifest_explains_it_all(exported: Path) -> None:
    said = manifest(exported)
    assert (said["hive"], said["latitude"]) == ("apiary-7", 36.2)
    assert (said["from"], said["until"]) == ("2026-06-01T00:00:00.000Z", "2026-06-02T00:00:00.000Z")
    assert {"sensor": "sensor.scale", "quantity": "weight", "unit": "g"} in said["units"]
    assert "all-ones" in said["reasons"]
    assert "good" in said["qualities"]
    assert set(said["tables"]) == {path.stem for path in exported.glob("*.csv")}


def test_the_manifest_has_the_hash_of_every_file(exported: Path) -> None:
    files = {file["path"]: file for file in manifest(exported)["files"]}
    assert {path.name for path in exported.iterdir()} == files.keys() | {"manifest.json"}
    for name, file in files.items():
        assert digest(exported / name) == (file["size"], file["sha256"])
    assert files["readings.csv"]["rows"] == 9


def test_a_period_without_anything_has_headings_alone(reader: LedgerReader, tmp_path: Path) -> None:
    export_to(tmp_path / "out", View(reader, parse("2020-01-01")))
    assert rows(tmp_path / "out", "readings") == []


def test_an_export_that_fails_leaves_nothing(reader: LedgerReader, tmp_path: Path) -> None:
    with files_of_at_most(512), pytest.raises(OSError, match="File too large"):
        export_to(tmp_path / "out", View(reader, parse("2026-06-01")))
    assert list(tmp_path.iterdir()) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to write more than that into a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_parquet_without_pyarrow_says_how_to_get_it(
    reader: LedgerReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPyarrowError, match="pip install pyarrow"):
        export_to(tmp_path / "out", View(reader, parse("2026-06-01")), "parquet")
    assert list(tmp_path.iterdir()) == []
