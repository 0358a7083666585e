"""The files of the database: each must belong to the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from beemon.doctor.accounts import Account, account_of
from beemon.doctor.findings import Finding, ok, problem, skipped
from beemon.doctor.machine import Machine

_NAMES = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "lock", "recordings", "last-good",
          "reserve")


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the owner of each file and folder directly in the archive."""
    user = account_of(machine)
    if machine.archive is None or user is None or not machine.archive.is_dir():
        yield skipped("there is no archive of the user beemon")
        return
    foreign = _foreign(machine.archive, user)
    for path in foreign:
        yield problem(f"{path} belongs to another user", "The service cannot write to it.",
                      f"sudo chown -R beemon:beemon {path}")
    if not foreign:
        yield ok("the files of the archive belong to the service")


def _foreign(archive: Path, user: Account) -> list[Path]:
    paths = [archive / name for name in _NAMES]
    return [path for path in paths if not path.is_symlink() and path.exists()
            and path.stat().st_uid != user.uid]


def fix(machine: Machine) -> str:
    """Give them to the service."""
    user = account_of(machine)
    assert machine.archive is not None
    assert user is not None
    foreign = _foreign(machine.archive, user)
    machine.change("chown", "--recursive", "--no-dereference", f"{user.uid}:{user.gid}",
                   *map(str, foreign))
    return f"{', '.join(path.name for path in foreign)}: given to the service"
