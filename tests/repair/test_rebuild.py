"""The ledger made anew from the files of a real archive: nothing that they hold is lost."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import mutagen.flac
import pytest

from beemon.base.recording import RecordingFacts
from beemon.devices.microphones._flac import FlacWriter
from beemon.ledger import index
from beemon.ledger.ledger import LedgerReader
from beemon.media import tags
from beemon.media.tags import Tags
from beemon.repair import check
from beemon.repair.rebuild import Rebuilt, rebuild
from beemon.storage import files
from beemon.storage.lock import ArchiveBusyError, ArchiveLock
from tests.hive import Hive

Row = dict[str, Any]

START = 1_780_000_000_000_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of which only the files are left: six recordings with tags."""
    for number in range(6):
        recorded(tmp_path, number)
    return tmp_path


def recorded(archive: Path, number: int, *, tagged: bool = True) -> Path:
    start = START + number * 43_200_000_000
    place = files.find_place(archive, "apiary-7", "microphone.brood", ".flac", start)
    with FlacWriter(place.temporary, 16_000, 1) as file:
        file.write(bytes(range(256)) * 125)
    facts = RecordingFacts(start + 250_000, seconds=1.0, samples=16_000, rate=16_000)
    if tagged:
        clock = "rtc" if number % 2 else "synchronised"
        said = Tags("apiary-7", "microphone.brood", 40 + number, 36.2, -81.7, clock, facts=facts)
        tags.write(place.temporary, said)
    files.keep_file(place)
    return place.final


def rows(archive: Path) -> list[Row]:
    with closing(LedgerReader(archive)) as reader:
        found = reader.db.execute("SELECT * FROM recordings ORDER BY recording")
        return [dict(row) for row in found]


def lose_ledger(archive: Path) -> None:
    for file in archive.glob("ledger.db*"):
        file.unlink()


def test_every_recording_is_entered_as_its_file_says(archive: Path) -> None:
    counts = rebuild(archive)
    assert counts == Rebuilt(6, 0, 0, [])
    for number, row in enumerate(rows(archive)):
        start = START + number * 43_200_000_000 + 250_000
        assert (row["device"], row["start_us"], row["seconds"]) == ("microphone.brood", start, 1.0)
        assert row["clock"] == ("rtc" if number % 2 else "synchronised")
        assert json.loads(row["facts"])["job"] == 40 + number
        assert (row["size"], row["sha256"]) == files.digest(archive / row["path"])
    assert check.check(archive, full=True).findings == []


def test_what_is_rebuilt_twice_is_the_same(archive: Path) -> None:
    rebuild(archive)
    first = rows(archive)
    assert rebuild(archive).entered == 0
    assert rows(archive) == first
    lose_ledger(archive)
    rebuild(archive)
    assert rows(archive) == first


def test_new_jobs_have_numbers_of_their_own(archive: Path) -> None:
    rebuild(archive)
    with closing(LedgerReader(archive)) as reader:
        [job] = reader.jobs(10)
    assert (job.job, job.outcome, job.entered) == (46, "done", 6)


def test_a_file_without_tags_says_by_its_name_what_it_is(tmp_path: Path) -> None:
    path = recorded(tmp_path, 0, tagged=False)
    rebuild(tmp_path)
    [row] = rows(tmp_path)
    assert (row["path"], row["device"]) == (str(path.relative_to(tmp_path)), "microphone.brood")
    assert (row["start_us"], row["clock"]) == (START, "unsure")
    assert row["seconds"] == 1.0
    assert json.loads(row["facts"])["samples"] == 16_000


def test_a_file_that_says_nothing_stays_and_is_counted(archive: Path) -> None:
    notes = archive / "recordings/notes.txt"
    notes.write_text("mine")
    assert rebuild(archive) == Rebuilt(6, 1, 0, [])
    assert notes.read_text() == "mine"
    assert [found.word for found in check.check(archive).findings] == [check.NO_ROW]


@pytest.mark.parametrize("name", [
    b"a\xff@2026-06-01@10-00-00Z.microphone.brood.flac", b"\x1b]0;x\x07.flac",
    b"apiary-7@2026-02-31@10-00-00Z.microphone.brood.flac", b"a/2026\xff/b.flac",
])
def test_a_file_with_an_odd_name_is_counted_and_costs_no_other(archive: Path, name: bytes) -> None:
    odd = archive / "recordings" / os.fsdecode(name)
    odd.parent.mkdir(parents=True, exist_ok=True)
    odd.write_bytes(b"fLaC")
    assert rebuild(archive) == Rebuilt(6, 1, 0, [])
    [finding] = check.check(archive).findings
    assert str(finding).isprintable()


@pytest.mark.parametrize("said", [
    {"clock": "sundial"}, {"facts": []}, {"facts": {"start_utc_us": 10**30}}, {"job": "one"},
    {"job": 1 << 70},
    {"facts": {"start_utc_us": "now"}}, {"verdict": "fine"}, {"facts": {"seconds": "long"}},
])
def test_tags_that_make_no_sense_are_none(archive: Path, said: dict[str, Any]) -> None:
    file = recorded(archive, 7, tagged=False)
    exact = {"hive": "h", "device": "microphone.brood", "job": 1, "findings": [], "facts": {}}
    audio = mutagen.flac.FLAC(file)
    audio["beemon|Facts"] = json.dumps({**exact, **said})
    audio.save()
    assert rebuild(archive).entered == 7
    assert rows(archive)[-1]["clock"] == "unsure"  # it is known by its name alone


def test_what_was_never_finished_is_salvaged(archive: Path) -> None:
    whole = next(archive.glob("recordings/*/*.flac"))
    part = whole.with_name(f".{whole.name.replace('Z', '1Z')}.part".replace("1Z", "Z-2"))
    part.write_bytes(whole.read_bytes()[:-10])
    assert rebuild(archive).entered == 7
    assert not part.exists()
    assert check.check(archive, full=True).findings == []


def test_a_damaged_ledger_is_set_aside(archive: Path) -> None:
    rebuild(archive)
    lose_ledger(archive)
    (archive / "ledger.db").write_bytes(b"not SQLite at all" * 300)
    assert rebuild(archive).entered == 6
    assert list(archive.glob("ledger-damaged-*.db"))


def test_a_ledger_whose_damage_shows_only_in_use_is_set_aside(archive: Path) -> None:
    rebuild(archive)
    exchange_recordings_for_skips(archive / "ledger.db")
    rebuilt = rebuild(archive)
    assert rebuilt.entered == 6
    assert [path.name for path in archive.glob("ledger-damaged-*.db")] == [rebuilt.taken[0].name]
    assert check.check(archive).findings == []


def exchange_recordings_for_skips(ledger: Path) -> None:
    """The index of the recordings then names rows that are not there."""
    with closing(sqlite3.connect(ledger)) as db, db:
        pages = dict(db.execute("SELECT name, rootpage FROM sqlite_master"))
        db.execute("PRAGMA writable_schema=ON")
        for name, other in (("recordings", "skips"), ("skips", "recordings")):
            db.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (pages[other], name))


def test_what_has_no_file_any_more_is_entered_as_lost(archive: Path) -> None:
    rebuild(archive)
    next(archive.glob("recordings/*/*.flac")).unlink()
    assert rebuild(archive) == Rebuilt(0, 0, 1, [])
    assert check.check(archive).findings == []
    with closing(sqlite3.connect(archive / "ledger.db")) as db:
        kinds = [kind for (kind,) in db.execute("SELECT kind FROM events")]
    assert kinds.count("lost") == 1


def test_while_a_service_runs_it_is_refused_and_the_service_named(archive: Path) -> None:
    with ArchiveLock(archive), pytest.raises(ArchiveBusyError, match=r"in use .* \(process \d+\)"):
        rebuild(archive)
    assert not (archive / "ledger.db").exists()


def test_no_archive_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rebuild(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_nothing_may_be_deleted_until_it_is_done(archive: Path) -> None:
    rebuild(archive)
    with closing(LedgerReader(archive)) as reader:
        assert index.is_complete(reader.db)


@pytest.mark.process
def test_a_services_recordings_are_all_there_again_with_all_that_was_known(tmp_path: Path) -> None:
    with Hive(tmp_path) as hive:
        for command in ("record microphone.brood 1", "record camera.entrance 1",
                        "snapshot camera.entrance", "record microphone.brood 2"):
            assert hive.do(command)["outcome"] == "done"
    before = [comparable(row) for row in rows(hive.archive)]
    lose_ledger(hive.archive)
    assert rebuild(hive.archive).entered == 4
    assert [comparable(row) for row in rows(hive.archive)] == sorted(
        before, key=lambda row: str(row["path"])
    )


def comparable(row: Row) -> Row:
    """A row without what counts in one ledger alone: numbers, and times since a boot."""
    facts = json.loads(row["facts"])
    facts["job"] = facts.get("job", row["job"])
    for mine in (facts, row):
        mine.pop("start_monotonic", None)
    return {**row, "facts": facts, "recording": 0, "job": 0}
