"""The network: a link, a route and a name server. Nothing outside of this machine is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine

_WHY = "The hive still records, but it cannot be reached, and its clock is not set."


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the interfaces, the routes and the resolver's file."""
    links = [path for path in machine.glob("/sys/class/net/*/operstate")
             if (path.parent / "device").exists()]
    if not links:
        yield skipped("the machine has no network interface")
        return
    up = [path.parent.name for path in links if machine.read(path) == "up"]
    if not up:
        yield warning("no network interface has a link", _WHY, "ip link; nmcli device")
    elif not _has_route(machine):
        yield warning(f"{', '.join(up)} is up, but there is no default route", _WHY,
                      "ip route; nmcli device show")
    elif not re.search(r"(?m)^nameserver\s+\S", machine.read("/etc/resolv.conf") or ""):
        yield warning("no name server is set", _WHY, "resolvectl status; cat /etc/resolv.conf")
    else:
        yield ok(f"{', '.join(up)} is up, with a route and a name server")


def _has_route(machine: Machine) -> bool:
    """Whether there is a default route of IPv4 or IPv6 (proc_net_route(5))."""
    rows = [row.split() for row in (machine.read("/proc/net/route") or "").splitlines()[1:]]
    if any(len(row) > 7 and row[1] == row[7] == "00000000" for row in rows):
        return True
    rows = [row.split() for row in (machine.read("/proc/net/ipv6_route") or "").splitlines()]
    return any(row[:2] == ["0" * 32, "00"] and row[-1] != "lo" for row in rows if row)
