"""Unentered reads: one transaction for a slot and its outcome, and no slot lost by it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from beemon.base import outcomes, schedule
from beemon.base.clock import Quality, Stamp
from beemon.base.outcomes import Ending
from beemon.ledger import completeness, slots
from beemon.ledger.ledger import Ledger
from beemon.ledger.slots import Begin, Due, Series, Skip, Tick, Turn
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.unentered import WAIT_SECONDS, Unentered

MINUTE = 60_000_000
BEGAN_US = 1_778_400_000_000_000
EVERY_MINUTE = schedule.describe(schedule.Schedule(interval=60.0), UTC)


def at(minute: float) -> Stamp:
    return Stamp(BEGAN_US + round(minute * MINUTE), minute * 60.0, Quality.SYNCHRONISED)


def tick(minute: float, command: str = "read sensor.a", **more: Any) -> Tick:
    now = at(minute)
    return Tick(now, [Due(command, now.utc_us)], accounted_us=now.utc_us, **more)


class Bench:
    """Unentered reads over a ledger whose runs begin when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder)
        self.ledger.prepare()
        self.begin_run(0)

    def begin_run(self, minute: float) -> None:
        self.inbox = Inbox()
        self.unentered = Unentered(self.inbox)
        with self.ledger.transaction() as ledger:
            ledger.begin_run()
            begin = Begin(at(minute).utc_us, at(minute).utc_us, {"sensor.a": EVERY_MINUTE})
            slots.enter(ledger, Tick(at(minute), [], [begin], at(minute).utc_us))

    def write(self, write: Any) -> Any:
        with self.ledger.transaction() as ledger:
            return write(ledger)

    def end(self, number: int | None, ending: Ending | None = None) -> None:
        assert number is not None
        self.write(self.unentered.end(number, lambda _: ending or outcomes.done()))
        self.unentered.is_durable(number)
        assert self.unentered.is_writing
        action = self.inbox.take(0)
        assert action is not None
        action()
        assert not self.unentered.is_writing

    def jobs(self) -> list[tuple[int, int, str | None]]:
        """Number, minute and outcome of each job."""
        rows = self.ledger.db.execute("SELECT job, slot_us, outcome FROM jobs ORDER BY job")
        return [(job, (slot - BEGAN_US) // MINUTE, outcome) for job, slot, outcome in rows]

    def counted(self) -> dict[str, dict[str, int]]:
        """The reasons of the slots of the sensor, which add up."""
        found = completeness.of(self.ledger)
        assert found.adds_up
        return {name: dict(reasons) for name, reasons in
                found.devices["sensor.a"].reasons.items()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.ledger.close()


def test_a_read_is_entered_with_its_outcome(bench: Bench) -> None:
    number = bench.unentered.begin(tick(1))
    assert number == -1
    assert bench.jobs() == []
    bench.end(number)
    assert bench.jobs() == [(1, 1, "done")]
    assert slots.last_account(bench.ledger) == slots.Account(1, at(1).utc_us)


def test_a_read_that_ends_later_than_the_next_is_entered_before_it(bench: Bench) -> None:
    first, second = bench.unentered.begin(tick(1)), bench.unentered.begin(tick(2))
    bench.end(second)
    assert bench.jobs() == [(1, 1, None), (2, 2, "done")]
    bench.end(first)
    assert bench.jobs() == [(1, 1, "done"), (2, 2, "done")]
    assert slots.last_account(bench.ledger) == slots.Account(1, at(2).utc_us)


def test_a_later_read_waits_on(bench: Bench) -> None:
    first, second = bench.unentered.begin(tick(1)), bench.unentered.begin(tick(2))
    bench.end(first)
    assert slots.last_account(bench.ledger) == slots.Account(1, at(1).utc_us)
    bench.end(second)
    assert bench.jobs() == [(1, 1, "done"), (2, 2, "done")]


def test_another_look_enters_it_first(bench: Bench) -> None:
    number = bench.unentered.begin(tick(1))
    assert bench.write(bench.unentered.enter(tick(2, "record microphone.m 30"))) == [2]
    assert bench.jobs() == [(1, 1, None), (2, 2, None)]
    bench.end(number)
    assert bench.jobs()[0] == (1, 1, "done")


def test_a_write_that_failed_is_made_again_as_a_whole(bench: Bench) -> None:
    first, second = bench.unentered.begin(tick(1)), bench.unentered.begin(tick(2))
    assert first is not None
    assert second is not None
    writes = [bench.unentered.end(one, lambda _: outcomes.done()) for one in (second, first)]

    def fail(ledger: Ledger) -> None:
        writes[0](ledger)
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        bench.write(fail)
    assert bench.jobs() == []
    assert bench.unentered.is_writing
    for write in writes:
        bench.write(write)
    assert bench.jobs() == [(1, 1, "done"), (2, 2, "done")]


def test_a_read_that_takes_long_is_entered_as_open(bench: Bench) -> None:
    number = bench.unentered.begin(tick(1))
    assert number is not None
    assert bench.unentered.wait_until == 60.0 + WAIT_SECONDS
    assert bench.write(bench.unentered.enter()) == []
    assert bench.unentered.wait_until == math.inf
    entry = bench.unentered.entry(number)
    assert entry is not None
    assert (entry.job, bench.jobs()) == (1, [(1, 1, None)])


@pytest.mark.parametrize("how", ["before anything", "with a later one entered"])
def test_after_a_power_cut_each_slot_has_one_outcome(bench: Bench, how: str) -> None:
    bench.end(bench.unentered.begin(tick(1)))
    bench.unentered.begin(tick(2))
    if how == "with a later one entered":
        bench.end(bench.unentered.begin(tick(3)), outcomes.failed("timeout", "it hung"))
        bench.unentered.begin(tick(4))
    bench.begin_run(5.5)
    with bench.ledger.transaction() as ledger:
        ledger.db.execute("UPDATE jobs SET outcome = 'interrupted', reason = 'crash'"
                          " WHERE outcome IS NULL")
    if how == "before anything":
        assert bench.counted() == {"skipped": {"down": 4}}
    else:
        assert bench.counted() == {
            "interrupted": {"crash": 1}, "failed": {"timeout": 1}, "skipped": {"down": 2},
        }


@pytest.mark.parametrize("found", [
    Tick(at(1), [Due("read sensor.a", None)]),
    tick(1, "record microphone.m 30"),
    tick(1, changes=[Turn("sensor.a", at(0).utc_us, at(1).utc_us, None)]),
    Tick(at(1), [Due("read sensor.a", 1), Due("read sensor.b", 2)], accounted_us=2),
    Tick(at(1), [], accounted_us=at(1).utc_us),
], ids=["unsure clock", "recording", "other schedule", "two", "none"])
def test_what_a_power_cut_could_lose_is_entered_first(bench: Bench, found: Tick) -> None:
    assert bench.unentered.begin(found) is None


def test_skipped_slots_of_others_wait_with_it(bench: Bench) -> None:
    skip = Skip("sensor.a", "paused", Series(at(1).utc_us, at(1).utc_us, 1))
    bench.end(bench.unentered.begin(tick(1, "read sensor.b", changes=[skip])))
    [row] = bench.ledger.db.execute("SELECT device, reason, slots FROM skips")
    assert tuple(row) == ("sensor.a", "paused", 1)
