"""Time-outs: devices that now and then do not answer in time, though nearly all jobs are done."""

from __future__ import annotations

import time
from collections.abc import Iterator

from beemon.base.moments import US_PER_DAY
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine
from beemon.ledger import completeness
from beemon.protocol.replies import SlotCounts

_DAYS = 7
_MANY = 3
_WELL = 0.98  # below that, the check of the completeness names the reason


def check(machine: Machine) -> Iterator[Finding]:
    """Count them in the ledger."""
    if not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    with machine.ledger() as ledger:
        found = completeness.of(ledger, int(time.time() * 1e6 - _DAYS * US_PER_DAY)).devices
    late = {name: count for name, one in sorted(found.items())
            if one.done >= _WELL * one.due and (count := _timeouts(one)) >= _MANY}
    for name, count in late.items():
        yield warning(
            f"{name} did not answer in time in {count} jobs of the last week",
            "Each time, its worker is killed, and a reading or a recording is missing.",
            f"check its cable, or set a longer timeout under [{name}]",
        )
    if not late:
        yield ok("no device that works well had more than two time-outs in the last week")


def _timeouts(counts: SlotCounts) -> int:
    return sum(by_reason.get("timeout", 0) for by_reason in counts.reasons.values())
