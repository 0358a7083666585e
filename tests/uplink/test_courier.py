"""Courier: each record reaches its destination, once acknowledged never again, in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from beemon.base import outcomes
from beemon.base.clock import MACHINE, Clock, Moment, Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import events, identity
from beemon.ledger import readings as series
from beemon.ledger.changes import Cursor
from beemon.ledger.ledger import Ledger
from beemon.uplink.contract import (
    Batch,
    EventRecord,
    JobRecord,
    Newest,
    NotDeliveredError,
    Record,
)
from beemon.uplink.courier import Courier
from beemon.uplink.cursors import CursorFile
from beemon.uplink.feed import MOST
from beemon.uplink.hive import Archive, Hive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions, UplinkSettings
from beemon.uplink.state import States
from tests.hive import until
from tests.uplink.conftest import nobody


class FarEnd:
    """A far end that takes as many records as it wants, and remembers each that it took."""

    def __init__(self, place: str | None = "there") -> None:
        self.place = place
        self.taken: list[str] = []
        self.batches: list[Batch] = []
        self.newest: list[Newest] = []
        self.order: list[str] = []
        self.fail: Callable[[Batch], int] = lambda batch: len(batch.records)
        self.looks = 0
        self.wanted: type | None = object

    def wants(self, record: Record) -> bool:
        return isinstance(record, self.wanted)

    def deliver(self, batch: Batch) -> int:
        self.batches.append(batch)
        count = 0
        try:
            count = self.fail(batch)
        except NotDeliveredError as error:
            count = error.acknowledged
            raise
        finally:
            self.taken += map(_name, batch.records[:count])
            self.order.append("history")
        return count

    def show_newest(self, newest: Newest) -> None:
        self.newest.append(newest)
        self.order.append("newest")

    def look(self, now: Moment) -> float | None:
        self.looks += 1
        return None

    def close(self) -> None:
        self.order.append("closed")


def _name(record) -> str:
    is_job = isinstance(record, JobRecord)
    return f"job {record.job.job}" if is_job else f"event {record.event.event}"


class Desk:
    """A ledger, and a courier from it to a far end."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        with ledger.transaction():
            identity.settle(ledger, None)
        self.archive = Archive(ledger.archive)
        self.far_end = FarEnd()
        self.settings = UplinkSettings()
        (folder / "run").mkdir()
        self.states = States(folder / "run/state.json")
        self.states.note("far", state="starting")
        self.couriers: list[Courier] = []

    def start(self, clock: Clock = MACHINE, name: str = "far") -> Courier:
        options = UplinkOptions(
            hive="apiary-7", archive=self.ledger.archive, connect=nobody, tables={},
            state=self.folder, runtime=self.folder / "run",
        )
        archive = self.archive
        meter = Meter(self.folder / "sent", self.settings)
        hive = Hive(name, options, archive, meter, self.states)
        cursor = CursorFile(self.folder / f"{name}.cursor", self.far_end.place)
        self.couriers.append(Courier(name, self.far_end, hive, self.states, cursor, clock))
        self.couriers[-1].start()
        return self.couriers[-1]

    def stop(self) -> None:
        for courier in self.couriers:
            courier.end(5)
        self.couriers.clear()

    def do(self, count: int = 1) -> list[str]:
        """Jobs that have ended."""
        found = []
        with self.ledger.transaction():
            for _ in range(count):
                job = self.ledger.accept("read", "test")
                self.ledger.end(job, outcomes.done())
                found.append(f"job {job}")
        return found

    def measure(self, count: int) -> str:
        """A job that has ended, with so many readings."""
        at = self.ledger.clock.stamp()
        found = [
            Reading("sensor.a", "weight", "g", 1.0, None, at._replace(utc_us=at.utc_us + number))
            for number in range(count)
        ]
        with self.ledger.transaction():
            job = self.ledger.accept("read", "test", at)
            series.keep(self.ledger, job, found)
            self.ledger.end(job, outcomes.done())
        return f"job {job}"

    def happen(self) -> str:
        with self.ledger.transaction():
            return f"event {events.enter(self.ledger, 'swarm', 'a swarm left')}"

    @property
    def state(self):
        return self.states.seen()["far"]


@pytest.fixture
def desk(ledger, tmp_path):
    folder = tmp_path / "uplink"
    folder.mkdir()
    desk = Desk(ledger, folder)
    yield desk
    desk.stop()


def test_the_whole_ledger_is_delivered_and_then_each_change(desk):
    wanted = desk.do(3)
    wanted.append(desk.happen())
    courier = desk.start()
    until(lambda: desk.far_end.taken == wanted)
    assert desk.far_end.batches[0].is_first
    wanted += desk.do()
    courier.wake()
    until(lambda: desk.far_end.taken == wanted)
    assert desk.far_end.batches[-1].is_last
    until(lambda: desk.state.state == "working")


def test_what_was_acknowledged_does_not_come_again_after_a_restart(desk):
    wanted = desk.do(3)
    desk.start()
    until(lambda: desk.far_end.taken == wanted)
    desk.stop()
    wanted += desk.do(2)
    desk.start()
    until(lambda: desk.far_end.taken == wanted)


def test_a_record_that_the_destination_does_not_want_comes_with_the_next_one_that_it_wants(desk):
    wanted = desk.do()
    desk.far_end.wanted = EventRecord
    courier = desk.start()
    until(lambda: desk.far_end.taken == wanted)
    assert desk.archive.find_news() is None
    wanted += desk.do()
    [record] = desk.archive.find_news()
    courier.tell([record])
    assert not courier._news.is_set()
    wanted.append(desk.happen())
    courier.tell(desk.archive.find_news())
    until(lambda: desk.far_end.taken == wanted)


def test_a_destination_that_cannot_say_what_it_wants_gets_each_record(desk):
    desk.far_end.wanted = None
    courier = desk.start()
    assert desk.archive.find_news() is None
    wanted = desk.do()
    courier.tell(desk.archive.find_news())
    until(lambda: desk.far_end.taken == wanted)


@pytest.mark.parametrize("couriers", [1, 6])
def test_of_a_change_each_courier_asks_only_for_the_number_of_the_archive(desk, couriers):
    wanted = desk.do()
    for number in range(couriers):
        desk.start(name=f"far{number}")
    names = {courier.name for courier in desk.couriers}
    until(lambda: {n for n, one in desk.states.seen().items() if one.state == "working"} == names)
    assert desk.far_end.taken == wanted * couriers
    assert desk.archive.find_news() is None
    queries: list[str] = []
    desk.archive.reader()._ledger.db.set_trace_callback(queries.append)
    wanted = [desk.measure(20)]
    records = desk.archive.find_news()
    for courier in desk.couriers:
        courier.tell(records)
    until(lambda: desk.far_end.taken[couriers:] == wanted * couriers)
    assert len(queries) <= 8 + couriers


def test_a_job_that_changed_is_delivered_again_with_a_higher_change(desk):
    (name,) = desk.do()
    desk.start()
    until(lambda: desk.far_end.taken == [name])
    with desk.ledger.transaction():
        desk.ledger.db.execute("UPDATE jobs SET message = 'dated again'")
    desk.couriers[0].wake()
    until(lambda: desk.far_end.taken == [name, name])
    first, last = (batch.records[-1] for batch in desk.far_end.batches)
    assert last.change > first.change
    assert last.job.message == "dated again"


def test_a_batch_ends_when_it_has_many_readings(desk):
    wanted = [desk.measure(3000) for _ in range(5)]
    desk.start()
    until(lambda: desk.far_end.taken == wanted)
    assert [len(batch.records) for batch in desk.far_end.batches] == [2, 2, 1]
    assert [batch.is_last for batch in desk.far_end.batches] == [False, False, False]
    assert len(desk.far_end.newest) == 1
    desk.do()
    desk.couriers[0].wake()
    until(lambda: desk.far_end.batches[-1].is_last)


def test_of_a_batch_that_is_refused_in_part_the_rest_comes_again(desk):
    wanted = desk.do(5)

    def fail(batch: Batch) -> int:
        desk.far_end.fail = lambda batch: len(batch.records)
        raise NotDeliveredError("its disk is full", acknowledged=2)

    desk.far_end.fail = fail
    desk.start()
    until(lambda: desk.far_end.taken == wanted[:2])
    until(lambda: desk.state.state == "in-trouble")
    assert desk.state.trouble == "its disk is full"
    desk.stop()  # it would rest for a minute
    desk.start()
    until(lambda: desk.far_end.taken == wanted)


def test_a_far_end_that_acknowledges_later_gets_the_rest_again(desk):
    wanted = desk.do(5)
    desk.far_end.fail = lambda batch: 3
    courier = desk.start()
    until(lambda: len(desk.far_end.taken) >= 3)
    desk.far_end.fail = lambda batch: len(batch.records)
    until(lambda: courier.wake() or desk.far_end.taken == wanted)


def test_the_present_state_is_shown_before_a_backlog(desk):
    wanted = desk.do(MOST + 5)
    desk.start()
    until(lambda: desk.far_end.taken == wanted)
    assert desk.far_end.order[0] == "newest"
    assert desk.far_end.order.count("newest") == 1
    assert desk.far_end.newest[0].status is None


def test_history_waits_for_the_budget_of_the_link_and_the_present_state_does_not(desk):
    desk.do(MOST + 5)
    desk.settings = UplinkSettings(daily_budget=0.5)
    desk.start()
    until(lambda: desk.far_end.newest)
    until(lambda: desk.state.state == "waiting" and desk.far_end.looks)
    assert desk.far_end.taken == []


def test_a_destination_without_history_begins_at_the_end(desk):
    desk.do(3)
    desk.far_end = FarEnd(place=None)
    courier = desk.start()
    until(lambda: desk.far_end.looks)
    wanted = desk.do()
    until(lambda: courier.wake() or desk.far_end.taken == wanted)


def test_a_defect_of_a_destination_costs_it_a_pause_and_is_told(desk, caplog):
    desk.do()
    desk.far_end.fail = lambda batch: {}["what a defect looks for"]
    desk.start()
    until(lambda: desk.state.state == "in-trouble")
    assert "KeyError" in desk.state.trouble
    assert "Traceback" in caplog.text


def test_another_ledger_in_the_place_of_the_first_is_followed_from_its_begin(desk, tmp_path):
    desk.do(2)
    courier = desk.start()
    until(lambda: len(desk.far_end.taken) == 2)
    other = Ledger(_folder(tmp_path / "other"))
    other.prepare()
    with other.transaction():
        other.begin_run()
        identity.settle(other, None)
        other.end(other.accept("read", "test"), outcomes.done())
    other.close()
    for end in ("-wal", "-shm"):
        (desk.ledger.archive / f"ledger.db{end}").unlink(missing_ok=True)
    (tmp_path / "other/ledger.db").rename(desk.ledger.archive / "ledger.db")
    until(lambda: courier.wake() or len(desk.far_end.batches) == 2)
    assert desk.far_end.batches[-1].is_first


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_the_end_saves_the_cursor_and_ends_the_destination(desk):
    wanted = desk.do()
    desk.start()
    until(lambda: desk.far_end.taken == wanted)
    desk.stop()
    assert desk.far_end.order[-1] == "closed"
    assert CursorFile(desk.folder / "far.cursor", "there").cursor is not None


@pytest.mark.parametrize("content", [
    "", "{", "[]", '{"ledger": "x"}', '{"change": 5}', "\0" * 99,
    f'{{"ledger": 1, "change": {2**63}}}',  # SQLite takes no such number
])
def test_a_torn_cursor_means_from_the_beginning(tmp_path, content):
    file = tmp_path / "far.cursor"
    file.write_text(content)
    assert CursorFile(file, "there").cursor is None


def test_a_cursor_of_an_earlier_release_counts_for_the_place_of_today(tmp_path):
    file = tmp_path / "far.cursor"
    file.write_text('{"ledger": 1, "change": 5}')
    assert CursorFile(file, "there").cursor == Cursor(1, 5)


def test_another_place_gets_the_whole_ledger_and_its_name_is_in_no_file(desk):
    wanted = desk.do(3)
    for place in ("first", "second"):
        desk.far_end = FarEnd(place)
        desk.start()
        until(lambda: desk.far_end.taken == wanted)
        desk.stop()
    assert "second" not in (desk.folder / "far.cursor").read_text()
    desk.far_end = FarEnd("second")
    desk.start()
    wanted = desk.do()
    until(lambda: desk.couriers[0].wake() or desk.far_end.taken == wanted)


def test_a_destination_looks_also_while_the_archive_cannot_be_read(desk):
    desk.ledger.archive.joinpath("ledger.db").rename(desk.folder / "away")
    courier = desk.start()
    for _ in range(2):
        looks = desk.far_end.looks
        courier.wake()
        until(lambda looks=looks: desk.far_end.looks > looks)
    until(lambda: "archive cannot be read" in (desk.state.trouble or ""))


def test_a_person_need_not_wait_for_the_end_of_a_back_off(desk):
    def refuse(batch):
        raise NotDeliveredError("it is away")

    desk.far_end.fail = refuse
    wanted = desk.do()
    courier = desk.start()
    until(lambda: desk.state.trouble == "it is away")
    desk.far_end.fail = lambda batch: len(batch.records)
    courier.hurry()
    until(lambda: desk.far_end.taken == wanted)
    assert desk.state.trouble is None


def test_a_full_disk_keeps_nothing_from_being_delivered_and_is_told(desk):
    wanted = [desk.happen()]  # its cursor is saved at once
    (desk.folder / "far.cursor").mkdir()  # nobody can replace it, not even root
    courier = desk.start()
    until(lambda: desk.far_end.taken == wanted)
    until(lambda: desk.state.state == "in-trouble")
    assert "far.cursor cannot be written" in desk.state.trouble
    wanted.append(desk.happen())
    courier.wake()
    until(lambda: desk.far_end.taken == wanted)
    (desk.folder / "far.cursor").rmdir()
    wanted.append(desk.happen())
    courier.wake()
    until(lambda: desk.far_end.taken == wanted and desk.state.state == "working")


def test_a_reader_that_fails_is_replaced_and_the_destination_looks_meanwhile(desk):
    wanted = desk.do()
    courier = desk.start()
    until(lambda: desk.far_end.taken == wanted)
    desk.archive.reader().close()  # as one whose disk was away fails for ever
    wanted += desk.do()
    looks = desk.far_end.looks
    courier.wake()
    until(lambda: desk.far_end.looks > looks)
    until(lambda: courier.wake() or desk.far_end.taken == wanted)


def test_an_archive_that_is_away_is_not_kept_open(desk):
    desk.start()
    until(lambda: desk.far_end.looks)
    reader = desk.archive.reader()
    desk.ledger.archive.joinpath("ledger.db").rename(desk.folder / "away")
    with pytest.raises(FileNotFoundError):
        desk.archive.reader()
    with pytest.raises(sqlite3.ProgrammingError):
        reader.version()


class Leaping:
    """A clock that leaps when the test says so."""

    leap = 0.0

    def now(self) -> Moment:
        now = MACHINE.now()
        return Moment(now.utc_us, now.monotonic + self.leap)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), Quality.SYNCHRONISED)

    def boot_id(self) -> str:
        return MACHINE.boot_id()


def test_a_destination_looks_also_during_a_long_backlog(desk):
    wanted = desk.do(3 * MOST)
    clock = Leaping()
    looks = []

    def take(batch: Batch) -> int:
        looks.append(desk.far_end.looks)
        clock.leap += 61
        return len(batch.records)

    desk.far_end.fail = take
    desk.start(clock)
    until(lambda: desk.far_end.taken == wanted)
    assert looks == [0, 1, 2]
