"""The time zone: valid, and the one that the service uses."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, warning
from beemon.doctor.machine import Machine, NotFixedError

_FOLDER = "/usr/share/zoneinfo/"
_WHY = "Schedules follow the local time."


def check(machine: Machine) -> Iterator[Finding]:
    """Compare /etc/localtime, /etc/timezone and the running service."""
    link, named = machine.at("/etc/localtime"), machine.read("/etc/timezone")
    zone = str(link.readlink()).partition("zoneinfo/")[2] if link.is_symlink() else ""
    if (link.is_symlink() or link.exists()) and zone and not machine.at(_FOLDER + zone).exists():
        yield problem(f"the time zone {zone} does not exist", _WHY,
                      "sudo timedatectl set-timezone Europe/Berlin")
        return
    if named and zone and named.strip() != zone:
        yield warning(f"/etc/timezone has {named.strip()}, but /etc/localtime has {zone}", _WHY,
                      f"sudo timedatectl set-timezone {zone}")
        return
    told = machine.status.get("zone") if machine.status else None
    if zone and told and told != zone:
        yield warning(f"the service uses the time zone {told}, but the machine has {zone}", _WHY,
                      "sudo systemctl restart beemon")
        return
    yield ok(f"the time zone is {zone or 'UTC'}")


def fix(machine: Machine) -> str:
    """Make /etc/timezone say what /etc/localtime says."""
    link, named = machine.at("/etc/localtime"), machine.read("/etc/timezone")
    zone = str(link.readlink()).partition("zoneinfo/")[2] if link.is_symlink() else ""
    if not zone or not machine.at(_FOLDER + zone).exists():
        raise NotFixedError("choose a zone: timedatectl list-timezones")
    if named and named.strip() != zone:
        machine.replace(machine.at("/etc/timezone"), f"{zone}\n")
        return f"/etc/timezone has {zone} now"
    raise NotFixedError("restart the service: sudo systemctl restart beemon")
