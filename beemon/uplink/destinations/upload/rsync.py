"""The driver for a server that is reached by ssh: rsync carries the files, and can resume one.

rsync writes under a temporary name, and gives a file its name when it is complete. If the account
may run `sha256sum` there, the server computes the hashes; otherwise files are read back.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from beemon.base.values import value_class
from beemon.uplink.destinations.upload.children import Children, FailedError
from beemon.uplink.destinations.upload.proof import Found
from beemon.uplink.destinations.upload.remote import Powers, RemoteError

_SHORT_SECONDS = 180.0
_LIST_SECONDS = 900.0
_SLOWEST = 2000.0  # bytes a second
_PARTIAL = 23
"""Exit status of rsync if a file or folder is not there."""
_WHERE = re.compile(r"(?P<host>[A-Za-z0-9_.@][A-Za-z0-9_.@-]*):(?P<folder>.*)", re.ASCII)
_LISTED = re.compile(rb"^-[^ ]+ +([\d,.]+) \S+ \S+ (.*)$")
_HASHED = re.compile(rb"^([0-9a-f]{64})  (?:\./)?(.+)$")
_SAFE = re.compile(r"[A-Za-z0-9@._/+-]+", re.ASCII)


@value_class
class Login:
    """The way to the server by ssh, which must know the server's key."""

    known_hosts: Path
    key: Path | None = None
    port: int = 22


class Rsync:
    """A folder of a server, as ``USER@HOST:FOLDER``. Raises :class:`RemoteError`."""

    def __init__(
        self, where: str, state_folder: Path, login: Login, rate: float | None = None
    ) -> None:
        for program in ("rsync", "ssh"):
            if shutil.which(program) is None:
                package = "openssh-client" if program == "ssh" else program
                raise RemoteError(f"{program} is missing; install it: sudo apt install {package}")
        match = _WHERE.fullmatch(where)
        if match is None:
            raise RemoteError('remote of [upload] must be "USER@HOST:FOLDER" for rsync')
        self._host, self._folder = match["host"], match["folder"].rstrip("/")
        self._state_folder = state_folder
        self._ssh = _ssh(login)
        self._children = Children({"HOME": str(state_folder)})
        self._rate = rate
        self._has_shell = False
        self.identity = hashlib.sha256(f"rsync {where}".encode()).hexdigest()[:12]
        """It is another one if the folder is another place."""

    def probe(self) -> Powers:
        """Find out whether the server computes hashes."""
        try:
            told = self._shell("sha256sum </dev/null")
        except FailedError as error:
            if error.status in (None, 255):  # ssh itself failed
                raise
            told = b""
        self._has_shell = told.startswith(b"e3b0c44298fc1c14")
        return Powers(can_move=False, hashes=("sha256",) if self._has_shell else ())

    def send(self, file: Path, name: str, size: int) -> None:
        """Store a file; one that was cut is resumed."""
        options = ["--partial-dir=.rsync-partial", "--mkpath", "--ignore-times", "--times"]
        if self._rate:
            options.append(f"--bwlimit={max(1, int(self._rate / 1024))}")
        seconds = _SHORT_SECONDS + size / min(_SLOWEST, self._rate or _SLOWEST)
        self._run([*options, str(file), self._path(name)], seconds)

    def move(self, name: str, final: str) -> None:
        """rsync gives the final name by itself."""
        raise RemoteError(f"{name} cannot be moved to {final} by rsync")

    def look(self, name: str) -> Found | None:
        """The facts of one file."""
        return self.list_files(name, with_hashes=True).get(name)

    def list_files(self, folder: str, *, with_hashes: bool) -> Mapping[str, Found]:
        """All files below a folder, or one file."""
        try:
            told = self._run(["--list-only", "--recursive", self._path(folder)], _LIST_SECONDS)
        except FailedError as error:
            if error.status == _PARTIAL:
                return {}
            raise
        sizes = dict(filter(None, map(_listed, told.splitlines())))
        hashes = self._hashes(folder) if with_hashes and self._has_shell and sizes else {}
        # rsync names the files from the last part of what was asked on.
        above = folder.rpartition("/")[0]
        return {
            f"{above}/{name}".lstrip("/"): Found(size, hashes.get(name, {}))
            for name, size in sizes.items()
        }

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """The content of a file, by way of a temporary one here."""
        with tempfile.TemporaryDirectory(dir=self._state_folder) as folder:
            goal = Path(folder) / "back"
            self._run(["--ignore-times", self._path(name), str(goal)], _LIST_SECONDS * 4)
            with goal.open("rb") as file:
                yield file

    def _hashes(self, folder: str) -> Mapping[str, Mapping[str, str]]:
        """The SHA-256 of each file below a folder, by its path from the folder's last part on."""
        above, _, last = folder.rpartition("/")
        at = shlex.quote(f"{self._folder or '.'}/{above}")
        told = self._shell(
            f"cd {at} && find {shlex.quote(last)} -type f -exec sha256sum {{}} +", _LIST_SECONDS
        )
        found = filter(None, map(_HASHED.match, told.splitlines()))
        return {
            os.fsdecode(match[2]): {"sha256": match[1].decode()} for match in found
        }

    def _shell(self, text: str, seconds: float = _SHORT_SECONDS) -> bytes:
        return self._children.run([*self._ssh, "--", self._host, text], seconds)

    def _run(self, words: list[str], seconds: float) -> bytes:
        command = ["rsync", "--rsh", shlex.join(self._ssh), "--timeout=60", *words]
        return self._children.run(command, seconds)

    def _path(self, name: str) -> str:
        if not _SAFE.fullmatch(name):
            raise RemoteError(f"{name!r} is not a name for a file at a server")
        return f"{self._host}:{self._folder}/{name}" if self._folder else f"{self._host}:{name}"


def _ssh(login: Login) -> list[str]:
    """The start of an ssh command that asks nobody, and trusts only the servers that it knows."""
    known = login.known_hosts
    if not known.is_file():
        raise RemoteError(
            f"{known} is missing: without it, any server would be trusted; to make it: "
            f"ssh-keyscan SERVER | sudo tee {known}"
        )
    options = {
        "BatchMode": "yes", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": "/dev/null", "ConnectTimeout": "15", "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4", "IdentitiesOnly": "yes",
    }
    if login.key is not None:
        options["IdentityFile"] = str(login.key)
    given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "/dev/null", "-p", str(login.port), *given]


def _listed(line: bytes) -> tuple[str, int] | None:
    """The name and size in a line of rsync's list; None for a folder."""
    match = _LISTED.match(line)
    if match is None:
        return None
    return os.fsdecode(match[2]), int(re.sub(rb"\D", b"", match[1]))
