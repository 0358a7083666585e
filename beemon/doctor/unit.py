"""The unit of beemon, as systemd knows it."""

from __future__ import annotations

from collections.abc import Mapping

from beemon.doctor.machine import Machine

UNIT = "beemon.service"
START = f"sudo systemctl start {UNIT}"
RESTART = f"sudo systemctl restart {UNIT}"
_PROPERTIES = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "ExecMainStatus",
    "NRestarts", "WatchdogUSec", "StartLimitIntervalUSec", "NeedDaemonReload", "MemoryCurrent",
    "MemoryMax", "MemoryHigh",
)


def facts(machine: Machine, unit: str = UNIT) -> Mapping[str, str] | None:
    """The properties of the unit; None without systemd, or if it does not know the unit."""
    ran = machine.run("systemctl", "show", unit, *(f"--property={one}" for one in _PROPERTIES))
    if ran is None or not ran.is_well:
        return None
    found = dict(line.split("=", 1) for line in ran.text.splitlines() if "=" in line)
    return found if found.get("LoadState") not in (None, "not-found") else None


def number(found: Mapping[str, str], name: str) -> int | None:
    """A property that is a number; None if it is not set, or has no limit."""
    text = found.get(name, "")
    return int(text) if text.isdigit() and int(text) < 2**63 else None
