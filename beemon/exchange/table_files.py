"""The layouts of the tables: CSV and Parquet files.

CSV is RFC 4180 in UTF-8 with a byte order mark, by which spreadsheets know it. Parquet needs
pyarrow. Everything is streamed.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from beemon.base import moments
from beemon.base.cells import quote_formula
from beemon.exchange.layout import Content, Layout, Selection
from beemon.exchange.tables import COUNT, LOCAL, NUMBER, TEXT, TIME, Table, Value, tables

_ROWS_AT_A_TIME = 2000
_MOST_TEXTS = 1000

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


def _write_tables(selection: Selection, folder: Path, writer: Writer) -> Content:
    view, rows = selection.view, {}
    for table in tables(view):
        view.progress.tell(f"writing {table.name}")
        rows[table.name] = writer(folder, table, view.zone)
    columns = {
        table.name: {column.name: column.meaning for column in table.columns}
        for table in tables(view)
    }
    return Content({"tables": columns}, rows)


CSV = Layout(
    "csv", "tables as CSV files, for spreadsheets and statistics",
    lambda selection, folder: _write_tables(selection, folder, write_csv),
)
PARQUET = Layout(
    "parquet", "the same tables as Parquet files, for large data sets",
    lambda selection, folder: _write_tables(selection, folder, parquet_writer()),
)
