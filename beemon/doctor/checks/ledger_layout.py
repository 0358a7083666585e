"""The layout of the ledger: of this version, or of another one."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.ledger import schema


def check(machine: Machine) -> Iterator[Finding]:
    """Compare the version numbers."""
    if not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    with machine.ledger() as ledger:
        found = schema.version(ledger.db)
    if found > schema.VERSION:
        yield problem(f"the database has layout {found}, but this version knows {schema.VERSION}",
                      "This version cannot record into it.", "install the newer beemon again")
    elif found < schema.VERSION:
        yield warning(f"the database has layout {found}; this version uses {schema.VERSION}",
                      "The next start brings it up to date.", "sudo systemctl restart beemon")
    else:
        yield ok(f"the database has layout {found}")
