"""USB devices that the kernel may suspend: cameras and sound cards then fail now and then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_RULE = "/etc/udev/rules.d/60-beemon-usb-power.rules"
_TEXT = """\
# Cameras and sound cards are never suspended. Made by beemon doctor; delete it to undo this.
ACTION=="add", SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_interface", ATTR{bInterfaceClass}=="01|0e", \\
TEST=="../power/control", RUN+="/bin/sh -c 'echo on >/sys%p/../power/control'"
"""
_CLASSES = {"01": "sound card", "0e": "camera"}


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the devices with an interface for sound or video."""
    found = _devices(machine)
    if not found:
        yield skipped("there is no USB camera and no USB sound card")
    for path, kind in found.items():
        if machine.read(path / "power/control") == "auto":
            yield warning(
                f"the kernel may suspend the {kind} on USB port {path.name}",
                "Some devices do not wake up from it, or lose the first second.",
                f"echo on | sudo tee {machine.shown(path)}/power/control",
            )
        else:
            yield ok(f"the {kind} on USB port {path.name} is never suspended")


def _devices(machine: Machine) -> dict[Path, str]:
    """The folder of each such device, and its kind."""
    found = {}
    for path in machine.glob("/sys/bus/usb/devices/*/bInterfaceClass"):
        kind = _CLASSES.get(machine.read(path) or "")
        device = path.parent.with_name(path.parent.name.partition(":")[0])
        if kind and (device / "power/control").exists():
            found[device] = kind
    return found


def fix(machine: Machine) -> str:
    """Forbid it, now and after each start."""
    for path in _devices(machine):
        (path / "power/control").write_text("on\n")
    machine.replace(machine.at(_RULE), _TEXT)
    return "USB cameras and sound cards are not suspended any more"
