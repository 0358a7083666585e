"""The counting of one line's pulses, by arithmetic alone."""

from __future__ import annotations

import pytest

from beemon.devices.sensors._pulses import Pulses

DEBOUNCE = 0.003


@pytest.fixture
def pulses():
    return Pulses((False,), DEBOUNCE)


def edges(pulses, *pairs):
    for active, at in pairs:
        pulses.edge(0, active, at)


def test_each_change_to_active_is_one(pulses):
    edges(pulses, (True, 1.0), (False, 1.1), (True, 2.0), (False, 2.1))
    assert pulses.take(3.0) == 2
    assert pulses.take(4.0) == 0


def test_what_does_not_last_is_bounce(pulses):
    edges(pulses, (True, 1.0), (False, 1.001), (True, 1.002), (False, 1.003))
    assert pulses.take(2.0) == 0


def test_a_change_that_has_not_lasted_yet_is_counted_later(pulses):
    edges(pulses, (True, 1.0))
    assert pulses.take(1.001) == 0
    assert pulses.take(1.004) == 1


def test_what_is_active_at_the_beginning_did_not_become_so():
    pulses = Pulses((True,), DEBOUNCE)
    edges(pulses, (False, 1.0), (True, 2.0))
    assert pulses.take(3.0) == 1


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_edge_costs_no_pulse(pulses, lost):
    """Two edges of a kind after each other: the one between them, and a pulse, was there."""
    edges(pulses, (True, 1.0), (False, 1.1), (True, 2.0), (False, 2.1))
    edges(pulses, (lost, 3.0)) if lost else edges(pulses, (False, 3.1))
    edges(pulses, (True, 4.0), (False, 4.1))
    assert pulses.take(5.0) == 4


def test_a_level_that_is_found_to_differ_is_a_late_edge(pulses):
    pulses.resynchronise((True,), 1.0)
    pulses.resynchronise((True,), 2.0)
    assert pulses.levels == (True,)
    assert pulses.take(3.0) == 1
    pulses.resynchronise((False,), 4.0)
    assert pulses.take(5.0) == 0
