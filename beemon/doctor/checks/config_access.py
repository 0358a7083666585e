"""The access of the service's user to the files of the config."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from beemon.config.settings import config_files
from beemon.doctor.accounts import account_of
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Compare the owner and mode of each file with the user's groups."""
    user = account_of(machine)
    if user is None:
        yield skipped("there is no user beemon")
        return
    is_well = True
    for path in _paths(machine):
        mode = path.stat().st_mode
        if not user.may(path, _needed(path)):
            is_well = False
            yield problem(f"the service may not read {path} (mode {stat.S_IMODE(mode):04o})",
                          "It cannot start with this config.", f"sudo chmod o+rX {path}")
        elif mode & stat.S_IWOTH:
            is_well = False
            yield warning(f"everyone can change {path}", "Anyone can change what is recorded.",
                          f"sudo chmod o-w {path}")
    if is_well:
        yield ok("the service may read the config, and only its owner can change it")


def _paths(machine: Machine) -> list[Path]:
    folder = machine.config.parent
    candidates = [folder, machine.config, folder / "conf.d", *config_files(machine.config)]
    return [path for path in dict.fromkeys(candidates) if path.exists()]


def _needed(path: Path) -> int:
    return 0o5 if path.is_dir() else 0o4


def fix(machine: Machine) -> str:
    """Let the service read, and take the right to write from others."""
    user = account_of(machine)
    for path in _paths(machine):
        mode = stat.S_IMODE(path.stat().st_mode) & ~stat.S_IWOTH
        if user and not user.may(path, _needed(path)):
            mode |= user.bits(path, _needed(path))
        path.chmod(mode)
    return "the service may read the config, and only its owner can change it"
