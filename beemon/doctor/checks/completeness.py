"""The scheduled jobs of the last week: the number done, by device, and the reasons for the rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from beemon.base.moments import US_PER_DAY
from beemon.base.outcomes import REASONS
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.ledger import completeness
from beemon.protocol.replies import SlotCounts

_DAYS = 7
_WELL, _BAD = 0.98, 0.5
_MEANT = ("paused", "inspection", "power")
_LEAST_DUE = 10
_WHY = "A missing recording or reading cannot be made later."


def check(machine: Machine) -> Iterator[Finding]:
    """Count them in the ledger."""
    if not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    with machine.ledger() as ledger:
        found = completeness.of(ledger, int(time.time() * 1e6 - _DAYS * US_PER_DAY))
    counted = {name: one for name, one in found.devices.items() if one.due >= _LEAST_DUE}
    for name, counts in sorted(counted.items()):
        yield _judge(name, counts)
    if not counted:
        yield ok("too few jobs were due in the last week to judge")
    if not found.adds_up:
        yield problem("the counts of the last week do not add up", "Some jobs are missing in "
                      "the database.", "beemon completeness 7d; beemon archive check")


def _judge(name: str, counts: SlotCounts) -> Finding:
    reasons: Counter[str] = Counter()
    for by_reason in counts.reasons.values():
        reasons.update(by_reason)
    for word in _MEANT:
        reasons.pop(word, None)
    missed = reasons.total()
    told = ", ".join(f"{times} {word}" for word, times in reasons.most_common(3))
    what = f"{name}: {counts.done} of {counts.due} jobs of the last week were done"
    if missed <= (1 - _WELL) * counts.due:
        return ok(what)
    [(word, _)] = reasons.most_common(1)
    known = REASONS.get(word)
    found = problem if missed > _BAD * counts.due else warning
    return found(f"{what} ({told})", _WHY, known.remedy if known else f"beemon help {word}")
