"""The journal: kept over a restart, so that the cause of one can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_PLACES = ("/usr/lib/systemd/journald.conf.d/*.conf", "/etc/systemd/journald.conf",
           "/run/systemd/journald.conf.d/*.conf", "/etc/systemd/journald.conf.d/*.conf")
_OWN = "/etc/systemd/journald.conf.d/beemon.conf"
_TEXT = """\
# Keeps the journal over a restart, in at most 50 MB. Made by beemon doctor; delete it to undo this.
[Journal]
Storage=persistent
SystemMaxUse=50M
SyncIntervalSec=5min
"""


def check(machine: Machine) -> Iterator[Finding]:
    """Look at its settings, and at /var/log/journal."""
    if not machine.at("/run/systemd").exists() and not machine.at("/var/log/journal").exists():
        yield skipped("there is no journal of systemd")
        return
    storage = "auto"
    paths = [path for place in _PLACES for path in machine.glob(place)]
    for path in sorted(paths, key=lambda path: ("journald.conf.d" in path.parts, path.name)):
        found = re.findall(r"(?m)^\s*Storage=(\w+)", machine.read(path) or "")
        storage = found[-1] if found else storage
    is_kept = storage == "persistent" or (
        storage == "auto" and machine.at("/var/log/journal").is_dir())
    if is_kept:
        yield ok("the journal is kept over a restart")
    else:
        yield warning("the journal is lost at each restart",
                      "The cause of a crash or a power cut then cannot be found.",
                      "sudo beemon doctor journal --fix")


def fix(machine: Machine) -> str:
    """Keep it, in a bounded size."""
    machine.replace(machine.at(_OWN), _TEXT)
    machine.change("systemctl", "restart", "systemd-journald.service")
    machine.change("journalctl", "--flush")
    return f"the journal is kept in at most 50 MB ({_OWN})"
