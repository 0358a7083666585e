"""Damaged ledgers that were kept beside the one in use."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.ledger import quarantine

_NEXT = ("sudo systemctl stop beemon; sudo -u beemon beemon archive rebuild; "
         "sudo systemctl start beemon")


def check(machine: Machine) -> Iterator[Finding]:
    """Count them."""
    if machine.archive is None or not machine.archive.is_dir():
        yield skipped("there is no archive yet")
        return
    count = len(quarantine.all_aside(machine.archive))
    if count >= quarantine.MANY:
        yield problem(f"{count} damaged databases lie in {machine.archive}",
                      "The disk itself may be failing.",
                      f"beemon backup hive.tar.gz; use a new card; then {_NEXT}")
    elif count:
        yield warning(f"a damaged database lies in {machine.archive}",
                      "Its content is not in use until it is read again.", _NEXT)
    else:
        yield ok("no damaged database lies in the archive")
