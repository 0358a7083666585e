"""What keeps the service out of its archive's folder, and the command that lets it in.

The folder's state is looked at, not the error: SQLite's own does not say what is in the way.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from collections.abc import Iterator
from pathlib import Path


def remedy(archive: Path) -> str:
    """The next act of an operator, or an empty string if nothing is seen to be in the way.

    Raises ``OSError`` if the way there cannot be looked at.
    """
    if obstacle := _obstacle(archive):
        return obstacle
    if archive.is_file():
        return f"{archive} is a file; set another path under [archive]"
    if not archive.exists():
        owners = f"-o {_user()} -g {_group()}"
        return (f"mount its disk, or make the folder: "
                f"sudo install -d {owners} -m 750 {_quoted(archive)}")
    if os.statvfs(archive).f_flag & os.ST_RDONLY:
        return _remedy_read_only(archive)
    if not all(_may(os.R_OK | os.W_OK, path) for path in _own(archive)):
        return f"give it to the user {_user()}: sudo chown -R {_user()}: {_quoted(archive)}/"
    return ""


def _own(archive: Path) -> Iterator[Path]:
    """The folder, and what is in it."""
    yield archive
    yield from archive.iterdir()


def _obstacle(archive: Path) -> str:
    """What stops whoever walks there from the root: a link that leads nowhere, a closed folder."""
    for part in (*reversed(archive.parents), archive):
        if part.is_symlink() and not part.exists():
            return (f"{part} is a link to {part.readlink()}, which is not there; mount its disk "
                    "(lsblk -f lists all disks)")
        if part.is_dir() and part != archive and not _may(os.X_OK, part):
            return f"let the user {_user()} enter it: sudo chmod o+x {_quoted(part)}"
    return ""


def _may(what: int, path: Path) -> bool:
    return os.access(path, what, effective_ids=True)


def _remedy_read_only(archive: Path) -> str:
    mounts = Path("/proc/self/mountinfo").read_text()
    if not is_own_view(mounts, archive.resolve()):
        return "its disk is mounted read-only; journalctl -k says why, after an error for example"
    return (
        "its unit may not write there: sudo mkdir -p /etc/systemd/system/beemon.service.d; "
        f"printf '[Service]\\nReadWritePaths=%s\\n' {_quoted(archive)} | "
        "sudo tee /etc/systemd/system/beemon.service.d/archive.conf; "
        "sudo systemctl daemon-reload; sudo systemctl restart beemon"
    )


def is_own_view(mounts: str, path: Path) -> bool:
    """Whether the disk can be written, and only this process's view of it, its unit's, cannot.

    ``mounts`` is /proc/self/mountinfo (proc_pid_mountinfo(5)): the options of the mount come sixth,
    those of the disk last. A later mount covers an earlier one.
    """
    own, disk = "", ""
    longest = 0
    for line in mounts.splitlines():
        words = line.split(" ")
        point = Path(words[4].encode().decode("unicode_escape"))
        if path.is_relative_to(point) and len(point.parts) >= longest:
            longest, own, disk = len(point.parts), words[5], words[-1]
    return "ro" in own.split(",") and "ro" not in disk.split(",")


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
