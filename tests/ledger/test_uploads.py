"""Uploads: a recording counts as uploaded only with the hash of the recording itself."""

from __future__ import annotations

import json

import pytest

from beemon.base.outcomes import Ending, Outcome
from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings as catalog
from beemon.ledger import uploads
from beemon.ledger.ledger import Ledger

SHA256 = "5e" * 32
PATH = "recordings/a.flac"


@pytest.fixture
def recording(ledger) -> int:
    with ledger.transaction():
        job = ledger.accept("record microphone.a", "test")
        facts = RecordingFacts(size=1, sha256=SHA256, seconds=2.0)
        return catalog.enter(ledger, job, "microphone.a", ledger.archive / PATH, facts)


def mark(ledger: Ledger, recording: int | str, sha256: str = SHA256) -> Ending:
    with ledger.transaction():
        return uploads.mark_uploaded(ledger, recording, sha256, "hash")


def forget(ledger: Ledger, recording: int | str) -> Ending:
    with ledger.transaction():
        return uploads.mark_forgotten(ledger, recording)


def uploaded(ledger: Ledger) -> tuple[int | None, str | None]:
    """Since when the one recording is uploaded, and how that is known."""
    row = catalog.find(ledger.db, PATH)
    assert row is not None
    return row["uploaded_us"], json.loads(row["facts"]).get("upload_proof")


@pytest.mark.parametrize("by_path", [False, True])
def test_a_recording_is_uploaded_with_its_hash_and_forgotten_again(ledger, recording, by_path):
    named = PATH if by_path else recording
    assert mark(ledger, named).facts == {"uploaded": PATH, "proof": "hash"}
    since_us, proof = uploaded(ledger)
    assert since_us is not None
    assert proof == "hash"
    assert mark(ledger, named).outcome is Outcome.DONE
    assert uploaded(ledger) == (since_us, "hash")
    assert forget(ledger, named).facts == {"forgotten": PATH}
    assert uploaded(ledger) == (None, None)
    assert forget(ledger, named).outcome is Outcome.DONE


def test_another_hash_changes_nothing_and_both_are_named(ledger, recording):
    refused = mark(ledger, recording, "a0" * 32)
    assert (refused.outcome, refused.reason) == (Outcome.FAILED, "wrong-hash")
    assert refused.message == f"{PATH} has the SHA-256 {SHA256}, not {'a0' * 32}"
    assert uploaded(ledger) == (None, None)
    mark(ledger, recording)
    before = uploaded(ledger)
    mark(ledger, recording, "a0" * 32)
    assert uploaded(ledger) == before


@pytest.mark.parametrize("named", [4711, "recordings/b.flac", "../etc/passwd"])
def test_a_recording_that_the_ledger_does_not_know_is_refused(ledger, recording, named):
    for refused in (mark(ledger, named), forget(ledger, named)):
        assert (refused.outcome, refused.reason) == (Outcome.FAILED, "no-such-recording")
        assert refused.message == f"the database has no recording {named}"
    assert uploaded(ledger) == (None, None)


def test_both_are_changes_for_whoever_follows_the_ledger(ledger, recording):
    def count() -> int:
        return int(ledger.db.execute("SELECT count(*) FROM changes").fetchone()[0])

    ledger.db.execute("UPDATE jobs SET outcome = 'done'")
    before = count()
    mark(ledger, recording)
    mark(ledger, recording, "a0" * 32)
    forget(ledger, recording)
    assert count() == before + 2
