"""Export: a period of the archive as tables that other programs read, with a manifest.

CSV is RFC 4180 in UTF-8 with a byte order mark, by which spreadsheets know it. Parquet needs
pyarrow. Everything is streamed, read-only, and beside a running service.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from beemon import __version__
from beemon.base import clock, moments
from beemon.base.explanation import meanings
from beemon.base.facts import JsonObject
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.exchange.tables import (
    COUNT,
    NUMBER,
    TEXT,
    TIME,
    Row,
    Table,
    View,
    calibrations,
    runs,
    tables,
    units,
)
from beemon.ledger.rows import one_moment
from beemon.storage import files, staging

MANIFEST = "manifest.json"

_ROWS_AT_A_TIME = 20_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
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


Writer = Callable[[Path, Table], int]
"""Writes a table into a folder; returns how many rows it has."""


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

    Raises :class:`MissingPyarrowError`, ``OSError``, ``sqlite3.Error``; then there is no such
    folder.
    """
    writer = write_csv if form == "csv" else parquet_writer()
    with staging.folder(output) as folder, one_moment(view.ledger.db):
        made = {table.name: writer(folder, table) for table in tables(view)}
        manifest = {**asdict(about), **manifest_of(view, form), "files": files_of(folder, made)}
        write_manifest(folder, manifest)
    return manifest


def write_csv(folder: Path, table: Table) -> int:
    """One CSV file."""
    count = 0
    with (folder / f"{table.name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in table.columns])
        for row in table.rows():
            writer.writerow([_cell(column.kind, row[column.name]) for column in table.columns])
            count += 1
    return count


def _cell(kind: str, value: object) -> object:
    """A value as CSV has it. A text that a spreadsheet would take for a formula is quoted."""
    if kind == TIME and isinstance(value, int):
        return moments.iso(value)
    if kind == TEXT and isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def parquet_writer() -> Writer:
    """A function that writes Parquet files. Raises :class:`MissingPyarrowError`."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPyarrowError from error
    types = {
        TEXT: pyarrow.string(), NUMBER: pyarrow.float64(), COUNT: pyarrow.int64(),
        TIME: pyarrow.timestamp("us", "UTC"),
    }

    def write(folder: Path, table: Table) -> int:
        schema = pyarrow.schema([(column.name, types[column.kind]) for column in table.columns])
        count = 0
        path = folder / f"{table.name}.parquet"
        with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as file:
            for rows in _batches(table):
                columns = {c.name: [row[c.name] for row in rows] for c in table.columns}
                file.write_table(pyarrow.table(columns, schema))
                count += len(rows)
        return count

    return write


def _batches(table: Table) -> Iterator[list[Row]]:
    rows = table.rows()
    while batch := list(islice(rows, _ROWS_AT_A_TIME)):
        yield batch


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
