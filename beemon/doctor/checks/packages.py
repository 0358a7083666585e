"""Debian's packages: an upgrade that was interrupted, for example by a power cut."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Ask dpkg."""
    ran = machine.run("dpkg", "--audit")
    if ran is None:
        yield skipped("this is no Debian")
    elif ran.text.strip():
        names = [line.split()[0] for line in ran.text.splitlines() if line.startswith(" ")]
        yield problem(f"packages are half installed: {', '.join(names[:5])}",
                      "An upgrade was interrupted; programs may fail.", "sudo dpkg --configure -a")
    else:
        yield ok("every package is whole")


def fix(machine: Machine) -> str:
    """Finish the upgrade; files of the config that were changed stay as they are."""
    machine.change("dpkg", "--force-confold", "--force-confdef", "--configure", "-a")
    return "the upgrade was finished"
