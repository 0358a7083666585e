"""The clock: whether a network keeps it right, or how beemon knows that it is right."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, unknown, warning
from beemon.doctor.machine import Machine

_WHY = "Every record carries a time; a wrong clock makes the records hard to compare."


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd and the service."""
    # It takes no list of properties, as systemctl does.
    ran = machine.run("timedatectl", "show", "--property=NTP", "--property=NTPSynchronized")
    told = dict(line.partition("=")[::2] for line in ran.text.splitlines()) if ran else {}
    quality = machine.status.get("clock") if machine.status else None
    if told.get("NTPSynchronized") == "yes":
        yield ok("the network keeps the clock right")
    elif quality in ("told", "rtc"):
        yield ok(f"the clock is right as far as beemon knows ({quality})")
    elif quality == "unsure":
        yield problem("it is unknown if the clock is right", _WHY,
                      "connect the network, or set the clock and type: beemon clock right")
    elif not told:
        yield unknown("systemd does not report the state of the clock", "timedatectl")
    else:
        yield warning("the clock is not synchronised", _WHY, "timedatectl timesync-status")
    if told.get("NTP") == "no":
        yield warning("the clock is never set by the network", _WHY,
                      "sudo timedatectl set-ntp true")


def fix(machine: Machine) -> str:
    """Let the network set the clock."""
    machine.change("timedatectl", "set-ntp", "true")
    return "the network sets the clock from now on"
