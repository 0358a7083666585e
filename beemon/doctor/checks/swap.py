"""Swap on the SD card, which wears it out."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, warning
from beemon.doctor.machine import Machine, NotFixedError

_SWAP = "/var/swap"
_PACKAGE = "/etc/rpi/swap.conf"
_OWN = "/etc/rpi/swap.conf.d/zz-beemon.conf"
_TEXT = """\
# Made by beemon doctor: swap to compressed memory, not to the card. Delete this to undo it.
[Main]
Mechanism=zram
"""


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the swap areas that are on disks."""
    found = _on_disk(machine)
    if found:
        yield warning(
            f"memory is swapped to {', '.join(found)}",
            "Swapping wears the SD card out, and blocks recordings for seconds.",
            "sudo beemon doctor --fix swap" if _SWAP in found else
            f"sudo swapoff {found[0]}, and remove it from /etc/fstab",
        )
    else:
        yield ok("no memory is swapped to a disk")


def _on_disk(machine: Machine) -> list[str]:
    rows = (machine.read("/proc/swaps") or "").splitlines()[1:]
    names = [row.split()[0] for row in rows if row.split()]
    return [name for name in names if not name.startswith("/dev/zram")]


def fix(machine: Machine) -> str:
    """Switch off the swap file of Raspberry Pi OS; others are the owner's choice.

    Debian 12's makes it with dphys-swapfile, Debian 13's with rpi-swap, if it is told to.
    """
    if _SWAP not in _on_disk(machine):
        raise NotFixedError("only the swap file of Raspberry Pi OS is switched off by this")
    if machine.at(_PACKAGE).exists():
        machine.replace(machine.at(_OWN), _TEXT)
        machine.change("swapoff", _SWAP)
        return "the swap file is off; compressed memory takes its place after: sudo reboot"
    machine.change("systemctl", "disable", "--now", "dphys-swapfile")
    return "the swap file was switched off"
