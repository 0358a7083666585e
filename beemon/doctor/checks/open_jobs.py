"""Jobs without an outcome that should have one by now."""

from __future__ import annotations

import time
from collections.abc import Iterator

from beemon.doctor.archive import ask_ledger
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_HOURS = 2.0  # the longest recording takes one
_OPEN = "SELECT job, command FROM jobs WHERE outcome IS NULL AND accepted_us < ? ORDER BY job"


def check(machine: Machine) -> Iterator[Finding]:
    """Look for old ones."""
    if not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    found = ask_ledger(machine, _OPEN, int((time.time() - _HOURS * 3600) * 1e6))
    if found:
        job, command = found[0]
        yield warning(f"{len(found)} jobs have been open for over {_HOURS:g} hours; the first is "
                      f"job {job} ({command})", "Its device may hang.",
                      f"beemon job {job}; then beemon cancel {job}")
    else:
        yield ok("no job has been open for long")
