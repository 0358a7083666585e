"""Power saving of Wi-Fi, which makes a hive hard to reach."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, unknown, warning
from beemon.doctor.machine import Machine, NotFixedError

_FILE = "/etc/NetworkManager/conf.d/zz-beemon-wifi.conf"
"""The last name counts: some systems bring a ``default-wifi-powersave-on.conf``."""


def check(machine: Machine) -> Iterator[Finding]:
    """Ask the radio."""
    names = _names(machine)
    if not names:
        yield skipped("the machine has no Wi-Fi")
    for name in names:
        ran = machine.run("iw", "dev", name, "get", "power_save")
        if ran is None or not ran.is_well:
            yield unknown(f"{name} does not report if it saves power", "sudo apt install iw")
        elif ran.text.strip().endswith("on"):
            yield warning(
                f"{name} saves power", "The hive answers late, or not at all.",
                f"sudo iw dev {name} set power_save off",
            )
        else:
            yield ok(f"{name} does not save power")


def _names(machine: Machine) -> list[str]:
    return [path.parent.name for path in machine.glob("/sys/class/net/*/wireless")]


def fix(machine: Machine) -> str:
    """Switch it off, now and for NetworkManager's next connection."""
    if not machine.at("/etc/NetworkManager").is_dir():
        raise NotFixedError("only NetworkManager's settings are known here")
    for name in _names(machine):
        machine.change("iw", "dev", name, "set", "power_save", "off")
    machine.replace(machine.at(_FILE), "[connection]\nwifi.powersave = 2\n")
    machine.run("nmcli", "general", "reload", "conf")  # it may not run
    return "Wi-Fi saves no power from now on"
