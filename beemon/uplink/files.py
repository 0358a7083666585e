"""Files: those that the config names, and whether the user of the uplink can read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

from beemon.base.options import absolute_path

USER, GROUP = "beemon-uplink", "beemon"
OTHERS = 0o007
"""A file with a secret has none of these permissions."""
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108
"""Folders that the unit of the uplink hides."""
_ACL = "system.posix_acl_access"


def open_remedy(file: Path | str) -> str:
    """The commands after which the uplink, and nobody outside its group, can read a file."""
    return f"sudo chown root:{GROUP} {file}; sudo chmod 640 {file}"


def making(file: Path | str) -> str:
    """The command that makes a file with these rights."""
    return f"sudo install -m 640 -g {GROUP} /dev/null {file}"


class FileOption:
    """Parses the path of a file that the uplink reads; ``how`` is the command that makes it."""

    def __init__(self, *, is_secret: bool, how: str) -> None:
        self.is_secret, self.how = is_secret, how

    def __call__(self, value: object) -> Path:
        return absolute_path(value)


SECRET_FILE = FileOption(is_secret=True, how=f"{making('{file}')}; then write in it")
PUBLIC_FILE = FileOption(is_secret=False, how="sudo ls -l {file}")


class NamedFile(NamedTuple):
    """A file that an option of a table names."""

    option: str
    path: Path
    kind: FileOption


class FileProblem(NamedTuple):
    """A problem of a file, and the command that removes it."""

    says: str
    remedy: str


class Account(NamedTuple):
    """The user of the uplink, by numbers."""

    user: int
    groups: frozenset[int]

    def may(self, what: int, path: Path) -> bool:
        """Whether it has a permission, 4 to read and 1 to enter. A list of access is not judged."""
        state = path.stat()
        shift = 6 if state.st_uid == self.user else 3 if state.st_gid in self.groups else 0
        return bool(state.st_mode >> shift & what) or _ACL in os.listxattr(path)


def find_account(root: Path = Path("/")) -> Account | None:
    """The user of the uplink on this machine; None if beemon is not installed as a package."""
    users = {line[0]: line for line in _lines(root / "etc/passwd")}
    groups = {line[0]: line for line in _lines(root / "etc/group")}
    if USER not in users or GROUP not in groups:
        return None
    others = [line for line in groups.values() if USER in line[3].split(",")]
    return Account(
        int(users[USER][2]), frozenset(int(line[2]) for line in [groups[GROUP], *others])
    )


def named_files(settings: object) -> Iterator[NamedFile]:
    """The files that the options of a table name."""
    for one in fields(settings):  # type: ignore[arg-type]
        kind, path = one.metadata.get("parse"), getattr(settings, one.name)
        if isinstance(kind, FileOption) and path is not None:
            yield NamedFile(one.name, path, kind)


def find_problem(
    file: Path, kind: FileOption, account: Account | None, root: Path = Path("/")
) -> FileProblem | None:
    """The reason why the uplink cannot read a file, or must not use it; None if all is well."""
    how = kind.how.format(file=file)
    path = root / file.relative_to("/")
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return FileProblem(f"{file} is not a file", how)
        if kind.is_secret and mode & OTHERS:
            return FileProblem(f"everybody can read {file}, which holds a secret",
                               open_remedy(file))
        return account and _find_obstacle(file, path, kind, account, root)
    except FileNotFoundError:
        return FileProblem(f"{file} does not exist", how)
    except OSError as error:
        return FileProblem(f"{file}: {error.strerror}", f"sudo ls -l {file}")


def _find_obstacle(
    file: Path, path: Path, kind: FileOption, account: Account, root: Path
) -> FileProblem | None:
    if any(file.is_relative_to(folder) for folder in _HIDDEN):
        return FileProblem(f"the unit of the uplink hides {file}", f"sudo mv {file} /etc/beemon/")
    real, top = path.resolve(), root.resolve()
    for folder in reversed(real.parents):
        if folder != top and folder.is_relative_to(top) and not account.may(1, folder):
            shown = Path("/") / folder.relative_to(top)
            return FileProblem(f"the user {USER} cannot enter {shown}, and so not read {file}",
                               f"sudo chmod o+x {shown}")
    if account.may(4, real):
        return None
    remedy = open_remedy(file) if kind.is_secret else f"sudo chmod a+r {file}"
    return FileProblem(f"the user {USER} cannot read {file}", remedy)


def _lines(file: Path) -> Iterator[list[str]]:
    """The entries of passwd(5) or group(5); none if it cannot be read."""
    try:
        text = file.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        if (fields_ := line.split(":"))[2:] and fields_[2].isdecimal() and len(fields_) > 3:
            yield fields_
