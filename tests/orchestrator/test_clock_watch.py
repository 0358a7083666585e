"""Clock watch: the clock's events, the re-dating and the sums of hours, over a real ledger."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from beemon.base import clock, outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import events, hours
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.ledger.looks import Looks
from beemon.orchestrator.clock_watch import ROUND_SECONDS, ClockKeeper
from tests.hive import Hive, until

BEGAN = Stamp(1_000_000, 10.0, Quality.UNSURE)
RIGHT_US = 1_780_000_000_000_000


class Desk:
    """Writes when it is told to, as the writer's thread does sooner or later."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.waiting: queue.SimpleQueue[tuple[Callable, Callable]] = queue.SimpleQueue()

    def write(self, write: Callable, written: Callable) -> None:
        self.waiting.put((write, written))

    def catch_up(self) -> int:
        count = self.waiting.qsize()
        for _ in range(count):
            write, written = self.waiting.get()
            with self.ledger.transaction():
                result = write(self.ledger)
            written(result)
        return count


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
    yield Desk(ledger)
    ledger.close()


def enter_reading(desk: Desk, at: Stamp) -> None:
    with desk.ledger.transaction():
        job = desk.ledger.accept("read", "test", at)
        series.keep(desk.ledger, job, [Reading("sensor.a", "count", "", 1.0, None, at)])
        desk.ledger.end(job, outcomes.done())


def later(seconds: float, right: bool = False) -> Stamp:
    if right:
        return Stamp(RIGHT_US + round(seconds * 1e6), 10.0 + seconds, Quality.SYNCHRONISED)
    return Stamp(BEGAN.utc_us + round(seconds * 1e6), 10.0 + seconds, Quality.UNSURE)


def test_a_clock_that_becomes_right_is_told_and_kept_as_an_event(desk, caplog):
    keeper = ClockKeeper(desk.write, Looks(desk.write), BEGAN)
    keeper.look(later(1))
    with caplog.at_level(logging.WARNING):
        keeper.look(later(2, right=True))
    desk.catch_up()
    event = events.latest(desk.ledger, "clock")
    assert event is not None
    assert caplog.messages == [event.message]
    assert "was set forward by 1779999999 s, to 2026-05-28T" in event.message
    assert "earlier records get corrected times" in event.message
    assert event.at == later(2, right=True)
    assert event.facts["offset_us"] - event.facts["offset_before_us"] == RIGHT_US - 1_000_000
    assert event.facts["quality_before"] == "unsure"


def test_a_clock_that_is_set_back_is_told(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), later(0, right=True))
    keeper.look(Stamp(RIGHT_US - 3_000_000, 11.0, Quality.SYNCHRONISED))
    desk.catch_up()
    event = events.latest(desk.ledger, "clock")
    assert event is not None
    assert event.message == "the clock was set back by 4 s, to 2026-05-28T20:26:37.000Z"


def test_a_clock_that_loses_its_source_is_told(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), later(0, right=True))
    keeper.look(later(1, right=True)._replace(quality=Quality.RTC))
    desk.catch_up()
    event = events.latest(desk.ledger, "clock")
    assert event is not None
    assert event.message == "the clock is rtc now, and was synchronised"


def test_records_are_dated_anew_as_soon_as_the_clock_is_right(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), BEGAN)
    keeper.look(later(1))
    desk.catch_up()
    enter_reading(desk, later(2))
    keeper.look(later(3, right=True))
    desk.catch_up()
    (row,) = desk.ledger.db.execute("SELECT utc_us, clock FROM readings")
    assert tuple(row) == (RIGHT_US + 2_000_000, "redated")


def test_a_straggler_is_dated_anew_in_the_next_round(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), BEGAN)
    keeper.look(later(1, right=True))
    desk.catch_up()
    enter_reading(desk, later(0.5))
    keeper.look(later(2, right=True))
    desk.catch_up()
    assert desk.ledger.db.execute("SELECT clock FROM readings").fetchone()[0] == "unsure"
    keeper.look(later(1 + ROUND_SECONDS, right=True))
    desk.catch_up()
    assert desk.ledger.db.execute("SELECT clock FROM readings").fetchone()[0] == "redated"


def test_while_the_clock_is_unsure_nothing_is_dated_anew(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), BEGAN)
    enter_reading(desk, later(1))
    keeper.look(later(2))
    desk.catch_up()
    assert desk.ledger.db.execute("SELECT utc_us, clock FROM readings").fetchone()["clock"] \
        == "unsure"


def test_hours_are_reckoned_when_they_are_over_many_at_a_time_in_turns(desk):
    for hour in range(hours.AT_A_TIME + 5):
        enter_reading(desk, later(hour * 3600, right=True))
    keeper = ClockKeeper(desk.write, Looks(desk.write), later(0, right=True))
    now = later((hours.AT_A_TIME + 5) * 3600, right=True)
    keeper.look(now)
    desk.catch_up()
    count = "SELECT count(*) FROM hours"
    assert desk.ledger.db.execute(count).fetchone()[0] == hours.AT_A_TIME
    keeper.look(now)
    desk.catch_up()
    assert desk.ledger.db.execute(count).fetchone()[0] == hours.AT_A_TIME + 5


def test_one_round_waits_for_the_one_before_it(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), later(0, right=True))
    for second in range(300):
        keeper.look(later(second, right=True))
    assert desk.catch_up() == 1


def test_where_nothing_changed_nothing_is_written(desk):
    keeper = ClockKeeper(desk.write, Looks(desk.write), later(0, right=True))
    keeper.look(later(0, right=True))
    desk.catch_up()  # this machine's clock may have been unsure when the run began
    before = desk.ledger.db.total_changes
    for second in range(30, 600, 30):
        keeper.look(later(second, right=True))
        desk.catch_up()
    assert desk.ledger.db.total_changes == before


@pytest.mark.process
@pytest.mark.skipif(clock.quality() is not Quality.UNSURE, reason="this machine's clock is right")
def test_the_service_dates_anew_what_it_did_before_its_clock_was_right(tmp_path):
    runtime = tmp_path / "run"
    runtime.mkdir()
    with Hive(tmp_path, RUNTIME_DIRECTORY=str(runtime)) as hive:
        film = hive.do("record microphone.brood 1")["job"]
        hive.do("read")
        (runtime / clock.CONFIRMED).touch()
        reader = LedgerReader(hive.archive)
        kinds = ("jobs", "recordings", "readings", "latest", "runs")
        until(lambda: {found for kind in kinds for found in qualities(reader, kind)} == {"redated"})
        facts = hive.ask(f"job {film}")
        assert facts["redated_from_us"] == pytest.approx(facts["start_utc_us"], abs=1000)
        event = events.latest(reader, "clock")
        assert event is not None
        assert event.message.startswith("the clock is right now (synchronised)")
        assert hive.do("read")["outcome"] == "done"
        assert qualities(reader, "jobs") == {"redated", "synchronised"}
        reader.close()


@pytest.mark.process
@pytest.mark.skipif(clock.quality() is not Quality.UNSURE, reason="this machine's clock is right")
def test_an_operators_word_makes_the_clock_right(tmp_path):
    runtime = tmp_path / "run"
    runtime.mkdir()
    with Hive(tmp_path, RUNTIME_DIRECTORY=str(runtime)) as hive:
        hive.do("read")
        assert hive.do("clock right")["clock"] == "told"
        with closing(LedgerReader(hive.archive)) as reader:
            until(lambda: qualities(reader, "readings") == {"redated"})
        assert hive.ask("status")["clock"] == "told"
        hive.do("read")
        with closing(LedgerReader(hive.archive)) as reader:
            until(lambda: qualities(reader, "readings") == {"redated", "told"})


@pytest.mark.process
@pytest.mark.skipif(clock.quality() is not Quality.UNSURE, reason="this machine's clock is right")
def test_a_service_without_its_unit_cannot_keep_an_operators_word(tmp_path):
    with Hive(tmp_path) as hive:
        job = hive.do("clock right")
    assert (job["outcome"], job["reason"]) == ("failed", "refused")
    assert "without its unit" in job["message"]


def qualities(reader: LedgerReader, table: str) -> set[str]:
    rows = reader.db.execute(f"SELECT clock FROM {table}")
    return {row["clock"] for row in rows}
