"""The battery-backed clock: without network it alone knows the time after a power cut."""

from __future__ import annotations

import time
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, warning
from beemon.doctor.machine import Machine, NotFixedError

_OLDEST = 1_700_000_000  # November 2023: an earlier time is that of an empty battery
_MOST_SECONDS = 60
_WHY = "After a power cut without network, beemon starts with a wrong date."


def check(machine: Machine) -> Iterator[Finding]:
    """Look for a clock, and compare it with the system's."""
    clocks = machine.glob("/sys/class/rtc/rtc*/since_epoch")
    if not clocks:
        yield warning("there is no battery-backed clock", _WHY,
                      "add one, such as a DS3231: dtoverlay=i2c-rtc,ds3231 in config.txt")
        return
    seconds = int(machine.read(clocks[0]) or 0)
    if seconds < _OLDEST:
        yield warning("the battery-backed clock has lost its time", _WHY,
                      "replace its battery, then type: sudo hwclock --systohc --utc")
    elif (wrong := abs(seconds - time.time())) > _MOST_SECONDS:
        yield warning(f"the battery-backed clock is wrong by {wrong:.0f} s", _WHY,
                      "sudo hwclock --systohc --utc")
    else:
        yield ok("the battery-backed clock is right")


def fix(machine: Machine) -> str:
    """Set it from the system's clock, if the network keeps that right."""
    if not machine.glob("/sys/class/rtc/rtc*/since_epoch"):
        raise NotFixedError("there is none to set")
    ran = machine.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if ran is None or ran.text.strip() != "yes":
        raise NotFixedError("the system's own clock is not synchronised")
    # In local time it would be wrong for all who ask the kernel, and twice a year for everybody.
    machine.change("hwclock", "--systohc", "--utc")
    return "the battery-backed clock was set"
