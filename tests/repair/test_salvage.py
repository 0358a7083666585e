"""What nobody finished becomes a recording, or goes: writers that are really killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.ledger import recordings as catalog
from beemon.ledger import recovery
from beemon.ledger.ledger import Ledger
from beemon.media import jpeg
from beemon.media.measure import measure
from beemon.repair import check, salvage
from beemon.storage import files
from beemon.storage.files import Place

PROJECT = Path(__file__).parents[2]
RECORD = """
import sys
from pathlib import Path
from threading import Event
from beemon import devices
kind, path = sys.argv[1:]
small = {"width": 96, "height": 64, "frame_rate": 15} if kind == "camera" else {}
device = devices.load(kind, f"{kind}.a", {"driver": "simulated", "speed": 4.0, **small})
device.open()
print("begun", flush=True)
device.record(Path(path), 600, Event(), follows=False)
"""


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return Place(tmp_path / ".a.part", tmp_path / "a")


def recorder(kind: str, where: Place) -> subprocess.Popen[str]:
    """A process that records."""
    arguments = [sys.executable, "-c", RECORD, kind, str(where.temporary)]
    process = subprocess.Popen(arguments, cwd=PROJECT, text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def until_written(where: Place, size: int) -> None:
    deadline = time.monotonic() + 60
    while not where.temporary.exists() or where.temporary.stat().st_size < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.process
@pytest.mark.parametrize(("kind", "size"), [("microphone", 60_000), ("camera", 25_000)])
def test_what_a_killed_recorder_left_is_kept_and_counts(
    kind: str, size: int, where: Place
) -> None:
    with recorder(kind, where) as process:
        until_written(where, size)
        process.kill()
    facts = salvage.salvage(where)
    assert facts is not None
    assert facts.salvaged is True
    assert facts.seconds > 1
    assert facts.verdict is None
    assert (facts.size, facts.sha256) == files.digest(where.final)
    assert examine(where.final, facts).findings == []
    assert not where.temporary.exists()


@pytest.mark.process
def test_what_was_salvaged_before_a_crash_is_known_again(where: Place) -> None:
    with recorder("microphone", where) as process:
        until_written(where, 60_000)
        process.kill()
    first, again = salvage.salvage(where), salvage.salvage(where)
    assert first is not None
    assert again is not None
    assert (first.salvaged, again.recovered) == (True, True)
    assert replace(first, salvaged=None) == replace(again, recovered=None)


@pytest.mark.process
def test_what_is_still_being_written_is_left_alone(where: Place) -> None:
    with recorder("microphone", where) as process:
        until_written(where, 60_000)
        with pytest.raises(salvage.StillInUseError):
            salvage.salvage(where)
        assert where.temporary.exists()
        process.kill()


@pytest.mark.parametrize("content", [b"", b"fLaC\0", b"\0" * 5000, b"\xff\xd8\xff half a picture"])
def test_what_holds_nothing_goes(content: bytes, where: Place) -> None:
    where.temporary.write_bytes(content)
    assert salvage.salvage(where) is None
    assert list(where.final.parent.iterdir()) == []


def test_what_has_gone_already_is_nothing(where: Place) -> None:
    assert salvage.salvage(where) is None


def test_a_whole_picture_is_kept(where: Place) -> None:
    pytest.importorskip("av")
    from beemon import devices

    camera = devices.load("camera", "camera.a", {"driver": "simulated"})
    camera.open()
    camera.snapshot(where.temporary)
    facts = salvage.salvage(where)
    assert facts is not None
    assert (facts.width, facts.height) == (640, 480)
    assert measure(where.final) == RecordingFacts(width=640, height=480)


def test_what_cannot_be_decoded_is_kept_as_evidence(where: Place) -> None:
    where.temporary.write_bytes(b"\xff\xd8\xff" + bytes(3000) + jpeg.END)
    facts = salvage.salvage(where)
    assert facts is not None
    assert facts.verdict == "failed"
    assert facts.findings


def test_a_name_that_was_given_just_before_a_crash_is_made_to_last(
    where: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    where.final.write_bytes(b"whole")
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").readlink())
    )
    salvage.salvage(where)
    assert synced == [where.final.parent]


def test_all_that_waits_is_salvaged_and_entered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    ledger.begin_run()
    for content in (b"nothing", b"\xff\xd8\xff" + jpeg.END):
        place = files.find_place(tmp_path, "hive", "camera.a", ".jpg", 10**15)
        job = ledger.accept("snapshot camera.a", "test")
        ledger.begin(job, "camera.a", place)
        place.temporary.write_bytes(content)
    ledger.begin_run()
    recovery.close_earlier_runs(ledger)
    assert salvage.salvage_all(ledger) == 2
    assert salvage.salvage_all(ledger) == 0
    assert [row["job"] for row in catalog.kept(ledger.db)] == [2]
    assert check.check(tmp_path, full=True).findings == []
    ledger.close()
