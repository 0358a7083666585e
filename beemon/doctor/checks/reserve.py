"""The reserve: files that give the database room on a full disk."""

from __future__ import annotations

import os
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError
from beemon.storage import reserve
from beemon.storage.space import measure_space


def check(machine: Machine) -> Iterator[Finding]:
    """Look whether it is whole."""
    if machine.archive is None or not machine.has_ledger:
        yield skipped("there is no archive yet")
    elif reserve.is_whole(machine.archive):
        yield ok("the reserve for a full disk is whole")
    else:
        yield warning("the reserve for a full disk was used",
                      "The next time, outcomes may be lost.",
                      "make space; the service then makes it again: beemon budget")


def fix(machine: Machine) -> str:
    """Make it, if the disk has room."""
    assert machine.archive is not None
    found = measure_space(machine.archive)
    if found.free_bytes < 4 * reserve.FILES * reserve.FILE_BYTES:
        raise NotFixedError("the disk has too little space")
    reserve.make(machine.archive, found)
    owner = machine.archive.stat()
    for path in (machine.archive / reserve.FOLDER, *(machine.archive / reserve.FOLDER).iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    return "the reserve is whole again"
