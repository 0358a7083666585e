"""The catalog: recordings as the ledger knows them, from their entry to their deletion."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.facts import to_json
from beemon.base.recording import RecordingFacts
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.storage.files import Place

FACTS = RecordingFacts(5, size=9, sha256="ab", seconds=1.5, samples=72000)


def entered(ledger: Ledger, name: str, device: str = "microphone.brood", **facts) -> int:
    with ledger.transaction():
        job = ledger.accept(f"record {device}", "test")
        return catalog.enter(ledger, job, device, ledger.archive / name, replace(FACTS, **facts))


def paths(ledger: Ledger, device: str | None = None) -> list[str]:
    return [row["path"] for row in catalog.kept(ledger.db, device)]


def test_a_recording_is_entered_with_what_it_says_of_itself(ledger):
    entered(ledger, "recordings/x.flac")
    row = catalog.find(ledger.db, "recordings/x.flac")
    assert row is not None
    assert (row["job"], row["device"], row["verdict"]) == (1, "microphone.brood", "good")
    assert (row["size"], row["sha256"], row["start_us"], row["seconds"]) == (9, "ab", 5, 1.5)
    assert json.loads(row["facts"])["samples"] == 72000


def test_what_a_check_and_the_clock_said_stands_beside_it(ledger):
    findings = ["silent: -90 dBFS"]
    entered(ledger, "x.flac", clock="unsure", start_monotonic=7.5, verdict="failed",
            findings=tuple(findings))
    row = catalog.find(ledger.db, "x.flac")
    assert (row["clock"], row["start_monotonic"], row["verdict"]) == ("unsure", 7.5, "failed")
    assert json.loads(row["findings"]) == findings
    assert "verdict" not in json.loads(row["facts"])


def test_a_file_is_entered_once(ledger):
    entered(ledger, "x.flac")
    with pytest.raises(sqlite3.IntegrityError):
        entered(ledger, "x.flac")


def test_recordings_come_in_the_order_of_making_whatever_the_clock_said(ledger):
    entered(ledger, "b.flac", start_utc_us=2_000_000)
    entered(ledger, "v.mp4", "camera.entrance")
    entered(ledger, "a.flac", start_utc_us=1_000_000)
    assert paths(ledger) == ["b.flac", "v.mp4", "a.flac"]
    assert paths(ledger, "microphone.brood") == ["b.flac", "a.flac"]
    assert catalog.newest(ledger.db, "microphone.brood")["path"] == "a.flac"
    assert catalog.newest(ledger.db, "microphone.roof") is None


def test_a_deletion_is_seen_half_way_and_leaves_the_path_taken(ledger):
    number = entered(ledger, "x.flac")
    with ledger.transaction():
        catalog.begin_deletion(ledger, number, 10)
    assert paths(ledger) == []
    assert catalog.newest(ledger.db, "microphone.brood") is None
    assert [row["path"] for row in catalog.half_deleted(ledger.db)] == ["x.flac"]
    with ledger.transaction():
        catalog.end_deletion(ledger, number, 11)
    assert catalog.half_deleted(ledger.db) == []
    assert catalog.find(ledger.db, "x.flac")["deleted_us"] == 11
    with pytest.raises(sqlite3.IntegrityError):
        entered(ledger, "x.flac")


def test_a_path_is_taken_by_what_was_deleted_and_by_what_is_about_to_be(ledger):
    gone, open_, free = (ledger.archive / name for name in ("gone.flac", "open.flac", "free.flac"))
    number = entered(ledger, "gone.flac")
    with ledger.transaction():
        catalog.begin_deletion(ledger, number, 10)
        job = ledger.accept("record m.a", "test")
        ledger.begin(job, "m.a", Place(ledger.archive / ".open.flac.part", open_))
    assert [catalog.is_taken(ledger, path) for path in (gone, open_, free)] == [True, True, False]
    with ledger.transaction():
        ledger.end(job, outcomes.failed("timeout"))
    assert not catalog.is_taken(ledger, open_)


def test_a_deletion_that_did_not_begin_cannot_end(ledger):
    number = entered(ledger, "x.flac")
    with ledger.transaction():
        catalog.end_deletion(ledger, number, 11)
    assert paths(ledger) == ["x.flac"]
    assert catalog.find(ledger.db, "x.flac")["deleted_us"] is None


def told(ledger: Ledger, name: str) -> dict[str, object]:
    row = catalog.find(ledger.db, name)
    assert row is not None
    return to_json(catalog.of_row(row))


def test_a_recording_is_told_with_its_facts_beside_its_columns(ledger):
    entered(ledger, "x.flac", clock=Quality.RTC, findings=("flat: 1 s",), more={"gain": 3})
    assert told(ledger, "x.flac") == {
        "recording": 1, "job": 1, "device": "microphone.brood", "path": "x.flac", "size": 9,
        "sha256": "ab", "utc": "1970-01-01T00:00:00.000Z", "seconds": 1.5, "clock": "rtc",
        "verdict": "good", "start_utc_us": 5, "samples": 72000, "gain": 3,
    }


@pytest.mark.parametrize("stored", [
    {"rate": "fast", "frames": [1], "gaps": 7}, {"bits": None}, {"later": {"a": 1}}, {"job": 40},
])
def test_what_an_earlier_version_stored_is_told_as_it_was(ledger, stored):
    entered(ledger, "x.flac")
    ledger.db.execute("UPDATE recordings SET facts = ?", (json.dumps(stored),))
    kept = {name: value for name, value in stored.items() if value is not None}
    assert {**told(ledger, "x.flac"), **kept} == told(ledger, "x.flac")
