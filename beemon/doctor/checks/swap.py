"""Swap on the SD card, which wears it out."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, warning
from beemon.doctor.machine import Machine, NotFixedError


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the swap areas that are on disks."""
    found = _on_disk(machine)
    if found:
        yield warning(
            f"memory is swapped to {', '.join(found)}",
            "Swapping wears the SD card out, and blocks recordings for seconds.",
            "sudo systemctl disable --now dphys-swapfile",
        )
    else:
        yield ok("no memory is swapped to a disk")


def _on_disk(machine: Machine) -> list[str]:
    rows = (machine.read("/proc/swaps") or "").splitlines()[1:]
    names = [row.split()[0] for row in rows if row.split()]
    return [name for name in names if not name.startswith("/dev/zram")]


def fix(machine: Machine) -> str:
    """Switch off the swap file of Raspberry Pi OS; others are the owner's choice."""
    if "/var/swap" not in _on_disk(machine):
        raise NotFixedError("only the swap file of Raspberry Pi OS is switched off by this")
    machine.change("systemctl", "disable", "--now", "dphys-swapfile")
    return "the swap file was switched off"
