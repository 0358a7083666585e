"""An archive with recordings in it, for tests of what is done with them."""

from __future__ import annotations

from pathlib import Path

from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.ledger.session import ArchiveSession


class Kept:
    """A ledger and the files that it knows; recordings are numbered from 1."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.register = ArchiveSession(archive)
        self.register.open()
        self.ledger = Ledger(archive, self.register.run_number)

    def close(self) -> None:
        self.ledger.close()
        self.register.close()

    def add(self, device: str, size: int = 4096, day: str = "2026-06-01", **columns: object) -> str:
        """A recording of so many bytes; ``columns`` are set in its row. Its path."""
        (count,) = self.ledger.db.execute("SELECT count(*) FROM recordings").fetchone()
        path = self.archive / "recordings" / day / f"{count + 1}.{device}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        job = self.register.accept(f"record {device}", "test")
        with self.ledger.transaction() as ledger:
            number = catalog.enter(ledger, job, device, path, RecordingFacts(size=size, sha256="-"))
            for name, value in columns.items():
                change = f"UPDATE recordings SET {name} = ? WHERE recording = ?"
                ledger.db.execute(change, (value, number))
        return str(path.relative_to(self.archive))

    def write(self, change):
        """Change the ledger in a transaction, as the writer does."""
        with self.ledger.transaction() as ledger:
            return change(ledger)

    def rows(self, what: str) -> list:
        found = self.ledger.db.execute(what).fetchall()
        return [tuple(row) if len(row) > 1 else row[0] for row in found]
