"""Which devices the end of a worker is held against: a table of everything that can happen."""

from __future__ import annotations

import signal

import pytest

from beemon.orchestrator.blame import Blame, WorkerEnd, blame, blocking_task, missed_deadline
from beemon.orchestrator.task import Task


def tasks(text: str) -> list[Task]:
    """A task for each device; those in capitals have begun."""
    return [
        Task(1, name.lower(), "read", name, 5.0, has_begun=name.isupper()) for name in text.split()
    ]


def at_fault(*devices: str) -> Blame:
    return Blame(frozenset(devices))


def possible(*devices: str) -> Blame:
    return Blame(possible=frozenset(devices))


def certain(device: str) -> Blame:
    return Blame(frozenset({device}), is_certain=True)


DIED = None
"""The worker ended by itself, so that no device is named."""


@pytest.mark.parametrize(
    ("running", "opening", "named", "outputs", "expected"),
    [
        # A device is named: by its worker, by a deadline or by an output that did not return.
        ("A", None, "a", "", certain("a")),
        ("A B", None, "a", "", certain("a")),
        ("A B", "c", "a", "", certain("a")),
        ("A", None, "c", "", certain("c")),
        ("", None, "light", "light", certain("light")),
        # It died while it was using one device.
        ("A", None, DIED, "", certain("a")),
        ("A b", None, DIED, "", certain("a")),
        ("A A", None, DIED, "", certain("a")),
        ("a", "a", DIED, "", certain("a")),
        ("A", "a", DIED, "", certain("a")),
        ("", "light", DIED, "light fan", certain("light")),
        # It died while it was using several.
        ("A B", None, DIED, "", possible("a", "b")),
        ("A B c", None, DIED, "light", possible("a", "b")),
        ("A b", "b", DIED, "", possible("a", "b")),
        ("A", "light", DIED, "light", possible("a", "light")),
        # It died before it used any.
        ("a", None, DIED, "", at_fault("a")),
        ("a b", None, DIED, "light", at_fault("a", "b")),
        ("", None, DIED, "light fan", at_fault("light", "fan")),
        # It died while it had nothing to do.
        ("", None, DIED, "", at_fault()),
    ],
)
def test_the_end_of_a_worker_is_held_against(running, opening, named, outputs, expected) -> None:
    end = WorkerEnd("any", "reason", named)
    assert blame(tasks(running), opening, end, outputs.split()) == expected


def test_the_causes_are_named_in_a_fixed_order() -> None:
    assert possible("b", "a").causes == "a or b"
    assert certain("a").causes == "a"


@pytest.mark.parametrize(
    ("late", "others", "opening", "expected"),
    [
        ("A", "", None, "a"),
        ("a B", "", "c", "b"),
        ("a", "b", "b", "b"),
        ("a", "b", None, "a"),
        ("a", "b", "c", "a"),
    ],
)
def test_of_late_tasks_the_one_that_delays_the_others_is_named(
    late, others, opening, expected
) -> None:
    found = tasks(late)
    assert blocking_task(found, [*found, *tasks(others)], opening).device == expected


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (None, "no answer to read within 5 s"),
        ("cancelled", "read did not end when it was cut"),
    ],
)
def test_a_missed_deadline_names_the_task_and_aborts_the_worker(cut, message) -> None:
    task = Task(1, "a", "read", "a", 5.0, cut=cut)
    assert missed_deadline(task) == WorkerEnd("timeout", message, "a", signal.SIGABRT)
