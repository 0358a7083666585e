"""What outputs were switched to: an event for each change, and none for a state that stays."""

from __future__ import annotations

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.ledger import events, switches
from beemon.ledger.ledger import Ledger

AT = Stamp(1_780_272_000_000_000, 5.0, Quality.SYNCHRONISED)


def told(ledger: Ledger, *states: tuple[bool, float | None]) -> list[str]:
    """The events of an output that was switched so, the first one first."""
    for on, seconds in states:
        with ledger.transaction():
            switches.enter(ledger, "output.light", on=on, seconds=seconds, at=AT)
    return [event.message for event in reversed(events.recent(ledger, 99, switches.KIND))]


@pytest.mark.parametrize(("states", "count"), [
    ([(False, None)] * 5, 1),
    ([(False, None), (True, None), (False, None)], 3),
    ([(True, 60.0), (True, 60.0), (False, None)], 3),
    ([(True, None), (True, None)], 1),
])
def test_only_a_change_is_an_event(ledger, states, count):
    assert len(told(ledger, *states)) == count


def test_a_return_that_nobody_saw_is_an_event_of_the_next_start(ledger):
    assert told(ledger, (True, 60.0), (False, None)) == [
        "output.light is on, for 60 s", "output.light is off",
    ]


def test_each_output_has_its_own_state(ledger):
    told(ledger, (False, None))
    with ledger.transaction():
        switches.enter(ledger, "output.fan", on=False, seconds=None, at=AT)
    assert len(events.recent(ledger, 9, switches.KIND)) == 2
