"""Programs other than beemon that hold a camera or a sound card."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine

_NODES = re.compile(r"/dev/(video\d+|media\d+|snd/pcm\w+c)$")
_OWN = {"beemon", "arecord", "python3"}


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the open files of all processes that this user may see."""
    kinds = {device.kind for device in machine.devices.values()
             if device.config.driver != "simulated"}
    if not kinds & {"camera", "microphone"}:
        yield skipped("the config names no camera and no microphone")
        return
    found = sorted(_holders(machine))
    for name, node in found:
        yield problem(
            f"the program {name} holds {node}", "beemon cannot record with it meanwhile.",
            f"stop it; for a sound server: systemctl --user mask --now {name}",
        )
    if not found:
        yield ok("no other program holds a camera or a sound card")


def _holders(machine: Machine) -> set[tuple[str, str]]:
    found = set()
    for process in machine.glob("/proc/[0-9]*"):
        name = (machine.read(process / "comm") or "").strip()
        if name.startswith("beemon") or name in _OWN:
            continue
        found |= {(name, node) for node in _open_nodes(process)}
    return found


def _open_nodes(process: Path) -> Iterator[str]:
    try:
        links = [str(path.readlink()) for path in (process / "fd").iterdir()]
    except OSError:  # it has ended, or belongs to another user
        return
    yield from (link for link in links if _NODES.match(link))
