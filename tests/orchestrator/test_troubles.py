"""Troubles in the journal: a line for each change, and no more for what stays dead."""

from __future__ import annotations

import pytest

from beemon.orchestrator.health import BUDGET, Health
from beemon.orchestrator.troubles import Troubles

NOW = 1000.0
HOURS_24 = 24 * 60
"""The minutes of a day: how often a sensor is asked in it."""


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


def test_a_trouble_is_told_when_it_begins_changes_and_ends(said) -> None:
    troubles, health = Troubles(), Health()
    troubles.tell("sensor.a", health)
    for trouble in ("crc: bad", "crc: bad", "io-error: no answer"):
        health.troubled(trouble, NOW)
        troubles.tell("sensor.a", health)
    health.well(NOW)
    troubles.tell("sensor.a", health)
    troubles.tell("sensor.a", health)
    assert said.messages == [
        "sensor.a: problem: crc: bad", "sensor.a: problem: io-error: no answer",
        "sensor.a: works again",
    ]


def test_a_note_of_a_device_that_works_is_told_once(said) -> None:
    troubles, health = Troubles(), Health()
    for note in ("gives 10 pictures a second", None, "gives 9.5 pictures a second"):
        health.well(NOW)
        health.note = note
        troubles.tell("camera.c", health)
    assert said.messages == ["camera.c: gives 10 pictures a second"]
    assert health.note == "gives 9.5 pictures a second"


def test_a_day_of_two_troubles_in_turn_with_growing_numbers_is_two_lines(said) -> None:
    troubles, health = Troubles(), Health()
    for minute in range(HOURS_24):
        stuck = f"stuck: it has been 21.5 for {minute} min"
        health.troubled(stuck if minute % 2 else "crc: bad", NOW)
        troubles.tell("sensor.a", health)
    assert len(said.messages) == 2


def test_what_is_given_up_is_told_so_and_nothing_after_it_until_it_works(said) -> None:
    troubles, health = Troubles(), Health()
    for strike in range(HOURS_24 // 10):
        health.strike(f"timeout: {strike % 7 * 'no '}answer", 600.0 * strike)
        troubles.tell("camera.c", health)
        health.opened()
        troubles.tell("camera.c", health)
    assert len(said.messages) == BUDGET
    assert said.messages[-1].startswith("camera.c: problem (given-up): ")
    health.well(NOW)
    troubles.tell("camera.c", health)
    health.strike("timeout: answer", 0.0)
    troubles.tell("camera.c", health)
    assert said.messages[BUDGET:] == [
        "camera.c: works again", "camera.c: problem (backing-off): timeout: answer",
    ]


def test_what_a_new_start_finds_is_news(said) -> None:
    troubles, health = Troubles(), Health()
    health.troubled("crc: bad", NOW)
    for _ in range(2):
        troubles.tell("sensor.a", health)
        troubles.forget("sensor.a")
    assert len(said.messages) == 2
