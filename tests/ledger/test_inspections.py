"""Inspections in the ledger: they outlast a restart, and end by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beemon.ledger import events, inspections
from beemon.ledger.inspections import LONGEST_SECONDS, Begun
from tests.book import HOUR, MINUTE, NOON, Book


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    book = Book(tmp_path)
    book.start_without_account(NOON)
    yield book
    book.ledger.close()


def begin(book: Book, note: str = "") -> None:
    with book.ledger.transaction():
        inspections.enter_begin(book.ledger, note, book.clock.stamp())


def resumed(book: Book, at_us: int) -> Begun | None:
    """What a run that begins then finds."""
    book.start_without_account(at_us)
    with book.ledger.transaction():
        return inspections.resume(book.ledger)


def said(book: Book) -> list[str]:
    return [event.message for event in events.recent(book.ledger, 9, inspections.KIND)]


def test_without_one_there_is_nothing_to_go_on_with(book):
    assert resumed(book, NOON + HOUR) is None


def test_one_that_is_on_goes_on_for_the_rest_of_its_time(book):
    begin(book, "queen seen")
    assert resumed(book, NOON + 30 * MINUTE) == Begun(NOON, LONGEST_SECONDS - 1800, "queen seen")
    assert said(book) == ["inspection begun: queen seen"]


def test_one_that_ended_is_over(book):
    begin(book)
    with book.ledger.transaction():
        inspections.enter_end(book.ledger, "8 frames", book.clock.stamp())
    assert resumed(book, NOON + MINUTE) is None
    assert said(book) == ["inspection ended: 8 frames", "inspection begun"]


def test_one_whose_time_ran_out_meanwhile_is_ended_once(book):
    begin(book)
    assert resumed(book, NOON + 3 * HOUR) is None
    assert resumed(book, NOON + 4 * HOUR) is None
    assert said(book) == [
        "inspection ended automatically", "inspection begun",
    ]


@pytest.mark.parametrize(("at_us", "left"), [
    (NOON + HOUR, LONGEST_SECONDS - 3600),
    (0, LONGEST_SECONDS),  # a clock that begins in the past
])
def test_after_a_power_cut_the_wall_clock_tells_how_long_it_was_on(book, at_us, left):
    begin(book)
    book.clock.boot = "another boot"
    assert resumed(book, at_us).seconds_left == left
