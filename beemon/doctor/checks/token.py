"""The token of clients on other machines: there, strong, and not for everyone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

from beemon.config.settings import ConfigError, is_loopback, read_token
from beemon.doctor.accounts import account_of
from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine, NotFixedError

_WHY = "Without it the service does not listen for other machines."


def check(machine: Machine) -> Iterator[Finding]:
    """Read it as the service does."""
    server = machine.settings.server if machine.settings else None
    path = server.token_file if server else None
    if server is None or path is None:
        yield skipped("the config names no token")
        return
    try:
        read_token(path)
    except ConfigError as error:
        yield problem(str(error.problems[0]), _WHY, f"sudo beemon doctor token --fix; ls -l {path}")
        return
    user = account_of(machine)
    if user and not user.may(path, 0o4):
        yield problem(f"the service may not read {path}", _WHY,
                      f"sudo chgrp beemon {path}; sudo chmod 640 {path}")
    elif is_loopback(server.host_address):
        yield ok("the token is safe; the service listens on this machine only")
    else:
        yield ok("the token is safe")


def fix(machine: Machine) -> str:
    """Make a missing token, and close a file that is too open. A weak token stays."""
    user = account_of(machine)
    path = machine.settings.server.token_file if machine.settings else None
    if path is None or user is None:
        raise NotFixedError("there is no user beemon")
    made = ""
    if not path.exists():
        path.touch(0o600, exist_ok=False)
        path.write_text(f"{secrets.token_urlsafe(24)}\n")
        made = "made, and "
    os.chown(path, -1, user.gid)
    path.chmod(0o640)
    try:
        read_token(path)
    except ConfigError as error:
        raise NotFixedError(str(error.problems[0])) from error
    return f"{path} was {made}given to root and the group beemon"
