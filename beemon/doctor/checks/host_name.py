"""The machine's own name: programs wait long if it cannot be resolved."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError


def check(machine: Machine) -> Iterator[Finding]:
    """Look for it in /etc/hosts, and ask the resolver of this machine."""
    name = _name(machine)
    if not name:
        yield skipped("the machine has no name")
    elif _is_in_hosts(machine, name) or _is_resolved(machine, name):
        yield ok(f"the name {name} can be resolved")
    else:
        yield warning(
            f"the machine's own name, {name}, cannot be resolved",
            "sudo and other programs then wait for seconds.",
            f"echo '127.0.1.1 {name}' | sudo tee -a /etc/hosts",
        )


def _name(machine: Machine) -> str:
    return (machine.read("/etc/hostname") or "").strip()


def _is_in_hosts(machine: Machine, name: str) -> bool:
    lines = (machine.read("/etc/hosts") or "").splitlines()
    return any(name in line.partition("#")[0].split()[1:] for line in lines)


def _is_resolved(machine: Machine, name: str) -> bool:
    """Whether nss-myhostname gives an answer, which never asks another machine."""
    ran = machine.run("getent", "-s", "hosts:myhostname", "hosts", name)
    return ran is not None and ran.is_well


def fix(machine: Machine) -> str:
    """Add it to /etc/hosts."""
    name = _name(machine)
    if not name or _is_in_hosts(machine, name):
        raise NotFixedError("nothing is missing in /etc/hosts")
    text = machine.read("/etc/hosts") or "127.0.0.1 localhost"
    machine.replace(machine.at("/etc/hosts"), f"{text}\n127.0.1.1 {name}\n")
    return f"added {name} to /etc/hosts"
