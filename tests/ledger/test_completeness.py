"""Completeness: what became of each slot, and whether that is all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.facts import to_json
from beemon.ledger import completeness, counts
from beemon.ledger.ledger import LedgerReader
from beemon.ledger.slots import Due, Series, Skip, Turn
from tests.book import HOUR, HOURLY, MINUTE, MINUTELY, NOON, Book, skip


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    book = Book(tmp_path)
    yield book
    book.ledger.close()


def run(book: Book, minute: int, ending: outcomes.Ending | None, command="read sensor.a") -> None:
    """A slot that is run, and what becomes of it."""
    at = NOON + minute * MINUTE
    [job] = book.enter(due=[Due(command, at)], accounted_us=at)
    if ending:
        with book.ledger.transaction():
            book.ledger.end(job, ending)


def told(book: Book, since_us: int = 0) -> dict:
    return to_json(completeness.of(book.ledger, since_us))


def test_before_the_first_account_there_is_nothing_to_tell(book):
    assert told(book) == {
        "since": "1970-01-01T00:00:00.000Z", "until": "1970-01-01T00:00:00.000Z", "devices": {},
        "unslotted": {}, "unaccounted": [], "adds_up": True,
    }


def test_every_slot_is_counted_with_what_became_of_it(book):
    book.start(NOON, a=MINUTELY)
    run(book, 1, outcomes.done())
    run(book, 2, outcomes.failed("timeout"))
    run(book, 3, outcomes.interrupted("crash"))
    run(book, 4, outcomes.skipped("busy"))
    run(book, 5, None)
    book.enter(skip("paused", 6, 4), accounted_us=NOON + 9 * MINUTE)
    assert told(book)["devices"]["sensor.a"] == {
        "due": 9, "done": 1, "failed": 1, "skipped": 5, "interrupted": 1, "open": 1,
        "reasons": {
            "skipped": {"paused": 4, "busy": 1}, "failed": {"timeout": 1},
            "interrupted": {"crash": 1},
        },
        "recount": 9, "adds_up": True,
    }


def test_what_a_client_asks_for_is_no_slot(book):
    book.start(NOON, a=MINUTELY)
    with book.ledger.transaction():
        book.ledger.end(book.ledger.accept("read sensor.a", "client"), outcomes.done())
    assert told(book)["devices"]["sensor.a"]["due"] == 0


def test_a_slot_that_was_lost_is_noticed(book):
    book.start(NOON, a=MINUTELY)
    run(book, 1, outcomes.done())
    run(book, 3, outcomes.done())
    found = told(book)
    assert not found["adds_up"]
    assert found["devices"]["sensor.a"]["recount"] == found["devices"]["sensor.a"]["due"] + 1


def test_a_schedule_that_has_no_sense_here_cannot_be_recounted(book):
    book.start(NOON, a='{"interval": "1m", "zone": "Atlantis"}', b=MINUTELY)
    book.enter(accounted_us=NOON)
    counts = told(book)["devices"]["sensor.a"]
    assert (counts["recount"], counts["adds_up"]) == (None, False)


def test_each_sensor_of_a_read_has_its_own_outcome(book):
    book.start(NOON, a=MINUTELY, b=MINUTELY, c=MINUTELY, d=MINUTELY)
    lacking = {"sensor.b": "timeout", "sensor.c": "busy", "sensor.d": "partly"}
    run(book, 1, outcomes.failed("partly", lacking=lacking),
        "read sensor.a sensor.b sensor.c sensor.d")
    found = told(book)
    assert found["adds_up"]
    assert {d: (c["done"], c["reasons"]) for d, c in found["devices"].items()} == {
        "sensor.a": (1, {}),
        "sensor.b": (0, {"failed": {"timeout": 1}}),
        "sensor.c": (0, {"skipped": {"busy": 1}}),
        "sensor.d": (0, {"failed": {"partly": 1}}),
    }


def test_a_read_that_was_cut_is_done_for_those_that_had_answered(book):
    book.start(NOON, a=MINUTELY, b=MINUTELY, c=MINUTELY)
    ending = outcomes.interrupted(
        "stopping", lacking={"sensor.b": "stopping", "sensor.c": "timeout"}
    )
    run(book, 1, ending, "read sensor.a sensor.b sensor.c")
    assert {d: (c["done"], c["reasons"]) for d, c in told(book)["devices"].items()} == {
        "sensor.a": (1, {}),
        "sensor.b": (0, {"interrupted": {"stopping": 1}}),
        "sensor.c": (0, {"failed": {"timeout": 1}}),
    }


def test_a_read_that_was_never_begun_is_so_for_each_of_its_sensors(book):
    book.start(NOON, a=MINUTELY, b=MINUTELY)
    run(book, 1, outcomes.interrupted("crash"), "read sensor.a sensor.b")
    assert {d: c["interrupted"] for d, c in told(book)["devices"].items()} == {
        "sensor.a": 1, "sensor.b": 1,
    }


@pytest.mark.parametrize(("command", "devices"), [
    ("read sensor.a sensor.b", ["sensor.a", "sensor.b"]),
    ("record microphone.a 60", ["microphone.a"]),
    ("snapshot camera.a", ["camera.a"]),
])
def test_a_command_names_its_devices(command, devices):
    assert counts.devices_of(command) == devices


def test_only_what_is_later_counts(book):
    book.start(NOON, a=MINUTELY)
    for minute in range(1, 5):
        run(book, minute, outcomes.done())
    book.enter(skip("paused", 5, 5), accounted_us=NOON + 9 * MINUTE)
    found = told(book, NOON + 2 * MINUTE)
    assert (found["devices"]["sensor.a"]["due"], found["adds_up"]) == (7, True)
    found = told(book, NOON + 6 * MINUTE)  # in the middle of a row of skips
    assert (found["devices"]["sensor.a"]["due"], found["adds_up"]) == (3, True)
    assert found["since"] == "2026-06-01T12:06:00.000Z"
    assert found["until"] == "2026-06-01T12:09:00.000Z"


def test_slots_that_came_twice_were_due_twice(book):
    book.start(NOON, a=MINUTELY)
    run(book, 1, outcomes.done())
    run(book, 2, outcomes.done())
    book.enter(
        Turn("sensor.a", NOON + 2 * MINUTE, NOON, MINUTELY), accounted_us=NOON,
    )
    run(book, 1, outcomes.done())
    found = told(book)
    assert (found["devices"]["sensor.a"]["due"], found["adds_up"]) == (3, True)


def test_an_absence_adds_up(book):
    book.start(NOON, a=MINUTELY, b=HOURLY)
    book.start(NOON + 5 * HOUR, a=MINUTELY, b=HOURLY)
    found = told(book, NOON + 2 * HOUR)
    assert {d: c["reasons"] for d, c in found["devices"].items()} == {
        "sensor.a": {"skipped": {"down": 180}}, "sensor.b": {"skipped": {"down": 3}},
    }
    assert found["adds_up"]


def test_spans_without_account_are_named(book):
    book.start(NOON, a=MINUTELY)
    book.start(NOON + HOUR + MINUTE, since_us=NOON + HOUR, a=MINUTELY)
    [span] = told(book)["unaccounted"]
    assert (span["from"], span["until"]) == ("2026-06-01T13:00:00.000Z", "2026-06-01T13:01:00.000Z")
    assert told(book, NOON + 2 * HOUR)["unaccounted"] == []


def test_a_clock_that_is_not_right_yet_is_named(book):
    book.start_without_account(NOON, Quality.UNSURE)
    assert told(book)["unaccounted"] == [
        {"from": "2026-06-01T12:00:00.000Z", "why": "the clock is not right yet"}
    ]


def test_it_is_named_from_the_first_run_without_account(book):
    book.start(NOON, a=MINUTELY)
    book.start_without_account(NOON + HOUR, Quality.UNSURE)
    book.start_without_account(NOON + 2 * HOUR, Quality.UNSURE)
    assert told(book)["unaccounted"] == [
        {"from": "2026-06-01T13:00:00.000Z", "why": "the clock is not right yet"}
    ]


def test_what_ran_without_a_slot_is_counted_apart(book):
    book.start_without_account(NOON, Quality.UNSURE)
    with book.ledger.transaction() as ledger:
        for origin, ending in (
            ("schedule", outcomes.done()), ("schedule", outcomes.failed("timeout")),
            ("schedule", None), ("127.0.0.1:5", outcomes.done()),
        ):
            job = ledger.accept("read sensor.a", origin)
            if ending:
                ledger.end(job, ending)
    assert told(book)["unslotted"] == {"open": 1, "done": 1, "failed": 1}
    assert told(book)["devices"] == {}


def test_what_is_written_meanwhile_does_not_disturb_the_count(book, tmp_path):
    book.start(NOON, a=MINUTELY)
    reader = LedgerReader(tmp_path)
    reader.db.execute("BEGIN")
    reader.db.execute("SELECT count(*) FROM skips").fetchone()
    one_hour = Series(NOON + MINUTE, NOON + HOUR, 60)
    book.enter(Skip("sensor.a", "late", one_hour), accounted_us=NOON + HOUR)
    found = to_json(completeness.of(reader))
    assert (found["devices"]["sensor.a"]["due"], found["adds_up"]) == (0, True)
    reader.db.execute("COMMIT")
    assert completeness.of(reader).devices["sensor.a"].due == 60
    reader.close()
