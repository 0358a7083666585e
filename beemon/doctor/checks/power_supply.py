"""The supply of a Raspberry Pi, and whether it slows the processor down, now and since boot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, unknown, warning
from beemon.doctor.machine import Machine

_LOW, _SLOWED = 0b0001, 0b1110
_SINCE_BOOT = 16
_WHY_LOW = "Below 4.63 V the SD card loses data, and USB devices disappear."
_NEXT_LOW = "use the official power supply and a short, thick cable"
_WHY_SLOW = "A slow processor loses sound and video."


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the firmware's flags."""
    if not machine.is_pi:
        yield skipped("only a Raspberry Pi measures its supply")
        return
    word = _word(machine)
    if word is None:
        yield unknown("the firmware does not report the supply", "sudo vcgencmd get_throttled")
        return
    before = word >> _SINCE_BOOT
    if word & _LOW:
        yield problem("the supply voltage is too low now", _WHY_LOW, _NEXT_LOW)
    elif before & _LOW:
        yield warning("the supply voltage was too low since the start", _WHY_LOW, _NEXT_LOW)
    if word & _SLOWED:
        yield problem("the processor is slowed down now", _WHY_SLOW, "check supply and cooling")
    elif before & _SLOWED:
        yield warning("the processor was slowed down since the start", _WHY_SLOW,
                      "check supply and cooling")
    if not (word | before) & (_LOW | _SLOWED):
        yield ok("the supply has been sufficient since the start")


def _word(machine: Machine) -> int | None:
    found = machine.glob("/sys/devices/platform/soc/*/get_throttled")
    text = machine.read(found[0]) if found else None
    if text is None:
        ran = machine.run("vcgencmd", "get_throttled")
        text = ran.text.partition("=")[2] if ran and ran.is_well else ""
    match = re.fullmatch(r"\s*(?:0x)?([0-9a-fA-F]+)\s*", text)
    return int(match[1], 16) if match else None
