"""Recordings that failed their check and are kept as evidence."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.config.settings import RetentionSettings
from beemon.doctor.archive import ask_ledger
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_SHARE = 0.8
_SIZE = (
    "SELECT coalesce(sum(size), 0), count(*) FROM recordings"
    " WHERE verdict = 'failed' AND deleting_us IS NULL"
)


def check(machine: Machine) -> Iterator[Finding]:
    """Compare their size with the space that the config has for them."""
    if not machine.has_ledger:
        yield skipped("there is no database yet")
        return
    [[size, count]] = ask_ledger(machine, _SIZE)
    quota = (machine.settings.retention if machine.settings else RetentionSettings()).evidence
    if size > _SHARE * quota:
        yield warning(f"{count} recordings failed their check, {size / 1e6:.0f} MB",
                      "A device delivers bad recordings; the oldest of them are deleted.",
                      "beemon completeness 7d; listen to one of them")
    else:
        yield ok(f"{count} recordings that failed their check are kept, {size / 1e6:.0f} MB")
