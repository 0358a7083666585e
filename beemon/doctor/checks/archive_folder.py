"""The archive's folder: there, on its disk, and the service's own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.accounts import Account, account_of
from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine, NotFixedError
from beemon.doctor.unit import UNIT

_WHY = "Nothing can be recorded there."


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the folder, its owner and its mode."""
    folder, user = machine.archive, account_of(machine)
    if folder is None:
        yield skipped("no archive is known")
    elif folder.is_symlink() and not folder.exists():
        yield problem(f"{folder} is a link to {folder.readlink()}, which does not exist", _WHY,
                      "mount its disk: lsblk -f; sudo mount -a")
    elif not folder.is_dir():
        yield problem(f"there is no folder {folder}", _WHY, "sudo systemctl restart beemon")
    elif user is None:
        yield skipped("there is no user beemon")
    else:
        yield from _judge(folder, user)


def _judge(folder: Path, user: Account) -> Iterator[Finding]:
    found = folder.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not user.may(folder, 0o7):
        yield problem(f"the service may not write to {folder} (mode {mode:04o})", _WHY,
                      f"sudo chown beemon:beemon {folder}; sudo chmod 750 {folder}")
    elif mode & 0o002:
        yield warning(f"everyone can write to {folder}", "Anyone can delete recordings.",
                      f"sudo chmod 750 {folder}")
    else:
        yield ok(f"the service can write to {folder}")


def fix(machine: Machine) -> str:
    """Make the folder, and give it to the service. A link and its target stay as they are."""
    folder, user = machine.archive, account_of(machine)
    if folder is None or user is None or folder.is_symlink():
        raise NotFixedError("mount the disk of the archive: lsblk -f; sudo mount -a")
    if not folder.exists():
        machine.change("systemctl", "restart", UNIT)  # it makes the folder
        if not folder.exists():
            raise NotFixedError(f"the service did not make {folder}")
        return f"{folder} was made"
    os.chown(folder, user.uid, user.gid)
    folder.chmod(0o750)
    return f"{folder} belongs to the service"
