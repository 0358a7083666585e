"""No check without a fault that is planted for it, and no fix without something to mend."""

from __future__ import annotations

import re
from pathlib import Path

from beemon.doctor import run
from tests.doctor import test_hardware, test_software
from tests.grounds import test_package

TEXTS = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*ware.py"))


def used(functions: str) -> set[str]:
    """The checks that a test calls by name."""
    return set(re.findall(rf'planted\.(?:{functions})\("(\w+)"\)', TEXTS))


def test_a_fault_is_planted_for_each_check() -> None:
    faults = [*test_hardware.FAULTS.values(), *test_software.FAULTS.values()]
    named = [planted[0] if planted[0] in run.names() else "" for planted in faults]
    assert "" not in named
    assert {*named, *used("told|states|findings")} == {*run.names()}
    assert len(run.names()) >= 45


def test_something_is_broken_for_each_fix() -> None:
    fixes = {name for name in run.names() if run.load(name).fix}
    ordered = {test_software.FAULTS[name][0] for name in test_software.ORDERS}
    broken = {check for faults in test_package.FAULTS for check in faults}
    assert ordered <= broken
    assert {*broken, *used("fix")} == fixes
    assert len(fixes) >= 25
