"""The ledger of the archive, for short questions."""

from __future__ import annotations

import sqlite3

from beemon.doctor.machine import Machine


def ask_ledger(machine: Machine, query: str, *values: object) -> list[sqlite3.Row]:
    """The rows of a query; none without a ledger. Raises ``sqlite3.Error``."""
    if not machine.has_ledger:
        return []
    with machine.ledger() as ledger:
        return ledger.db.execute(query, values).fetchall()
