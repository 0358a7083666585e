"""The inbox takes actions of any thread, and the pulse says when a heartbeat is due."""

from __future__ import annotations

from beemon.orchestrator.inbox import HEARTBEAT_SECONDS, Inbox, Pulse


def test_what_was_put_first_is_taken_first() -> None:
    inbox, done = Inbox(), []
    put = inbox.forward(done.append)
    put("first")
    put("second")
    assert done == []
    while action := inbox.take(0.0):
        action()
    assert done == ["first", "second"]


def test_an_empty_inbox_gives_nothing_when_the_time_is_up() -> None:
    assert Inbox().take(-1.0) is None


def test_a_heartbeat_is_due_at_once_and_then_again_and_again() -> None:
    pulse = Pulse()
    assert pulse.beats(100.0)
    assert not pulse.beats(100.0 + HEARTBEAT_SECONDS / 2)
    assert pulse.beats(100.0 + HEARTBEAT_SECONDS)


def test_the_next_heartbeat_comes_sooner_once_that_is_wanted() -> None:
    pulse = Pulse()
    assert pulse.beats(100.0, 4.0)
    assert not pulse.beats(100.5, 4.0)
    assert not pulse.beats(100.5, 1.0)
    assert not pulse.beats(101.0, 4.0)
    assert pulse.beats(101.5, 4.0)


def test_a_change_has_the_next_heartbeat_due_at_once() -> None:
    pulse = Pulse()
    pulse.beats(100.0)
    pulse.hurry()
    assert pulse.beats(100.1)
