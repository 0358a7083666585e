"""Export: a period of the archive as tables that other programs read, with a manifest.

CSV is RFC 4180 in UTF-8 with a byte order mark, by which spreadsheets know it. Parquet needs
pyarrow. Everything is streamed, read-only, and beside a running service.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import tzinfo
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from beemon import __version__
from beemon.base import clock, moments
from beemon.base.cells import quote_formula
from beemon.base.explanation import meanings
from beemon.base.facts import JsonObject
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.exchange.tables import (
    COUNT,
    LOCAL,
    NUMBER,
    TEXT,
    TIME,
    Table,
    Value,
    View,
    calibrations,
    runs,
    tables,
    units,
)
from beemon.ledger.rows import one_moment
from beemon.storage import files, staging

MANIFEST = "manifest.json"

_ROWS_AT_A_TIME = 2000
_MOST_TEXTS = 1000
_CLOCK_QUALITIES: dict[str, str] = {
    clock.Quality.SYNCHRONISED: "synchronised with the network",
    clock.Quality.TOLD: "right, as confirmed by an operator",
    clock.Quality.RTC: "taken from the battery clock at start",
    clock.Quality.UNSURE: "none of these: the time may be wrong",
    clock.Quality.REDATED: "the clock was unsure; the time was corrected later in the same boot",
    clock.Quality.IMPORTED: "record of another system, whose clock may have been wrong",
}

@dataclass(frozen=True)
class About:
    """The facts that only the config has: the hive's name, and its position in degrees."""

    hive: str
    latitude: float | None = None
    longitude: float | None = None


Writer = Callable[[Path, Table, tzinfo], int]
"""Writes a table into a folder, with local times of a zone; returns how many rows it has."""
Cells = Mapping[str, Callable[[Any], Value]]
"""By the kind of a column, what makes a value of it a cell; other values are cells."""


class MissingPyarrowError(OSError):
    """Parquet was asked for, and pyarrow is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Parquet needs pyarrow, which Debian does not package; create an environment with "
            "`python3 -m venv --system-site-packages ~/beemon-parquet` and "
            "`~/beemon-parquet/bin/pip install pyarrow`; then export with "
            "`~/beemon-parquet/bin/python -m beemon export …`"
        )


def export(view: View, output: Path, form: str, about: About) -> JsonObject:
    """Write the tables of a view into the new folder ``output``; return the manifest.

    Raises :class:`MissingPyarrowError`, ``OSError``, ``sqlite3.Error``,
    :class:`~beemon.base.progress.StoppedError`; then there is no such folder.
    """
    writer = write_csv if form == "csv" else parquet_writer()
    db = view.ledger.db
    with staging.folder(output) as folder, view.progress.stopping(db.interrupt), one_moment(db):
        made = {table.name: _write(writer, folder, table, view) for table in tables(view)}
        view.progress.tell("hashing the files")
        manifest = {**asdict(about), **manifest_of(view, form), "files": files_of(folder, made)}
        write_manifest(folder, manifest)
    return manifest


def _write(writer: Writer, folder: Path, table: Table, view: View) -> int:
    view.progress.tell(f"writing {table.name}")
    return writer(folder, table, view.zone)


def write_csv(folder: Path, table: Table, zone: tzinfo) -> int:
    """One CSV file."""
    count = 0
    with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(codecs.BOM_UTF8.decode())  # utf-8-sig, which Python encodes line by line
        writer = csv.writer(file)
        writer.writerow([column.name for column in table.columns])
        for cells in _by_column(table, _cells(zone)):
            writer.writerows(zip(*cells, strict=True))
            count += len(cells[0])
    return count


def _cells(zone: tzinfo) -> Cells:
    """For each kind of column the function that makes a value a cell of CSV, if it needs one.

    The same few texts and seconds come again and again, so that most are remembered.
    """
    return {TIME: moments.formatter(), LOCAL: moments.formatter(zone), TEXT: _text}


@lru_cache(_MOST_TEXTS)
def _text(value: Value) -> Value:
    """A text that a spreadsheet would take for a formula is quoted."""
    return quote_formula(value) if isinstance(value, str) else value


def _by_column(table: Table, cells: Cells) -> Iterator[list[list[Value]]]:
    """Some rows at a time: for each column its values, as cells."""
    makers = [cells.get(column.kind) for column in table.columns]
    rows = table.rows()
    while batch := list(islice(rows, _ROWS_AT_A_TIME)):
        yield [
            [None if value is None else make(value) for value in column] if make else list(column)
            for make, column in zip(makers, zip(*batch, strict=True), strict=True)
        ]


def parquet_writer() -> Writer:
    """A function that writes Parquet files. Raises :class:`MissingPyarrowError`."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPyarrowError from error
    types = {
        TEXT: pyarrow.string(), NUMBER: pyarrow.float64(), COUNT: pyarrow.int64(),
        TIME: pyarrow.timestamp("us", "UTC"), LOCAL: pyarrow.string(),
    }

    def write(folder: Path, table: Table, zone: tzinfo) -> int:
        schema = pyarrow.schema([(column.name, types[column.kind]) for column in table.columns])
        count = 0
        path = folder / f"{table.name}.parquet"
        with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as file:
            for cells in _by_column(table, {LOCAL: moments.formatter(zone)}):
                file.write_table(pyarrow.table(dict(zip(schema.names, cells, strict=True)), schema))
                count += len(cells[0])
        return count

    return write


def manifest_of(view: View, form: str) -> JsonObject:
    """The manifest of an export without its list of files."""
    made = clock.stamp()
    return {
        "format": f"beemon {form}",
        "made_by": f"beemon {__version__}",
        "made": moments.iso(made.utc_us),
        "made_clock": view.clock or made.quality,
        "from": moments.iso(view.period.from_us),
        "until": moments.iso(view.period.until_us),
        "devices": sorted(view.devices) or "all",
        "zone": str(view.zone),
        "units": [asdict(unit) for unit in units(view)],
        "calibrations": calibrations(view),
        "runs": runs(view),
        "qualities": meanings(QUALITIES),
        "reasons": meanings(REASONS),
        "clock_qualities": _CLOCK_QUALITIES,
        "tables": {
            table.name: {column.name: column.meaning for column in table.columns}
            for table in tables(view)
        },
    }


def files_of(folder: Path, rows: dict[str, int]) -> list[JsonObject]:
    """Every file of an export, with its hash; of a table also how many rows it has."""
    found: list[JsonObject] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size, sha256 = files.digest(path)
        entry: JsonObject = {"path": str(path.relative_to(folder)), "size": size, "sha256": sha256}
        if path.parent == folder and path.stem in rows:
            entry["rows"] = rows[path.stem]
        found.append(entry)
    return found


def write_manifest(folder: Path, manifest: JsonObject) -> None:
    """The last file of an export."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
