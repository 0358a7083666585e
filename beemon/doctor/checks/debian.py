"""The release of Debian: one for which this package is tested."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, unknown, warning
from beemon.doctor.machine import Machine

_TESTED = ("12", "13")


def check(machine: Machine) -> Iterator[Finding]:
    """Read /etc/os-release."""
    told = dict(re.findall(r'(?m)^(\w+)="?(.*?)"?$', machine.read("/etc/os-release") or ""))
    name = told.get("PRETTY_NAME", "")
    if not told:
        yield unknown("/etc/os-release cannot be read", "cat /etc/os-release")
    elif told.get("ID") in ("debian", "raspbian") and told.get("VERSION_ID") in _TESTED:
        yield ok(name)
    else:
        yield warning(f"this is {name}", "beemon is tested on Debian 12 and 13.",
                      "if something fails, try it on one of them")
