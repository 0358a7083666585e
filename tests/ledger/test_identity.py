"""The archive's identity: another archive in the place of the known one is noticed, once."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beemon.ledger import events, identity
from beemon.ledger.identity import Known, Memory
from beemon.ledger.ledger import LedgerReader
from beemon.ledger.session import ArchiveSession


class Place:
    """A folder in which an archive belongs, and what is remembered of it."""

    def __init__(self, folder: Path) -> None:
        self.archive, self.away = folder / "archive", folder / "away"
        self.memory = Memory(folder / "memory/known-archives", self.archive)

    def run(self, jobs: int = 1) -> tuple[str | None, list[int]]:
        """A run of the service: what it says of the archive, and its jobs' numbers."""
        with closing(ArchiveSession(self.archive, memory=self.memory)) as register:
            register.open()
            numbers = [register.accept("read", "test") for _ in range(jobs)]
            for number in numbers:
                register.saw(number)
            return register.stranger, numbers

    def unmount(self) -> None:
        self.archive.rename(self.away)
        self.archive.mkdir()

    def mount(self) -> None:
        shutil.rmtree(self.archive)
        self.away.rename(self.archive)

    def events(self) -> list[str]:
        with closing(LedgerReader(self.archive)) as reader:
            return [event.message for event in events.recent(reader, 9, identity.KIND)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_archive_is_known_again(place):
    assert place.run() == (None, [1])
    assert place.run() == (None, [2])
    assert place.events() == []


def test_an_empty_folder_in_the_place_of_an_archive_is_a_stranger_with_one_event(place):
    place.run()
    place.unmount()
    for _ in range(3):
        stranger, _ = place.run()
        assert f"{place.archive} does not hold the archive" in stranger
    assert len(place.events()) == 1


def test_no_job_number_comes_twice_though_the_archive_is_another(place):
    _, before = place.run(jobs=3)
    place.unmount()
    _, after = place.run(jobs=2)
    assert min(after) > max(before)
    assert after == [after[0], after[0] + 1]


def test_what_is_remembered_of_the_numbers_goes_on_with_the_jobs(place):
    with closing(ArchiveSession(place.archive, memory=place.memory)) as register:
        register.open()
        register.saw(50_000)
    assert place.memory.known().jobs > 50_000


def test_the_right_archive_is_right_again_when_it_is_back(place):
    place.run()
    place.unmount()
    place.run()
    place.mount()
    assert place.run() == (None, [2])


def test_that_the_right_archive_is_back_is_noticed_while_another_one_is_in_use(place):
    place.run()
    place.unmount()
    with closing(ArchiveSession(place.archive, memory=place.memory)) as register:
        register.open()
        assert not register.is_known_back
        place.archive.rename(place.archive.with_name("card"))  # a disk is mounted over it
        place.away.rename(place.archive)
        assert register.is_known_back


def test_an_archive_that_was_forgotten_is_taken_as_it_is(place, tmp_path):
    place.run()
    place.unmount()
    (tmp_path / "memory/known-archives").unlink()
    assert place.run() == (None, [1])


@pytest.mark.parametrize("content", ["", "{", "[1]", "\0" * 40, '{"x": 1}'])
def test_a_damaged_memory_knows_nothing_and_is_written_anew(place, tmp_path, content):
    place.run()
    (tmp_path / "memory/known-archives").write_text(content)
    assert place.run()[0] is None
    assert place.memory.known() is not None


def test_another_place_is_another_matter(tmp_path):
    file = tmp_path / "known"
    here, there = Memory(file, tmp_path / "here"), Memory(file, tmp_path / "there")
    here.keep(Known("a", 1))
    there.keep(Known("b", 2))
    assert (here.known(), there.known()) == (Known("a", 1), Known("b", 2))


def test_a_new_ledger_after_a_damaged_one_is_of_the_same_archive(place):
    _, before = place.run(jobs=3)
    (place.archive / "ledger.db").write_bytes(b"no ledger" * 1000)
    stranger, after = place.run()
    assert stranger is None
    assert min(after) > max(before)


def test_a_memory_that_cannot_be_written_stops_nothing(place, tmp_path, caplog):
    (tmp_path / "memory").write_text("a file where the folder should be")
    assert place.run() == (None, [1])
    assert "was not remembered" in caplog.text


def test_the_identity_is_in_the_ledger(place):
    place.run()
    with closing(sqlite3.connect(place.archive / "ledger.db")) as db:
        assert db.execute("SELECT count(*), max(first_job) FROM archive").fetchone() == (1, 1)
        uuid = db.execute("SELECT uuid FROM archive").fetchone()[0]
    assert identity.at(place.archive) == uuid == place.memory.known().uuid
    assert identity.at(place.away) is None
