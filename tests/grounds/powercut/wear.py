"""A ledger as it is after weeks: its log is as long as it gets, and is written over.

A commit that makes the log longer has ext4 write its journal, and every name that was given until
then with it. A commit that goes over what is there already has not: then it shows which names
were synced by those who gave them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sqlite3
from multiprocessing.process import BaseProcess
from pathlib import Path

from beemon.ledger.ledger import WAL_PAGES, Ledger


def begin(archive: Path) -> BaseProcess:
    """A process that writes to the ledger, beside the service, until its log begins anew."""
    process = multiprocessing.get_context("spawn").Process(
        target=_wear, args=(archive,), daemon=True
    )
    process.start()
    return process


def _wear(archive: Path) -> None:
    with contextlib.suppress(sqlite3.OperationalError):  # the service needs it more
        ledger = Ledger(archive)
        ledger.db.execute("PRAGMA synchronous=NORMAL")  # nobody was promised what is written here
        for number in range(WAL_PAGES):
            with ledger.transaction():
                ledger.db.execute("UPDATE runs SET version = ? WHERE run = 1", [f"worn {number}"])
    os._exit(0)  # whoever closes it last takes the log away
