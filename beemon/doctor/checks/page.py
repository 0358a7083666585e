"""The page: its socket, its password, and its certificate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from beemon.config.settings import is_loopback
from beemon.doctor import unit
from beemon.doctor.findings import Finding, ok, problem, skipped, unknown, warning
from beemon.doctor.machine import Machine

_SOCKET = "beemon-web.socket"
_PASSWORD, _CODE = "/var/lib/beemon-web/password", "/run/beemon-web/code"
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
    if web and (web.public_url or not is_loopback(web.address.rpartition(":")[0].strip("[]"))):
        yield _password(machine)
    if web and web.certificate:
        yield _certificate(machine, web.certificate)


def _password(machine: Machine) -> Finding:
    """Look for the password of a page that other machines can reach, else for the code."""
    try:
        if machine.at(_PASSWORD).exists():
            return ok("the page is open to the network, and has a password")
    except PermissionError:  # its folder is for root and the page; the code is for the group
        if machine.read(_CODE) is None:
            return unknown("only root can see if the page has a password",
                           "sudo beemon doctor page")
    return problem("the page is open to the network, and has no password",
                   "Anyone with the one-time code can become its owner.",
                   "sudo beemon page password")


def _certificate(machine: Machine, file: Path) -> Finding:
    ran = machine.run("openssl", "x509", "-in", str(file), "-noout", "-checkend",
                      str(_MONTH_SECONDS))
    if ran is None or ran.is_well:
        return ok("the page's certificate is valid for another month")
    return warning("the page's certificate ends within a month, or cannot be read",
                   "Browsers then refuse the page.", f"openssl x509 -in {file} -noout -dates")


def fix(machine: Machine) -> str:
    """Start the socket. The password and the certificate stay as they are."""
    machine.change("systemctl", "enable", "--now", _SOCKET)
    return f"{_SOCKET} runs"
