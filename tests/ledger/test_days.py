"""The counts of past days: equal to those of the rows, whatever happens to the ledger."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.ledger import completeness, days, slots
from beemon.ledger.ledger import LedgerReader
from beemon.ledger.slots import Due, Series, Skip, Tick, Turn
from tests.book import DAY, HOUR, MINUTE, MINUTELY, NOON, Book, skip
from tests.ledger.test_changes_everything import Life

SEEDS = range(1, 9)
STEPS = 80
MIDNIGHT = NOON // DAY * DAY


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    book = Book(tmp_path)
    book.start(MIDNIGHT, a=MINUTELY)
    yield book
    book.ledger.close()


def run(book: Book, at_us: int, ending: outcomes.Ending | None = None) -> int:
    [job] = book.enter(due=[Due("read sensor.a", at_us)], accounted_us=at_us)
    if ending:
        end(book, job, ending)
    return job


def end(book: Book, job: int, ending: outcomes.Ending) -> None:
    with book.ledger.transaction():
        book.ledger.end(job, ending)


def reckon_all(book: Book, now_us: int) -> None:
    more = True
    while more:
        with book.ledger.transaction():
            more = days.reckon(book.ledger, now_us)


def counted(book: Book) -> list[int]:
    """The days that have counts, from that of the first slot on."""
    return [day - NOON // DAY for (day,) in book.rows("SELECT day FROM days ORDER BY day")]


def done(book: Book, since_us: int = 0) -> int:
    told = completeness.of(book.ledger, since_us)
    assert told == completeness.of(book.ledger, since_us, by_rows=True)
    return told.devices["sensor.a"].done


def test_a_day_is_counted_when_it_is_over(book):
    run(book, NOON, outcomes.done())
    reckon_all(book, MIDNIGHT + DAY - 1)
    assert counted(book) == []
    reckon_all(book, MIDNIGHT + DAY)
    assert counted(book) == [0]
    assert done(book) == 1


def test_a_day_that_changed_is_counted_again(book):
    job = run(book, NOON)
    reckon_all(book, NOON + DAY)
    assert done(book) == 0
    end(book, job, outcomes.done())
    assert counted(book) == []
    assert done(book) == 1
    reckon_all(book, NOON + DAY)
    assert counted(book) == [0]
    assert done(book) == 1


def test_a_change_that_is_given_up_leaves_the_counts(book):
    job = run(book, NOON)
    reckon_all(book, NOON + DAY)
    with suppress(InterruptedError), book.ledger.transaction():
        book.ledger.end(job, outcomes.done())
        raise InterruptedError
    assert counted(book) == [0]


def test_each_day_counts_from_midnight_to_midnight(book):
    for day in range(3):
        for minute in (0, 1, 1439):
            run(book, MIDNIGHT + day * DAY + minute * MINUTE, outcomes.done())
    reckon_all(book, MIDNIGHT + 3 * DAY)
    assert counted(book) == [0, 1, 2]
    last = MIDNIGHT + 2 * DAY
    assert [done(book, since) for since in (
        0, MIDNIGHT - 1, MIDNIGHT, last - MINUTE - 1, last - MINUTE, last - 1, last, last + DAY,
    )] == [9, 9, 8, 4, 3, 3, 2, 0]


def test_a_long_absence_is_in_no_day(book):
    book.start(MIDNIGHT + 5 * DAY, a=MINUTELY)
    reckon_all(book, MIDNIGHT + 6 * DAY)
    for since_us in (0, MIDNIGHT + HOUR, MIDNIGHT + 3 * DAY - 1, MIDNIGHT + 5 * DAY):
        assert done(book, since_us) == 0
    assert completeness.of(book.ledger, MIDNIGHT + 4 * DAY).devices["sensor.a"].skipped == 1440


def test_a_series_that_grows_past_midnight_leaves_its_day(book):
    minute = (MIDNIGHT + DAY - NOON) // MINUTE - 2
    book.enter(skip("paused", minute, 2))
    reckon_all(book, MIDNIGHT + DAY)
    assert counted(book) == [0]
    book.enter(skip("paused", minute + 2, 3))
    assert len(book.skips) == 1
    assert counted(book) == []
    reckon_all(book, MIDNIGHT + 2 * DAY)
    assert completeness.of(book.ledger).devices["sensor.a"].skipped == 5
    assert completeness.of(book.ledger, MIDNIGHT + DAY).devices["sensor.a"].skipped == 2


@pytest.mark.parametrize("damage", [
    "counts = '['", "counts = '{}'", "counts = '[]'", "counts = x'00'",
    """counts = '{"devices": {"sensor.a": [1]}, "unslotted": {}}'""",
])
def test_a_day_whose_counts_are_damaged_is_counted_by_its_rows(book, damage):
    run(book, NOON, outcomes.done())
    run(book, NOON + DAY, outcomes.done())
    reckon_all(book, NOON + 2 * DAY)
    book.ledger.db.execute(f"UPDATE days SET {damage}")
    assert done(book) == 2


def test_the_ledger_of_an_older_beemon_is_counted_by_its_rows(book, tmp_path):
    run(book, NOON, outcomes.done())
    book.ledger.db.execute("DROP TABLE days")
    with closing(LedgerReader(tmp_path)) as reader:
        assert completeness.of(reader).devices["sensor.a"].done == 1


def test_times_before_1970_are_counted_by_their_rows(tmp_path):
    book = Book(tmp_path)
    book.start(-3 * DAY, a=MINUTELY)
    for at_us in (-DAY - 1, -DAY, -HOUR, -1, 0, 1, DAY - 1, DAY):
        run(book, at_us, outcomes.done())
    book.enter(Skip("sensor.a", "late", Series(-HOUR, HOUR, 7)))
    reckon_all(book, 9 * DAY)
    assert book.rows("SELECT day FROM days") == [(1,)]
    assert [done(book, since) for since in (-2 * DAY, -DAY, -2, 0, DAY)] == [8, 6, 5, 3, 0]
    book.ledger.close()


class ScheduledLife(Life):
    """A ledger to which anything may happen, slots among it, for some weeks."""

    def enter(self, *changes: slots.Change, due: list[Due] | None = None) -> None:
        slots.enter(self.ledger, Tick(self.clock.stamp(), due or [], list(changes)))

    def slot(self) -> int:
        return self.clock.now().utc_us - self.chance.randrange(2) * self.chance.randrange(DAY)

    def accept(self) -> None:
        command = self.chance.choice(["read sensor.a sensor.b", "record microphone.a 5", "read"])
        slot_us = None if self.clock.quality is Quality.UNSURE else self.slot()
        if self.chance.random() < 0.2:
            self.ledger.accept(command, "127.0.0.1:5")
        else:
            self.enter(due=[Due(command, slot_us)])

    def skip(self) -> None:
        if not self.pick("SELECT schedule FROM schedules WHERE until_us IS NULL"):
            self.enter(Turn("sensor.a", self.slot(), self.slot(), MINUTELY))
        first_us = self.slot() // MINUTE * MINUTE
        count = self.chance.choice([1, 2, 700, 5000])
        reason = self.chance.choice(["late", "paused"])
        self.enter(Skip("sensor.a", reason, Series(first_us, first_us + count * MINUTE, count)))

    def end(self) -> None:
        job = self.pick("SELECT job FROM jobs WHERE outcome IS NULL")
        if job is not None:
            self.ledger.end(job, self.chance.choice([
                outcomes.done(), outcomes.failed("timeout"), outcomes.skipped("late"),
                outcomes.failed("partly", lacking={"sensor.a": "timeout"}),
                outcomes.interrupted("stopping", lacking={"sensor.b": "busy"}),
            ]))

    def reckon(self) -> None:
        for _ in range(self.chance.randrange(9)):
            days.reckon(self.ledger, self.clock.now().utc_us)

    def go_on(self) -> None:
        self.clock.pass_by(self.chance.randrange(12 * HOUR))
        if self.chance.random() < 0.12:
            common, rare = [self.set_clock, self.crash], [self.rebuild, self.begin_anew]
            self.chance.choice(common * 3 + rare)()
            return
        steps: list[Callable[[], None]] = [
            self.accept, self.accept, self.end, self.skip, self.redate, self.reckon,
        ]
        with suppress(InterruptedError), self.ledger.transaction():
            for step in self.chance.choices(steps, k=self.chance.randrange(1, 9)):
                step()
            if self.chance.random() < 0.15:
                raise InterruptedError


@pytest.mark.parametrize("seed", SEEDS)
def test_a_span_counts_as_its_rows_do_whatever_happens(tmp_path, seed):
    chance = random.Random(seed)
    life, most_days = ScheduledLife(tmp_path, chance), 0
    for _ in range(STEPS):
        life.go_on()
        now_us = life.clock.now().utc_us
        (count,) = life.ledger.db.execute("SELECT count(*) FROM days").fetchone()
        most_days = max(most_days, count)
        for since_us in (0, now_us - chance.randrange(60 * DAY),
                         (now_us // DAY - chance.randrange(60)) * DAY - chance.randrange(2)):
            told = completeness.of(life.reader, since_us)
            assert told == completeness.of(life.reader, since_us, by_rows=True)
    assert most_days > 3
    life.close()
