"""The driver for all that rclone can reach: S3, SFTP, WebDAV, online drives, another disk.

It works with rclone 1.60.1, which Debian 12 and 13 have. That version reports a damaged copy as
sound if the remote storage offers no hash, and it can replace a file despite ``--immutable``.
Therefore its exit status proves nothing, and this module asks for the facts of each file. It cannot
resume a file.
"""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from beemon.base.replacing import replace_file
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.upload.children import Children, FailedError
from beemon.uplink.destinations.upload.proof import Found
from beemon.uplink.destinations.upload.remote import Powers, RemoteError
from beemon.uplink.secrets import read_private

_NOT_FOUND = 3
"""Exit status of rclone for a file or folder that is not there."""
_ALWAYS = (
    "--transfers", "1", "--checkers", "2", "--retries", "1", "--low-level-retries", "3",
    "--contimeout", "15s", "--timeout", "60s", "--buffer-size", "1M",
)
_REPLACING = ("--ignore-times", "--stats", "0")
"""Otherwise a damaged file of the same size and time would stay. ``copyto`` would send nothing, and
``moveto`` would delete the new file instead of moving it."""
_FACTS = ("lsjson", "--hash", "--no-modtime", "--no-mimetype")
_SHORT_SECONDS = 180.0
_LIST_SECONDS = 900.0
_SLOWEST = 2000.0  # bytes a second
_PLACE_KEYS = ("type", "host", "url", "endpoint", "remote", "drive_id", "root_folder_id")
_LONGEST_CONFIG = 1 << 20  # characters
_SECRET_KEYS = ("pass", "key", "secret", "token", "auth", "sas")


class Rclone:
    """A remote of rclone, as ``NAME:FOLDER``, or a folder of this machine.

    ``config`` is the file with the remotes. It is copied to ``state_folder``, as the tokens of
    some remotes are renewed in it. ``rate`` limits the bytes a second. Raises
    :class:`RemoteError`.
    """

    def __init__(
        self, where: str, state_folder: Path, config: Path | None = None,
        rate: float | None = None,
    ) -> None:
        if shutil.which("rclone") is None:
            raise RemoteError("rclone is missing; install it: sudo apt install rclone")
        self._where = where
        copy = _copy_config(config, state_folder) if config else None
        sections = _sections(copy) if copy else {}
        _check(where, sections)
        self._children = Children(
            {"HOME": str(state_folder), "RCLONE_CONFIG": str(copy or os.devnull),
             "RCLONE_CACHE_DIR": str(state_folder / "cache"),
             # A killed upload in parts would leave parts there, unseen, which cost money.
             "RCLONE_S3_UPLOAD_CUTOFF": "5G"},
            _secrets(sections),
        )
        self._rate = rate
        told = "\n".join(f"{key}={section.get(key)}" for section in sections.values()
                         for key in _PLACE_KEYS if section.get(key))
        self.identity = hashlib.sha256(f"{where}\n{told}".encode()).hexdigest()[:12]
        """It is another one if the remote is another place."""

    def probe(self) -> Powers:
        """Ask rclone what this kind of remote can do."""
        told = self._json(["backend", "features", self._root()])
        if not isinstance(told, dict):
            raise RemoteError("rclone does not tell what the remote storage can do")
        features = told.get("Features") or {}
        hashes = [str(name) for name in told.get("Hashes") or []]
        return Powers(can_move=bool(features.get("Move")), hashes=tuple(sorted(hashes)))

    def send(self, file: Path, name: str, size: int) -> None:
        """Store a file."""
        limit = ["--bwlimit", f"{int(self._rate)}B"] if self._rate else []
        seconds = _SHORT_SECONDS + size / min(_SLOWEST, self._rate or _SLOWEST)
        self._run(["copyto", *_REPLACING, *limit, str(file), self._path(name)], seconds)

    def move(self, name: str, final: str) -> None:
        """Give a file its final name."""
        self._run(["moveto", *_REPLACING, self._path(name), self._path(final)])

    def look(self, name: str) -> Found | None:
        """The facts of one file."""
        try:
            told = self._json([*_FACTS, "--stat", self._path(name)])
        except FailedError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        if not isinstance(told, dict):
            raise RemoteError("rclone does not describe the remote file")
        if told.get("IsDir"):  # S3 reports a missing file as a folder of size -1
            return None
        if told.get("Name") != name.rpartition("/")[2]:
            raise RemoteError(f"rclone was asked for {name}, and describes another file")
        return _found(told)

    def list_files(self, folder: str, *, with_hashes: bool) -> Mapping[str, Found]:
        """All files below a folder."""
        facts = [part for part in _FACTS if with_hashes or part != "--hash"]
        command = [*facts, "-R", "--files-only", self._path(folder)]
        try:
            told = self._json(command, _LIST_SECONDS)
        except FailedError as error:
            if error.status == _NOT_FOUND:
                return {}
            raise
        if not isinstance(told, list):
            raise RemoteError("rclone gives no list of the remote files")
        return {f"{folder}/{one['Path']}": _found(one) for one in told}

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """The content of a file."""
        command = self._command(["cat", self._path(name)])
        with self._children.reading(command, _LIST_SECONDS * 4) as output:
            yield output

    def _run(self, words: list[str], seconds: float = _SHORT_SECONDS) -> bytes:
        return self._children.run(self._command(words), seconds)

    def _command(self, words: list[str]) -> list[str]:
        return ["rclone", *words, *_ALWAYS]

    def _json(self, words: list[str], seconds: float = _SHORT_SECONDS) -> object:
        try:
            found: object = json.loads(self._run(words, seconds))
        except ValueError as error:
            raise RemoteError(f"rclone {words[0]} printed something else than JSON") from error
        return found

    def _root(self) -> str:
        return self._where if self._where.startswith("/") else self._where.partition(":")[0] + ":"

    def _path(self, name: str) -> str:
        separator = "" if self._where.endswith((":", "/")) else "/"
        return f"{self._where}{separator}{name}"


def _found(told: Mapping[str, object]) -> Found:
    """Raises :class:`RemoteError` if it is no description of a file."""
    size, hashes = told.get("Size"), told.get("Hashes") or {}
    if not isinstance(size, int) or not isinstance(hashes, dict):
        raise RemoteError("rclone describes a remote file in another way than version 1.60")
    return Found(size, {str(name).lower(): str(value) for name, value in hashes.items()})


def _copy_config(config: Path, state_folder: Path) -> Path:
    """The copy that rclone may change; it is made again when ``config`` changes."""
    try:
        content = read_private(config, _LONGEST_CONFIG).encode()
    except NotDeliveredError as error:
        raise RemoteError(str(error)) from error
    copy, mark = state_folder / "rclone.conf", state_folder / "rclone.conf.source"
    source = hashlib.sha256(content).hexdigest()
    with contextlib.suppress(OSError):
        if copy.exists() and mark.read_text() == source:
            return copy
    try:
        for file, text in ((copy, content), (mark, source.encode())):
            replace_file(file, text)
    except OSError as error:
        raise RemoteError(f"{copy} cannot be written: {error.strerror}") from error
    return copy


def _sections(config: Path) -> dict[str, Mapping[str, str]]:
    """The remotes in a config of rclone. Raises :class:`RemoteError`."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(config.read_text("utf-8"))
    except (OSError, ValueError, configparser.Error) as error:
        raise RemoteError("the config_file of [upload] is not a config of rclone; to make one: "
                          "rclone config") from error
    return {name: dict(parser[name]) for name in parser.sections()}


def _check(where: str, sections: Mapping[str, Mapping[str, str]]) -> None:
    """Raises :class:`RemoteError` if a remote is missing, or if it would trust any server."""
    if where.startswith("/"):
        return
    name = where.partition(":")[0]
    for _ in range(len(sections) + 1):  # a remote can stand for another one
        section = sections.get(name)
        if section is None:
            known = ", ".join(sections) or "none"
            raise RemoteError(f'the config of rclone has no remote "{name}"; it has: {known}')
        if section.get("type") == "sftp" and not section.get("known_hosts_file"):
            raise RemoteError(
                f'the remote "{name}" would trust any server: set known_hosts_file in its part of '
                "rclone's config; to make that file: ssh-keyscan SERVER"
            )
        name, colon, _folder = section.get("remote", "").partition(":")
        if not colon:
            return


def _secrets(sections: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The values that must appear in no message."""
    return [
        value for section in sections.values() for key, value in section.items()
        if any(part in key for part in _SECRET_KEYS) and not key.endswith("file")
    ]
