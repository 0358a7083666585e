"""The temperature of the processor."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine

_WARM, _HOT = 75.0, 80.0
_WHY = "At 80 °C a Raspberry Pi slows down, and the life of its parts becomes shorter."
_NEXT = "give it shade, a heat sink or a fan"


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the thermal zones."""
    texts = map(machine.read, machine.glob("/sys/class/thermal/thermal_zone*/temp"))
    found = [int(text) / 1000 for text in texts if text and text.lstrip("-").isdigit()]
    if not found:
        yield skipped("this machine does not measure its temperature")
    elif max(found) >= _HOT:
        yield problem(f"the processor is at {max(found):.0f} °C", _WHY, _NEXT)
    elif max(found) >= _WARM:
        yield warning(f"the processor is at {max(found):.0f} °C", _WHY, _NEXT)
    else:
        yield ok(f"the processor is at {max(found):.0f} °C")
