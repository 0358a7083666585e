"""Uploads: which recordings are safe elsewhere; retention deletes those first.

A client that uploads a recording reports the hash of the remote copy. The report is accepted only
if it is the hash of the recording.
"""

from __future__ import annotations

import sqlite3

from beemon.base import outcomes
from beemon.base.outcomes import Ending
from beemon.ledger.ledger import Ledger

_BY_NUMBER = "SELECT recording, path, sha256 FROM sound_recordings WHERE recording = ?"
_BY_PATH = "SELECT recording, path, sha256 FROM sound_recordings WHERE path = ?"


def mark_uploaded(ledger: Ledger, recording: int | str, sha256: str, proof: str) -> Ending:
    """Enter that a recording is uploaded; return the job's outcome, which says why if it is not.

    ``recording`` is its number or its path in the archive; ``proof`` is one of
    :data:`beemon.protocol.commands.PROOFS`. May be repeated: the first time stays. Stands within
    ``ledger.transaction()``.
    """
    row = _find(ledger, recording)
    if row is None:
        return _unknown(recording)
    if row["sha256"] != sha256:
        message = f"{row['path']} has the SHA-256 {row['sha256']}, not {sha256}"
        return outcomes.failed("wrong-hash", message)
    ledger.db.execute(
        "UPDATE recordings SET uploaded_us = ifnull(uploaded_us, ?),"
        " facts = json_set(facts, '$.upload_proof', ?) WHERE recording = ?",
        (ledger.clock.now().utc_us, proof, row["recording"]),
    )
    return outcomes.done(uploaded=row["path"], proof=proof)


def mark_forgotten(ledger: Ledger, recording: int | str) -> Ending:
    """Enter that a recording is not uploaded; return the job's outcome.

    Stands within ``ledger.transaction()``.
    """
    row = _find(ledger, recording)
    if row is None:
        return _unknown(recording)
    ledger.db.execute(
        "UPDATE recordings SET uploaded_us = NULL, facts = json_remove(facts, '$.upload_proof')"
        " WHERE recording = ?",
        (row["recording"],),
    )
    return outcomes.done(forgotten=row["path"])


def _find(ledger: Ledger, recording: int | str) -> sqlite3.Row | None:
    query = _BY_NUMBER if isinstance(recording, int) else _BY_PATH
    row: sqlite3.Row | None = ledger.db.execute(query, (recording,)).fetchone()
    return row


def _unknown(recording: int | str) -> Ending:
    return outcomes.failed("no-such-recording", f"the database has no recording {recording}")
