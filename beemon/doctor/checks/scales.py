"""Scales without a calibration: their numbers are no weight yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_RAW = ("mV/V", "V")


def check(machine: Machine) -> Iterator[Finding]:
    """Look for readings in the unit of a converter, from sensors that weigh a hive."""
    weighing = {name for name, device in (machine.settings.devices if machine.settings else
                                          {}).items() if device.weighing}
    reply = machine.ask("readings") if weighing else None
    if not weighing:
        yield skipped("the config names no scale of a hive")
    elif reply is None:
        yield skipped("the service cannot be reached")
    else:
        readings = reply.get("readings")
        units = {str(one.get("sensor")): one.get("unit") for one in
                 (readings if isinstance(readings, list | tuple) else ())
                 if isinstance(one, Mapping)}
        for name in sorted(weighing):
            if units.get(name) in _RAW:
                yield warning(f"{name} is not calibrated", "It measures a voltage, not a weight.",
                              f"beemon calibrate {name}")
            else:
                yield ok(f"{name} is calibrated, or needs no calibration")
