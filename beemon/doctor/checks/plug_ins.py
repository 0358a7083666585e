"""Drivers that other packages add: loadable, and each name once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import entry_points

from beemon.devices import PACKAGES
from beemon.doctor.findings import Finding, ok, problem
from beemon.doctor.machine import Machine


def check(_machine: Machine) -> Iterator[Finding]:
    """List the entry points; those that the config uses are loaded by `config_valid`."""
    count, is_well = 0, True
    for package in PACKAGES.values():
        points = entry_points(group=f"beemon.{package}")
        count += len(points)
        for name, times in Counter(point.name for point in points).items():
            owners = sorted({point.dist.name if point.dist else point.value for point in points
                             if point.name == name})
            if times > 1:
                is_well = False
                yield problem(f'{times} packages have a driver "{name}": {", ".join(owners)}',
                              "It is not certain which of them is used.",
                              f"remove one: pip uninstall {owners[-1]}")
    if is_well:
        yield ok(f"{count} drivers of other packages")
