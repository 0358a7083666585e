"""The log of the ledger: its size, and the programs that keep it from emptying."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError
from beemon.ledger import wal


def check(machine: Machine) -> Iterator[Finding]:
    """Look at its size."""
    if machine.archive is None or not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    size = wal.size(machine.archive)
    if size <= wal.MOST_BYTES:
        yield ok(f"the log of the database has {size / 1e6:.1f} MB")
        return
    found = wal.trouble(machine.archive, size)
    yield warning(found.says, "It fills the disk, and a start takes longer.", found.remedy)


def fix(machine: Machine) -> str:
    """Move the log into the ledger."""
    assert machine.archive is not None
    if trouble := wal.keep_short(machine.archive):
        raise NotFixedError(f"{trouble.says}; {trouble.remedy}")
    return "the log of the database was emptied"
