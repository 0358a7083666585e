"""The page: its socket, and its certificate."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine

_SOCKET = "beemon-web.socket"
_MONTH_SECONDS = 30 * 86400


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd, and openssl."""
    found = unit.facts(machine, _SOCKET)
    if not found:
        yield skipped("the page is not installed")
        return
    if found.get("ActiveState") == "active":
        yield ok("the page can be opened: beemon page")
    else:
        yield problem(f"{_SOCKET} is {found.get('ActiveState')}", "The page cannot be opened.",
                      f"sudo systemctl enable --now {_SOCKET}")
    web = machine.settings.web if machine.settings else None
    if web and web.certificate:
        ran = machine.run("openssl", "x509", "-in", str(web.certificate), "-noout", "-checkend",
                          str(_MONTH_SECONDS))
        if ran is None or ran.is_well:
            yield ok("the page's certificate is valid for another month")
        else:
            yield warning("the page's certificate ends within a month, or cannot be read",
                          "Browsers then refuse the page.",
                          f"openssl x509 -in {web.certificate} -noout -dates")


def fix(machine: Machine) -> str:
    """Start the socket. The certificate stays as it is."""
    machine.change("systemctl", "enable", "--now", _SOCKET)
    return f"{_SOCKET} runs"
