"""Redating: records of an unsure clock, once it is right; and thousands of clocks that jump."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beemon.base import outcomes
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.facts import to_json
from beemon.base.moments import US_PER_HOUR
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import events, hours, redating
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.storage import files

RIGHT_OFFSET_US = 1_780_000_000_000_000


@dataclass
class TurnedClock:
    """A clock that runs when it is told to; ``wrong_us`` is how far its wall clock is off."""

    monotonic_us: int = 5_000_000
    wrong_us: int = 0
    quality: Quality = Quality.UNSURE
    boot: str = "boot"

    def now(self) -> Moment:
        utc_us = RIGHT_OFFSET_US + self.monotonic_us + self.wrong_us
        return Moment(utc_us, self.monotonic_us / 1e6)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), self.quality)

    def boot_id(self) -> str:
        return self.boot

    def pass_by(self, us: int) -> None:
        self.monotonic_us += us


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(wrong_us=-RIGHT_OFFSET_US)


@pytest.fixture
def ledger(tmp_path, clock) -> Iterator[Ledger]:
    yield from opened(tmp_path, clock)


def opened(archive: Path, clock: TurnedClock) -> Iterator[Ledger]:
    ledger = Ledger(archive, clock=clock)
    ledger.db.execute("PRAGMA synchronous=OFF")  # thousands of jumps, and no power cut
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
    yield ledger
    ledger.close()


def read(ledger: Ledger, value: float = 34.5) -> int:
    """A job of one second with a reading, all by the ledger's clock."""
    clock = ledger.clock
    assert isinstance(clock, TurnedClock)
    with ledger.transaction():
        job = ledger.accept("read", "test")
        clock.pass_by(1_000_000)
        series.keep(ledger, job, [
            Reading("sensor.a", "temperature", "°C", value, None, clock.stamp()),
        ])
        ledger.end(job, outcomes.done())
    return job


def date_anew(ledger: Ledger) -> None:
    more = True
    dating = redating.Redating()
    while more:
        with ledger.transaction():
            more = dating.step(ledger, ledger.clock.stamp())


def rows(ledger: Ledger, query: str) -> list[tuple]:
    return [tuple(row) for row in ledger.db.execute(query)]


def set_right(clock: TurnedClock) -> None:
    clock.wrong_us, clock.quality = 0, Quality.SYNCHRONISED


def test_what_an_unsure_clock_dated_gets_its_true_time(ledger, clock):
    read(ledger)
    with ledger.transaction():
        events.enter(ledger, "inspection", "begun", state="begun", note="")
    set_right(clock)
    date_anew(ledger)
    assert rows(ledger, "SELECT accepted_us, ended_us, clock FROM jobs") == [
        (RIGHT_OFFSET_US + 5_000_000, RIGHT_OFFSET_US + 6_000_000, "redated"),
    ]
    at = RIGHT_OFFSET_US + 6_000_000
    assert rows(ledger, "SELECT utc_us, value, clock FROM readings") == [(at, 34.5, "redated")]
    assert rows(ledger, "SELECT utc_us, clock FROM latest") == [(at, "redated")]
    event = events.latest(ledger, "inspection")
    assert event is not None
    assert (event.at.utc_us, event.at.quality) == (at, Quality.REDATED)
    assert event.facts["redated_from_us"] == 6_000_000
    assert rows(ledger, "SELECT started_us, clock, sure_us FROM runs") == [
        (RIGHT_OFFSET_US + 5_000_000, "redated", at),
    ]


def test_a_recording_keeps_its_name_and_says_what_it_was_dated_before(ledger, clock):
    with ledger.transaction():
        job = ledger.accept("record m.a", "test")
        facts = RecordingFacts(5_250_000, 5.25, Quality.UNSURE, 2.0, size=1, sha256="x")
        catalog.enter(ledger, job, "m.a", ledger.archive / "hive@1970-01-01.flac", facts)
        ledger.end(job, outcomes.done(**to_json(facts)))
    set_right(clock)
    date_anew(ledger)
    row = catalog.find(ledger.db, "hive@1970-01-01.flac")
    true = RIGHT_OFFSET_US + 5_250_000
    assert (row["start_us"], row["clock"]) == (true, "redated")
    kept = json.loads(row["facts"])
    assert (kept["start_utc_us"], kept["redated_from_us"]) == (true, 5_250_000)
    [(told,)] = rows(ledger, "SELECT facts FROM jobs")
    assert json.loads(told)["start_utc_us"] == true
    assert json.loads(told)["clock"] == "redated"


def test_a_recording_that_began_when_the_clock_was_right_keeps_its_date(ledger, clock):
    with ledger.transaction():
        job = ledger.accept("record m.a", "test")
        facts = {"start_utc_us": 77, "start_monotonic": 5.25, "clock": "rtc"}
        ledger.end(job, outcomes.done(**facts))
    set_right(clock)
    date_anew(ledger)
    [(told,)] = rows(ledger, "SELECT facts FROM jobs")
    assert json.loads(told) == facts


def test_an_open_job_waits_for_its_end(ledger, clock):
    with ledger.transaction():
        job = ledger.accept("read", "test")
    set_right(clock)
    date_anew(ledger)
    assert rows(ledger, "SELECT clock FROM jobs") == [("unsure",)]
    with ledger.transaction():
        ledger.end(job, outcomes.done())
    date_anew(ledger)
    assert rows(ledger, "SELECT accepted_us, ended_us, clock FROM jobs") == [
        (RIGHT_OFFSET_US + 5_000_000, RIGHT_OFFSET_US + 5_000_000, "redated"),
    ]


def test_another_boot_stays_unsure_and_an_earlier_run_of_this_one_does_not(ledger, clock):
    read(ledger)
    clock.boot, clock.monotonic_us = "later boot", 1_000_000
    with ledger.transaction():
        ledger.begin_run()
    read(ledger)
    with ledger.transaction():
        ledger.begin_run()
    read(ledger)
    set_right(clock)
    date_anew(ledger)
    both = "SELECT jobs.clock, readings.clock FROM jobs JOIN readings USING (job)"
    assert rows(ledger, both) == [
        ("unsure", "unsure"), ("redated", "redated"), ("redated", "redated"),
    ]
    assert rows(ledger, "SELECT clock FROM runs") == [("unsure",), ("redated",), ("redated",)]


def test_what_a_right_clock_dated_stays_as_it_is(ledger, clock):
    set_right(clock)
    read(ledger)
    before = list(ledger.db.iterdump())
    with ledger.transaction():
        ledger.db.execute("UPDATE runs SET clock = 'rtc'")
    date_anew(ledger)
    assert rows(ledger, "SELECT clock FROM jobs") == [("synchronised",)]
    assert [line for line in before if "INTO \"jobs\"" in line] == \
        [line for line in ledger.db.iterdump() if "INTO \"jobs\"" in line]


def test_it_is_done_in_steps_that_let_others_write(ledger, clock):
    readings = [
        Reading("sensor.a", "count", "", float(n), None, Stamp(n, n / 1e6, Quality.UNSURE))
        for n in range(redating.ROWS_AT_A_TIME + 1)
    ]
    with ledger.transaction():
        series.keep(ledger, ledger.accept("read", "test"), readings)
    set_right(clock)
    dating = redating.Redating()
    with ledger.transaction():
        assert dating.step(ledger, clock.stamp())
    with ledger.transaction():
        assert not dating.step(ledger, clock.stamp())
    count, first, last = rows(ledger, "SELECT count(*), min(utc_us), max(utc_us) FROM readings")[0]
    assert count == redating.ROWS_AT_A_TIME + 1
    assert RIGHT_OFFSET_US <= first < last <= RIGHT_OFFSET_US + 2 * count
    values = rows(ledger, "SELECT value FROM readings ORDER BY utc_us")
    assert values == sorted(values)


def test_the_hours_that_readings_left_and_came_to_are_reckoned_again(ledger, clock):
    read(ledger)
    with ledger.transaction():
        hours.reckon(ledger, RIGHT_OFFSET_US)
    assert rows(ledger, "SELECT hour, count FROM hours") == [(0, 1)]
    set_right(clock)
    date_anew(ledger)
    with ledger.transaction():
        hours.reckon(ledger, RIGHT_OFFSET_US + 2 * US_PER_HOUR)
    hour = (RIGHT_OFFSET_US + 6_000_000) // US_PER_HOUR
    assert rows(ledger, "SELECT hour, count, mean FROM hours") == [(hour, 1, 34.5)]


# Clocks that jump: each example is a boot with its jumps, each jump with work between

YEAR_US = 365 * 86400 * 1_000_000
JUMPS = st.one_of(
    st.sampled_from([
        -RIGHT_OFFSET_US,  # 1970
        50 * YEAR_US, -YEAR_US, 3_600_000_000, -3_600_000_000,
        1_835_395_200_000_000 - RIGHT_OFFSET_US,  # 29 February 2028
        2_147_483_647_000_000 - RIGHT_OFFSET_US,  # the last second of 32 bits, in 2038
        -1, 1, -1_000_000, 1_000_000, 0,
    ]),
    st.integers(-RIGHT_OFFSET_US, 60 * YEAR_US),
)
SPANS = st.one_of(st.integers(0, 3), st.integers(0, 5_000_000), st.just(3_600_000_000))
LIVES = st.lists(
    st.tuples(JUMPS, SPANS, st.sampled_from(["read", "snapshot", "restart"])),
    min_size=100, max_size=120,
)


@dataclass
class Life:
    """A service whose wall clock is set again and again, and what it should remember."""

    ledger: Ledger
    clock: TurnedClock
    places: list[Path] = field(default_factory=list)

    def read(self) -> None:
        read(self.ledger)

    def snapshot(self) -> None:
        """Begin, let some time pass, keep: what the Orchestrator and a worker do."""
        ledger, began = self.ledger, self.clock.stamp()
        with ledger.transaction():
            job = ledger.accept("snapshot camera.a", "test")
            place = files.find_place(
                ledger.archive, "hive", "camera.a", ".jpg", self.clock.now().utc_us,
                lambda path: catalog.is_taken(ledger, path),
            )
            ledger.begin(job, "camera.a", place)
            self.places.append(place.final)
            self.clock.pass_by(10)
            facts = RecordingFacts(*began, size=1, sha256="x")
            catalog.enter(ledger, job, "camera.a", place.final, facts)
            ledger.end(job, outcomes.done())

    def restart(self) -> None:
        with self.ledger.transaction():
            self.ledger.begin_run()


@settings(max_examples=100, deadline=None)  # of at least 100 jumps each: 10,000
@given(life=LIVES, right_after=st.integers(40, 120))
def test_however_the_clock_jumps_order_and_names_hold(tmp_path_factory, life, right_after):
    clock = TurnedClock()
    archive = tmp_path_factory.mktemp("archive")
    for ledger in opened(archive, clock):
        service = Life(ledger, clock)
        for number, (jump, span, work) in enumerate(life):
            if number < right_after:
                clock.wrong_us = jump
            elif clock.quality is Quality.UNSURE:
                set_right(clock)
                date_anew(ledger)
            getattr(service, work)()
            clock.pass_by(span)
        set_right(clock)
        date_anew(ledger)
        check(ledger, service)


def check(ledger: Ledger, service: Life) -> None:
    assert len(set(service.places)) == len(service.places), "a name was given twice"
    told = rows(ledger, "SELECT accepted_us, ifnull(started_us, accepted_us), ended_us FROM jobs"
                        " ORDER BY job")
    assert all(accepted <= started <= ended for accepted, started, ended in told)
    assert all(a[2] <= b[0] for a, b in itertools.pairwise(told)), "jobs changed places"
    for table, order, at in (
        ("runs", "run", "started_us"), ("recordings", "recording", "start_us"),
        ("readings", "job", "utc_us"),
    ):
        times = [row[0] for row in rows(ledger, f"SELECT {at} FROM {table} ORDER BY {order}")]
        assert times == sorted(times), f"{table} changed places"
        left = rows(ledger, f"SELECT count(*) FROM {table} WHERE clock = 'unsure'")
        assert left == [(0,)], f"{table} were not dated anew"
    read_jobs = rows(ledger, "SELECT count(*) FROM jobs WHERE command = 'read'")
    assert rows(ledger, "SELECT count(*) FROM readings") == read_jobs, "a reading was lost"
    late = rows(ledger, "SELECT count(*) FROM readings JOIN jobs USING (job)"
                        " WHERE utc_us < accepted_us OR utc_us > ended_us + 1000")
    assert late == [(0,)], "a reading left its job"
