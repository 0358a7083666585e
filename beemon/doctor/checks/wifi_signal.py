"""The signal of the Wi-Fi connection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_WEAK = -75.0
_LINE = re.compile(r"(?m)^\s*(\S+): +[0-9a-f]{4} +(\d+)\.? +(-\d+)\.?")


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the kernel's table of connections."""
    found = [(name, float(level)) for name, quality, level
             in _LINE.findall(machine.read("/proc/net/wireless") or "") if int(quality)]
    if not found:
        yield skipped("there is no Wi-Fi connection")
    for name, level in found:
        if level < _WEAK:
            yield warning(
                f"the signal of {name} is weak: {level:.0f} dBm",
                "Downloads of recordings take long, or fail.",
                "move the antenna or the access point, or use a cable",
            )
        else:
            yield ok(f"the signal of {name} is {level:.0f} dBm")
