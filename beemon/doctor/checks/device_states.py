"""The state of each device: those that fail, and those that are held back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beemon.base.facts import Json
from beemon.base.outcomes import REASONS
from beemon.base.status import DeviceState
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine
from beemon.doctor.service import NOT_REACHED, devices

_WHY = "Its recordings or readings are missing."


def check(machine: Machine) -> Iterator[Finding]:
    """Ask the service."""
    if machine.status is None:
        yield skipped(NOT_REACHED)
        return
    found = devices(machine)
    if not found:
        yield warning("the service has no devices", "Nothing is recorded.", "sudo beemon setup")
    for name, device in sorted(found.items()):
        yield _judge(name, device)


def _judge(name: str, device: Mapping[str, Json]) -> Finding:
    state, trouble = str(device.get("state")), device.get("trouble")
    if state in [one for one in DeviceState if one.is_trouble]:
        reason = REASONS.get(str(trouble).partition(":")[0])
        return problem(f"{name} is {state}: {trouble}", _WHY,
                       reason.remedy if reason else "beemon status")
    if device.get("rebind_trouble"):
        return warning(f"{name}: its USB device: {device['rebind_trouble']}", _WHY,
                       "unplug it and plug it in again")
    if device.get("held_back") == "low-disk":
        return problem(f"{name} pauses, because the disk is full", _WHY, "beemon budget")
    if device.get("note"):
        return warning(f"{name}: {device['note']}", "It does not do what the config says.",
                       "beemon status")
    return ok(f"{name} is {state}")
