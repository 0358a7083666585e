"""The keeper: rounds over a real archive on a disk whose fullness the test decides."""

from __future__ import annotations

import dataclasses
import logging
import queue
import sqlite3

import pytest

from beemon.config.settings import RetentionSettings
from beemon.ledger import events
from beemon.ledger.writer import LedgerWriter
from beemon.retention import deletion_note, retention
from beemon.retention.keeper import Keeper, KeeperThread, LedgerStuckError, through
from beemon.storage import reserve
from beemon.storage.files import hold_file
from beemon.storage.space import Space
from tests.kept import Kept

CAMERA, MICROPHONE = "camera.entrance", "microphone.brood"
MB = 1_000_000
SETTINGS = RetentionSettings(min_free=10 * MB, min_free_inodes=0)


class Disk:
    """A disk of 100 MB with nothing on it but the archive's recordings and one foreign file."""

    def __init__(self, kept: Kept, foreign: int) -> None:
        self.kept = kept
        self.foreign = foreign
        self.trouble: OSError | None = None
        self.free_inodes: int | None = None

    def look(self, folder) -> Space:
        if self.trouble:
            raise self.trouble
        files = (self.kept.archive / "recordings").rglob("*.flac")
        used = sum(file.stat().st_size for file in files)
        free = max(0, 100 * MB - self.foreign - used)
        return Space(free, 100 * MB, self.free_inodes, 1000)


class Ground:
    """A keeper over ten recordings of a megabyte of each of two devices."""

    def __init__(self, archive, foreign: int) -> None:
        self.kept = Kept(archive)
        for _ in range(10):
            self.kept.add(CAMERA, MB)
            self.kept.add(MICROPHONE, MB)
        self.disk = Disk(self.kept, foreign)
        self.rooms: list = []
        self.keeper = self.make()

    def make(self, **more) -> Keeper:
        return Keeper(**{
            "archive": self.kept.archive, "settings": SETTINGS, "tell": self.rooms.append,
            "recorders": [CAMERA, MICROPHONE], "write": self.kept.write, "look": self.disk.look,
            **more,
        })

    def settle(self) -> None:
        """Rounds until there is nothing more to do at once."""
        rounds = 0
        while self.keeper.round():
            rounds += 1
            assert rounds < 100

    def left(self) -> list:
        return self.kept.rows("SELECT recording FROM recordings WHERE deleting_us IS NULL")

    def events(self, kind: str) -> list[str]:
        return [event.message for event in events.recent(self.kept.ledger, 99, kind)]


@pytest.fixture
def ground(tmp_path):
    made = Ground(tmp_path, foreign=60 * MB)
    yield made
    made.kept.close()


def test_while_there_is_space_nothing_goes(ground):
    ground.settle()
    assert len(ground.left()) == 20
    assert ground.rooms[-1].sentence is None
    assert reserve.is_whole(ground.kept.archive)


def test_what_lacks_is_deleted_and_a_quarter_more_then_nothing_until_it_lacks_again(ground, caplog):
    ground.disk.foreign = 71 * MB
    with caplog.at_level(logging.INFO):
        ground.settle()
    assert ground.disk.look(None).free_bytes == 13 * MB  # 12.5 and a part of a recording
    assert len(ground.left()) == 16
    assert caplog.messages == ["4 recordings deleted for space: 4.0 MB of camera.entrance"]
    assert ground.events("deletion") == caplog.messages
    ground.disk.foreign = 74 * MB
    ground.settle()
    assert len(ground.left()) == 16
    ground.disk.foreign += 1
    ground.settle()
    assert len(ground.left()) == 13


def test_the_newest_stay_and_then_recorders_pause_in_order_and_go_on_by_themselves(ground):
    paused = []
    for foreign in (90, 94, 96, 95.6, 94.7, 92.1, 85):
        ground.disk.foreign = int(foreign * MB)
        ground.settle()
        paused.append(sorted(ground.rooms[-1].paused))
    both, camera = [CAMERA, MICROPHONE], [CAMERA]
    assert paused == [[], camera, both, both, camera, camera, []]
    assert ground.left() == [19, 20]


def test_what_pauses_is_said_in_a_sentence(ground):
    ground.disk.foreign = 97 * MB
    ground.settle()
    assert ground.rooms[-1].sentence == (
        "only 1.0 MB are free: camera.entrance, microphone.brood paused"
    )


def test_inodes_are_told_where_those_are_short(ground):
    ground.disk.free_inodes = 7
    ground.keeper = ground.make(settings=dataclasses.replace(SETTINGS, min_free_inodes=100))
    ground.settle()
    assert ground.rooms[-1].sentence.startswith("only 7 inodes are free: ")


def test_what_is_held_stays_and_the_next_goes(ground):
    ground.disk.foreign = 71 * MB
    with hold_file(ground.kept.archive / "recordings/2026-06-01" / f"1.{CAMERA}.flac"):
        ground.settle()
    assert sorted(ground.left())[:6] == [1, 2, 4, 6, 8, 10]


def test_nothing_goes_while_the_ledger_does_not_know_every_file(ground):
    ground.disk.foreign = 71 * MB
    ground.keeper = ground.make(may_delete=lambda ledger: False)
    ground.settle()
    assert len(ground.left()) == 20


@pytest.mark.parametrize("removed", [True, False])
def test_what_a_crash_left_half_done_is_finished_at_the_start(ground, removed):
    [victim] = retention.choose(
        retention.candidates(ground.kept.ledger.db, ("camera",), 1), 1, 0, lambda _: False
    )
    ground.kept.write(lambda ledger: retention.begin_deletion(ledger, [victim]))
    if removed:
        (ground.kept.archive / victim.path).unlink()
    ground.settle()
    assert not (ground.kept.archive / victim.path).exists()
    assert retention.half_done(ground.kept.ledger.db) == []


def test_a_file_that_cannot_go_is_trouble_until_it_can_and_others_go_meanwhile(ground):
    stuck = ground.kept.archive / "recordings/2026-06-01" / f"1.{CAMERA}.flac"
    stuck.rename(ground.kept.archive / "elsewhere")
    stuck.mkdir()
    ground.disk.foreign = 71 * MB
    ground.keeper.round()
    assert "recordings cannot be deleted: Is a directory" in ground.rooms[-1].sentence
    stuck.rmdir()
    ground.settle()
    assert ground.rooms[-1].sentence is None
    assert retention.half_done(ground.kept.ledger.db) == []


def test_a_disk_that_cannot_be_looked_at_is_trouble_and_changes_nothing(ground):
    ground.disk.trouble = OSError(5, "Input/output error", "/archive")
    ground.settle()
    assert ground.rooms[-1].sentence == "Input/output error: /archive"
    ground.disk.trouble = None
    ground.settle()
    assert ground.rooms[-1].sentence is None


def test_the_reserve_goes_when_the_disk_is_full_and_comes_back_with_the_space(ground):
    ground.settle()
    ground.disk.foreign = 100 * MB
    ground.settle()
    assert not reserve.is_whole(ground.kept.archive)
    ground.disk.foreign = 60 * MB
    ground.settle()
    assert reserve.is_whole(ground.kept.archive)


def test_on_a_full_disk_that_takes_no_entry_it_is_noted_and_entered_later(ground):
    ground.settle()
    ground.disk.foreign = 80 * MB
    ground.keeper = ground.make(write=stuck)
    ground.keeper.round()
    assert ground.rooms[-1].sentence.startswith("the database cannot be written at the moment")
    files = list((ground.kept.archive / "recordings").rglob("*.flac"))
    assert len(files) < 20
    assert len(ground.left()) == 20
    assert len(deletion_note.read(ground.kept.archive)) == 20 - len(files)
    ground.keeper = ground.make()  # a crash, and the next start
    ground.settle()
    assert len(ground.left()) == len(files)
    assert deletion_note.read(ground.kept.archive) == []
    assert retention.half_done(ground.kept.ledger.db) == []


def stuck(_):
    raise LedgerStuckError("the database cannot be written at the moment")


def test_a_ledger_that_takes_too_long_is_told_and_written_later():
    queued: list = []
    transaction = through(lambda change, written: queued.append((change, written)), 0.01)
    for _ in range(3):
        with pytest.raises(LedgerStuckError):
            transaction("change")
    [(change, written)] = queued  # no other, until this one is through
    assert change == "change"
    written(None)
    with pytest.raises(LedgerStuckError):
        transaction("another")
    assert len(queued) == 2


def test_its_thread_looks_when_it_is_called(ground, tmp_path):
    writer = LedgerWriter(tmp_path, ground.kept.register.run_number, lambda _: None)
    writer.start()
    rooms: queue.SimpleQueue = queue.SimpleQueue()
    keeper = Keeper(
        tmp_path, SETTINGS, [CAMERA], through(writer.write), rooms.put, look=ground.disk.look
    )
    thread = KeeperThread(keeper, look_seconds=3600)
    thread.start()
    rooms.get(timeout=20)
    ground.disk.foreign = 71 * MB
    thread.call()
    while rooms.get(timeout=20).space.free_bytes < 12 * MB:
        pass
    thread.finish()
    thread.join(20)
    assert writer.finish(20)
    assert len(ground.left()) == 16


class Keeping:
    """A keeper that notes how often it looks."""

    has_room = True
    change = None

    def __init__(self) -> None:
        self.rounds: queue.SimpleQueue = queue.SimpleQueue()

    def round(self) -> bool:
        self.rounds.put(None)
        return False

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("is_resting", "has_room"), [(False, True), (True, False)])
def test_its_thread_looks_often_while_something_records_or_the_disk_is_nearly_full(
    is_resting, has_room
):
    keeper = Keeping()
    keeper.has_room = has_room
    thread = KeeperThread(keeper, look_seconds=0.01, resting_seconds=3600)
    thread.is_resting = is_resting
    thread.start()
    for _ in range(5):
        keeper.rounds.get(timeout=20)
    thread.finish()
    thread.join(20)


def test_its_thread_looks_seldom_while_nothing_records_and_at_once_when_it_is_called():
    keeper = Keeping()
    thread = KeeperThread(keeper, look_seconds=0.01, resting_seconds=3600)
    thread.is_resting = True
    thread.start()
    keeper.rounds.get(timeout=20)
    with pytest.raises(queue.Empty):
        keeper.rounds.get(timeout=0.2)
    thread.call()
    keeper.rounds.get(timeout=20)
    thread.finish()
    thread.join(20)


def test_a_disk_without_room_is_no_rest_for_its_keeper(ground):
    assert ground.keeper.has_room
    ground.disk.foreign = 71 * MB
    ground.keeper.round()
    assert not ground.keeper.has_room
    ground.settle()
    assert ground.keeper.has_room


def test_evidence_beyond_its_quota_goes_though_there_is_space_the_oldest_first(ground, caplog):
    for device in (CAMERA, MICROPHONE, CAMERA, MICROPHONE):
        ground.kept.add(device, MB, verdict="failed")
    ground.kept.add(CAMERA, MB)
    ground.keeper.change(dataclasses.replace(SETTINGS, evidence=2 * MB), [CAMERA, MICROPHONE])
    with caplog.at_level(logging.INFO):
        ground.settle()
    assert sorted(ground.left()) == [*range(1, 21), 23, 24, 25]
    assert caplog.messages == [
        "2 recordings deleted that failed their check, beyond their quota: "
        "2.0 MB of camera.entrance, microphone.brood"
    ]


def test_the_newest_of_a_device_stays_though_it_is_evidence_beyond_the_quota(ground):
    ground.kept.add(CAMERA, 3 * MB, verdict="failed")
    ground.keeper.change(dataclasses.replace(SETTINGS, evidence=2 * MB), [CAMERA, MICROPHONE])
    ground.settle()
    assert len(ground.left()) == 21


def test_evidence_stays_while_the_ledger_does_not_know_all_files(ground):
    for _ in range(3):
        ground.kept.add(CAMERA, MB, verdict="failed")
    settings = dataclasses.replace(SETTINGS, evidence=MB)
    ground.keeper = ground.make(settings=settings, may_delete=lambda _: False)
    ground.settle()
    assert len(ground.left()) == 23


# The ledger's log

def test_a_log_that_grows_is_told_until_its_reader_ends(ground):
    keeper = ground.make(log_bytes=10_000)
    reader = sqlite3.connect(ground.kept.archive / "ledger.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM jobs").fetchone()
    for _ in range(20):
        ground.kept.write(lambda ledger: events.enter(ledger, "test", "it is written"))
    keeper.round()
    assert ground.rooms[-1].log.about == "ledger-log"
    reader.close()
    keeper.round()
    assert ground.rooms[-1].log is None
    assert (ground.kept.archive / "ledger.db-wal").stat().st_size == 0
    keeper.close()
