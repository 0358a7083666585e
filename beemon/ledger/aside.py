"""Aside: read the rows that remain in a damaged ledger.

A table is read from its first row. At a page that cannot be read, the reader skips forward in steps
that double. If it had to skip, the table is also read backwards from its last row. Only rows
between two damaged pages can then be lost. Invalid rows are left out. A row number that decreases
is also damage: a misplaced page would otherwise be read in a loop.

If the file's header or its table names are damaged, a copy is read. The copy gets the header that
beemon writes into every ledger. It also gets the names of a new ledger if most of them match.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from beemon.base.moments import US_PER_MINUTE
from beemon.ledger import rows, schema
from beemon.ledger.ledger import PAGE_BYTES

Row = dict[str, Any]

_HEAD = b"SQLite format 3\0" + PAGE_BYTES.to_bytes(2, "big") + bytes([2, 2, 0, 64, 32, 32])
"""The first bytes of each ledger (sqlite.org/fileformat.html, 1.3)."""
_FIELDS = (
    (24, bytes([0, 0, 0, 1])), (92, bytes(4)),  # they differ: the file's size counts, not (28)
    (44, bytes([0, 0, 0, 4])), (56, bytes([0, 0, 0, 1])),
)
_NO_LIMIT = 2**62
_MOST_GAPS = 10_000
"""The most failures in one table; beyond it the rest is given up, because a rebuild has to end."""
_FIRST_TIME_US = 1_500_000_000_000_000


class Aside:
    """A damaged ledger, opened for reading. ``gaps`` counts, by table, the places that are
    unreadable.

    Raises ``sqlite3.DatabaseError`` if nothing can be read.
    """

    def __init__(self, path: Path) -> None:
        self.gaps: dict[str, int] = {}
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        try:
            self._db = _open(path, schema.version)
        except sqlite3.DatabaseError:
            self._copy = tempfile.TemporaryDirectory(dir=path.parent, prefix=".recovering-")
            try:
                self._db = _open(_mended(path, Path(self._copy.name)), schema.columns)
            except (sqlite3.DatabaseError, OSError):
                self._copy.cleanup()
                raise

    def close(self) -> None:
        """Close the file, and delete the copy of it."""
        self._db.close()
        if self._copy is not None:
            self._copy.cleanup()

    def rows(self, table: str) -> Iterator[Row]:
        """The readable rows of a table; some occur twice if there are gaps."""
        if table not in schema.columns(self._db):
            self.gaps[table] = self.gaps.get(table, 0) + 1
            return
        before = self.gaps.get(table, 0)
        yield from self._sweep(table, forward=True)
        if self.gaps.get(table, 0) > before:
            yield from self._sweep(table, forward=False)

    def _sweep(self, table: str, *, forward: bool) -> Iterator[Row]:
        key = schema.keys(table)[0]
        first, step = (_FIRST_TIME_US, US_PER_MINUTE) if key.endswith("_us") else (0, 1)
        compare, order = (">=", "ASC") if forward else ("<=", "DESC")
        query = (
            f"SELECT * FROM sound_{table} WHERE {key} {compare} ?"  # noqa: S608
            f" ORDER BY {key} {order}"
        )
        empty = dict.fromkeys(schema.today()[table])
        most = self.gaps.get(table, 0) + _MOST_GAPS
        way = 1 if forward else -1
        at, stride = -way * _NO_LIMIT, step
        while abs(at) <= _NO_LIMIT and self.gaps.get(table, 0) < most:
            try:
                for row in self._db.execute(query, (at,)):
                    if (row[key] - at) * way < 0:
                        raise sqlite3.DatabaseError("the rows are out of order")
                    at, stride = int(row[key]), step
                    yield {**empty, **dict(row)}
            except (sqlite3.DatabaseError, UnicodeDecodeError):  # SQLite's words may be no text
                self.gaps[table] = self.gaps.get(table, 0) + 1
                at = first if at == -_NO_LIMIT else at
                at += way * stride
                stride *= 2
            else:
                return


def _open(path: Path, look: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    """Open the file; raise an error unless ``look`` finds tables in it."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        db.execute("PRAGMA writable_schema=ON")  # a table whose entry is damaged costs no other
        rows.show_sound(db)
        db.execute("PRAGMA query_only=ON")
        if not look(db):
            raise sqlite3.DatabaseError("it holds no tables")
    except sqlite3.DatabaseError:
        db.close()
        raise
    db.row_factory = sqlite3.Row
    return db


def _mended(path: Path, folder: Path) -> Path:
    """A copy of the file and its log in ``folder``, with a sound header and the tables' names."""
    copy = folder / "ledger.db"
    shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
    with copy.open("r+b") as file:
        file.truncate(-(-copy.stat().st_size // PAGE_BYTES) * PAGE_BYTES)
        _mend_names(file)
        for offset, content in ((0, _HEAD), *_FIELDS):
            file.seek(offset)
            file.write(content)
    return copy


def _mend_names(file: BinaryIO) -> None:
    """Replace each damaged page of table names by that of a new ledger, if most pages match one.

    The tables then begin on the same pages.
    """
    damaged = [
        (offset, content) for offset, content in schema.pages_of_names(PAGE_BYTES).items()
        if _read(file, offset, len(content)) != content
    ]
    if 2 * len(damaged) < len(schema.pages_of_names(PAGE_BYTES)):
        for offset, content in damaged:
            file.seek(offset)
            file.write(content)


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
