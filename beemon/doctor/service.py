"""The running service: its devices and problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beemon.base.facts import Json
from beemon.doctor.machine import Machine

NOT_REACHED = "the service cannot be reached"


def devices(machine: Machine) -> Mapping[str, Mapping[str, Json]]:
    """The status of each device; none if the service cannot be reached."""
    found = (machine.status or {}).get("devices")
    if not isinstance(found, Mapping):
        return {}
    return {str(name): one for name, one in found.items() if isinstance(one, Mapping)}


def troubles(machine: Machine) -> Iterator[tuple[str, str, str]]:
    """The problems of the service: the subject, the problem, and the remedy."""
    found = (machine.status or {}).get("troubles")
    for one in found if isinstance(found, list | tuple) else ():
        if isinstance(one, Mapping):
            yield str(one.get("about")), str(one.get("says")), str(one.get("remedy") or "")
