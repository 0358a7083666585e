"""Looks at the data, over a real ledger: a defect in one costs that one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.ledger import events
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import KIND, LOOKS, Looks, is_disks


class Desk:
    """Looks whose writes are done when the test says so, as the writer's thread does."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder)
        self.ledger.prepare()
        with self.ledger.transaction():
            self.ledger.begin_run()
        self.waiting: list = []
        self.changes = 0
        self.looks = Looks(lambda *write: self.waiting.append(write), self.change)

    def change(self) -> None:
        self.changes += 1

    def defects(self) -> list[events.Event]:
        """The events of defects, when all that waits is written."""
        for write, written in self.waiting:
            with self.ledger.transaction() as ledger:
                result = write(ledger)
            written(result)
        self.waiting.clear()
        return events.recent(self.ledger, 99, KIND)


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.ledger.close()


def fail():
    return {}["what a defect looks for"]


def test_what_a_look_finds_is_passed_on(desk):
    assert desk.looks.guard("steps", lambda: 7, None) == 7
    assert desk.looks.troubles == []
    assert desk.defects() == []


def test_one_that_raises_is_off_and_that_is_told_once(desk):
    for _ in range(3):
        assert desk.looks.guard("steps", fail, "otherwise") == "otherwise"
    assert not desk.looks.is_on("steps")
    assert desk.changes == 1
    [trouble] = desk.looks.troubles
    assert trouble.about == "steps"
    assert trouble.says.endswith(LOOKS["steps"])
    assert "beemon events 7d defect" in trouble.remedy
    [event] = desk.defects()
    assert event.facts["look"] == "steps"
    assert "in fail" in event.facts["traceback"]
    assert "what a defect looks for" in event.message


def test_the_others_stay_on(desk):
    desk.looks.guard("steps", fail, None)
    assert desk.looks.guard("hours", lambda: 1, 0) == 1


def test_one_that_is_switched_on_again_may_fail_again(desk):
    desk.looks.guard("steps", fail, None)
    assert desk.looks.switch_on() == {"steps"}
    assert desk.looks.guard("steps", lambda: 7, None) == 7
    desk.looks.guard("steps", fail, None)
    assert len(desk.defects()) == 2


def test_what_it_wrote_is_undone_and_what_stands_beside_it_is_kept(desk):
    def write_and_fail(ledger: Ledger) -> None:
        events.enter(ledger, "half", "done")
        fail()

    with desk.ledger.transaction() as ledger:
        events.enter(ledger, "before", "kept")
        desk.looks.take("steps", ledger, write_and_fail, None)
        events.enter(ledger, "after", "kept")
    assert [event.kind for event in reversed(events.recent(desk.ledger, 9))] == ["before", "after"]


def test_what_a_good_one_wrote_is_kept(desk):
    with desk.ledger.transaction() as ledger:
        desk.looks.within("steps", lambda one: events.enter(one, "step", "found"), None)(ledger)
    assert [event.kind for event in events.recent(desk.ledger, 9)] == ["step"]


def test_a_statement_that_has_no_sense_is_the_looks_own_fault(desk):
    with desk.ledger.transaction() as ledger:
        broken = desk.looks.within(
            "hours", lambda one: one.db.execute("SELECT json_extract('{', '$.a')"), "otherwise"
        )
        assert broken(ledger) == "otherwise"


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorcode = code
    return error


OF_THE_DISK = [
    OSError(28, "No space left on device"), OSError(5, "Input/output error"),
    of_sqlite(sqlite3.SQLITE_FULL), of_sqlite(sqlite3.SQLITE_IOERR_WRITE),
    of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED),
]


@pytest.mark.parametrize("error", OF_THE_DISK)
def test_what_the_disk_does_is_raised_and_the_look_stays_on(desk, error):
    def meet_the_disk(_: Ledger) -> None:
        raise error

    with pytest.raises(type(error)), desk.ledger.transaction() as ledger:
        desk.looks.take("steps", ledger, meet_the_disk, None)
    assert desk.looks.is_on("steps")


@pytest.mark.parametrize("error", OF_THE_DISK)
def test_where_nobody_tries_again_the_disk_costs_the_look_too(desk, error):
    def meet_the_disk() -> None:
        raise error

    assert desk.looks.guard("plan", meet_the_disk, "otherwise") == "otherwise"


@pytest.mark.parametrize("error", [
    FileNotFoundError(2, "No such file"), TimeoutError(), MemoryError(), RecursionError(),
    sqlite3.ProgrammingError("of the module"), of_sqlite(sqlite3.SQLITE_ERROR),
])
def test_everything_else_is_no_reason_to_try_the_writes_beside_it_again(desk, error):
    def fail_so(_: Ledger) -> None:
        raise error

    with desk.ledger.transaction() as ledger:
        assert desk.looks.take("steps", ledger, fail_so, "otherwise") == "otherwise"


def test_one_that_sqlite_undid_with_all_beside_it_is_off_when_that_is_tried_again(desk):
    def undo_all(ledger: Ledger) -> None:
        ledger.db.execute("ROLLBACK")  # as SQLite does by itself without memory
        raise MemoryError

    def write_both() -> None:
        with desk.ledger.transaction() as ledger:
            events.enter(ledger, "before", "kept")
            desk.looks.take("steps", ledger, undo_all, None)
            events.enter(ledger, "after", "kept")

    with pytest.raises(sqlite3.OperationalError):
        write_both()
    write_both()
    assert [event.kind for event in reversed(events.recent(desk.ledger, 9))] == ["before", "after"]


def test_a_message_that_no_ledger_can_hold_is_held_all_the_same(desk):
    def meet_a_name() -> None:
        raise ValueError("/media/\udce9t\udce9")

    desk.looks.guard("leftovers", meet_a_name, None)
    [event] = desk.defects()
    assert "\\udce9t" in event.message


def test_a_busy_or_damaged_file_is_the_disks_fault(tmp_path):
    (tmp_path / "no.db").write_bytes(b"x" * 4096)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        sqlite3.connect(tmp_path / "no.db").execute("SELECT * FROM sqlite_master")
    assert is_disks(caught.value)
    assert not is_disks(sqlite3.ProgrammingError("closed"))
    assert not is_disks(ValueError())


def test_a_part_of_a_look_that_works_again_is_on_again(desk):
    for name in ("insights.swarm", "insights.heat", "steps"):
        desk.looks.switch_off(name, "ValueError: one", "its findings are not made")
    assert desk.changes == 3
    desk.looks.note_parts("insights", {"insights.heat": "ValueError: two"}, "its findings lack")
    assert {trouble.about for trouble in desk.looks.troubles} == {"insights.heat", "steps"}
    assert desk.changes == 4
    desk.looks.note_parts("insights", {"insights.heat": "ValueError: two"}, "its findings lack")
    assert desk.changes == 4
    assert len(desk.defects()) == 3
