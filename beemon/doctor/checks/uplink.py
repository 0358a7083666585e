"""The uplink: its tables in the config, its service, and each of its destinations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from beemon.base.facts import Json
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.uplink import destinations

_UNIT = "beemon-uplink.service"
_REPORT = "/run/beemon-uplink/state.json"
_STALE_SECONDS = 120.0
_WHY = "Nothing of this hive arrives there until it works again; nothing is lost meanwhile."


def check(machine: Machine) -> Iterator[Finding]:
    """Read the config, and the uplink's own report."""
    tables = dict(machine.settings.uplink) if machine.settings else {}
    if not set(tables) - {destinations.LINK}:
        yield skipped("the config has no uplink")
        return
    for found in destinations.read_tables(tables)[1]:
        yield problem(str(found.problem), _WHY, "correct it, then: beemon config check")
    files = [*destinations.find_unreadable_files(tables, machine.root)]
    for one in files:
        yield problem(one.problem.says, _WHY, one.problem.remedy)
    yield from _destinations(_read_report(machine), {str(one.file.path) for one in files})


def fix(machine: Machine) -> str:
    """Start the service. Secrets and tables stay as they are."""
    machine.change("systemctl", "enable", "--now", _UNIT)
    return f"{_UNIT} runs"


def _read_report(machine: Machine) -> Mapping[str, Json]:
    """The last report; empty if there is none, or if it cannot be read."""
    try:
        found = json.loads(machine.read(_REPORT) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _destinations(found: Mapping[str, Json], files: Collection[str]) -> Iterator[Finding]:
    """The problems in the report, without those of ``files``, which are shown already."""
    if not isinstance(at := found.get("at"), str):
        yield problem("the uplink does not run", _WHY, f"sudo systemctl start {_UNIT}")
        return
    age = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
    if age > _STALE_SECONDS:
        yield problem(f"the uplink was last heard of {age / 60:.0f} min ago", _WHY,
                      f"sudo systemctl restart {_UNIT}")
    told = found.get("destinations")
    for name, one in (told if isinstance(told, Mapping) else {}).items():
        says = (one.get("trouble") or one.get("note")) if isinstance(one, Mapping) else None
        if says and any(file in str(says) for file in files):
            continue
        if says:
            yield warning(f"{name}: {says}", _WHY, "journalctl -u beemon-uplink -e")
        else:
            limit = one.get("limit") if isinstance(one, Mapping) else None
            yield ok(f"{name} works; {limit}" if limit else f"{name} works")
