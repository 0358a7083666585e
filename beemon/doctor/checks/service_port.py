"""The port of the service: free for it, and not another program's."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.config.settings import ServerSettings
from beemon.doctor.findings import Finding, ok, problem
from beemon.doctor.machine import Machine
from beemon.system import ports


def check(machine: Machine) -> Iterator[Finding]:
    """Look who listens there."""
    server = machine.settings.server if machine.settings else ServerSettings()
    port = server.listening_port
    if not ports.is_taken(port, machine.at("/proc")):
        if machine.status is None:
            yield ok(f"port {port} is free for the service")
        else:
            yield problem(f"the service does not listen on port {port}",
                          "Programs on other machines cannot ask it.", "beemon status")
        return
    holder = ports.holder(port, machine.at("/proc"))
    if machine.status is None and "beemon" not in holder and "may not see" not in holder:
        yield problem(f"port {port} is taken by {holder}", "The service cannot listen there.",
                      "stop it, or set another listening_port under [server]")
    else:
        yield ok(f"port {port} is in use by {holder}")
