"""The uplink: its tables in the config, its service, and each of its destinations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from beemon.base.facts import Json
from beemon.base.options import RawTable
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.uplink import destinations
from beemon.uplink.secrets import making, open_remedy

_UNIT = "beemon-uplink.service"
_REPORT = "/run/beemon-uplink/state.json"
_STALE_SECONDS = 120.0
_OTHERS = 0o007
_PUBLIC = ("ca_file", "certificate_file", "known_hosts_file")
"""Options that name a file which everybody may read."""
_WHY = "Nothing of this hive arrives there until it works again; nothing is lost meanwhile."


def check(machine: Machine) -> Iterator[Finding]:
    """Read the config, and the uplink's own report."""
    tables = dict(machine.settings.uplink) if machine.settings else {}
    if not set(tables) - {destinations.LINK}:
        yield skipped("the config has no uplink")
        return
    for found in destinations.read_tables(tables)[1]:
        yield problem(str(found.problem), _WHY, "correct it, then: beemon config check")
    files = dict(_secrets(machine, tables))
    yield from files.values()
    yield from _destinations(_read_report(machine), files)


def fix(machine: Machine) -> str:
    """Start the service. Secrets and tables stay as they are."""
    machine.change("systemctl", "enable", "--now", _UNIT)
    return f"{_UNIT} runs"


def _secrets(machine: Machine, tables: Mapping[str, RawTable]) -> Iterator[tuple[str, Finding]]:
    """The files that the uplink needs and cannot use, and the problem of each."""
    for table in tables.values():
        options = table.value if isinstance(table.value, dict) else {}
        for name, path in options.items():
            if not name.endswith("_file") or not isinstance(path, str):
                continue
            try:
                mode = machine.at(path).stat().st_mode
            except OSError as error:
                what = f"[{table.name}] {name}: {path}: {error.strerror}"
                yield path, problem(what, _WHY, _remedy(name, path, error))
                continue
            if mode & _OTHERS and name not in _PUBLIC:
                yield path, problem(f"everybody can read {path}", "It holds a secret.",
                                    open_remedy(path))


def _remedy(name: str, path: str, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return open_remedy(path)
    if name == "config_file":
        return f"sudo rclone --config {path} config; {open_remedy(path)}"
    return f"sudo ls -l {path}" if name in _PUBLIC else f"{making(path)}; then write in it"


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
            yield ok(f"{name} works")
