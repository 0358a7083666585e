"""Obstacles between the service and its archive's folder, and the command that removes each.

The way there is looked at: neither a system call's error nor SQLite's says what is in it.
"""

from __future__ import annotations

import errno
import grp
import logging
import os
import pwd
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from beemon.base.values import value_class
from beemon.protocol.reports import Trouble

log = logging.getLogger(__name__)

OWNERLESS = ("vfat", "exfat", "ntfs3", "fuseblk")
"""File systems of other systems, whose files all have the owner that the mount says."""


def trouble(error: OSError | sqlite3.Error, archive: Path) -> Trouble:
    """The problem with an archive that could not be opened, and its remedy."""
    says = str(error)
    if isinstance(error, OSError) and error.filename:
        says = f"the archive cannot be opened: {error.strerror}: {error.filename}"
    try:
        return Trouble("ledger", says, remedy(archive, error))
    except OSError as unseen:
        log.debug("no remedy is known: %s", unseen)
        return Trouble("ledger", says, "read the kernel's messages: journalctl -k")


def remedy(archive: Path, error: Exception) -> str:
    """The next act of an operator after an error at the opening; empty if none is known.

    Raises ``OSError`` if the way to the archive cannot be looked at.
    """
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT):
        return f"make space on its disk: df -h {_quoted(archive)}"
    if code == errno.EIO:
        return "its disk is failing; see: journalctl -k"
    return _remedy_access(archive)


def _remedy_access(archive: Path) -> str:
    if obstacle := _obstacle(archive):
        return obstacle
    if archive.is_file():
        return f"{archive} is a file; set another path under [archive]"
    if not archive.exists():
        owners = f"-o {_user()} -g {_group()}"
        return (f"mount its disk, or make the folder: "
                f"sudo install -d {owners} -m 750 {_quoted(archive)}")
    disk = mount_of(archive.resolve(), Path("/proc/self/mountinfo").read_text())
    if "ro" in disk.options | disk.disk_options:
        return _remedy_read_only(archive, disk)
    if not all(_may(os.R_OK | os.W_OK, path) for path in _own(archive)):
        return _remedy_owner(archive, disk)
    return ""


def _own(archive: Path) -> Iterator[Path]:
    """The folder and its content, without the entries that a file system creates."""
    yield archive
    yield from (path for path in archive.iterdir() if path.name != "lost+found")


def _obstacle(archive: Path) -> str:
    """The first obstacle on the path from the root: a broken link, or a closed folder."""
    for part in (*reversed(archive.parents), archive):
        if part.is_symlink() and not part.exists():
            return (f"{part} is a link to {part.readlink()}, which does not exist; mount its disk "
                    "(lsblk -f lists all disks)")
        if part.is_dir() and part != archive and not _may(os.X_OK, part):
            if not part.stat().st_mode & 0o777:  # how systemd hides a folder
                return f"its systemd unit hides {part}; choose a folder below /srv, /mnt or /media"
            return f"let the user {_user()} enter it: sudo chmod o+x {_quoted(part)}"
    return ""


def _may(what: int, path: Path) -> bool:
    return os.access(path, what, effective_ids=True)


def _remedy_read_only(archive: Path, disk: Mount) -> str:
    if "ro" in disk.disk_options:
        return "its disk is mounted read-only, perhaps after an error; see: journalctl -k"
    return (
        "its systemd unit may not write there: sudo mkdir -p /etc/systemd/system/beemon.service.d; "
        f"printf '[Service]\\nReadWritePaths=%s\\n' {_quoted(archive)} | "
        "sudo tee /etc/systemd/system/beemon.service.d/archive.conf; "
        "sudo systemctl daemon-reload; sudo systemctl restart beemon"
    )


def _remedy_owner(archive: Path, disk: Mount) -> str:
    if disk.kind in OWNERLESS:
        return (f"its disk ({disk.kind}) does not support owners; in /etc/fstab give it the "
                "options "
                f"uid={_user()},gid={_group()},umask=027, then: sudo mount -o remount {disk.point}")
    return f"give it to the user {_user()}: sudo chown -R {_user()}: {_quoted(archive)}/"


@value_class
class Mount:
    """The mount point of a disk, and its mode: with ``options`` here, with ``disk_options`` at all.
    """

    point: Path
    options: frozenset[str]
    kind: str
    disk_options: frozenset[str]


def mount_of(path: Path, mounts: str) -> Mount:
    """The mount that holds a path, by /proc/self/mountinfo (proc_pid_mountinfo(5)).

    A later mount covers an earlier one at the same point.
    """
    found = map(_mount, mounts.splitlines())
    return max((mount for mount in reversed(list(found)) if path.is_relative_to(mount.point)),
               key=lambda mount: len(mount.point.parts))


def _mount(line: str) -> Mount:
    own, _, disk = line.partition(" - ")
    words, (kind, _, options) = own.split(" "), disk.split(" ", 2)
    point = Path(words[4].encode().decode("unicode_escape"))
    return Mount(point, frozenset(words[5].split(",")), kind, frozenset(options.split(",")))


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a number without a name, as in some containers
        return str(os.geteuid())


def _group() -> str:
    try:
        return grp.getgrgid(os.getegid()).gr_name
    except KeyError:
        return str(os.getegid())


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
