"""Transfer: fetch a recording from the service piece by piece, into a file or a stream.

After a lost connection the transfer continues at the same byte. The content is compared with the
SHA-256 of the database before the file gets its name.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from beemon.base.facts import BadFactsError, from_json
from beemon.protocol.client import ServiceUnreachableError
from beemon.protocol.replies import Piece

if TYPE_CHECKING:
    from beemon.base.progress import Progress
    from beemon.protocol.client import Client, Reply

RETRY_SECONDS = 30.0
"""Time for which a lost service is looked for, each time it is lost."""
_PAUSE_SECONDS = 0.5
_BUSY = ("too-slow", "too-many-clients", "stopping")
"""The refusals after which another attempt may succeed."""

Connect = Callable[[], "Client"]


class RefusedError(Exception):
    """The service refused a request; ``reply`` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.payload.get("message"))
        self.reply = reply


class BadContentError(Exception):
    """The content is not that of the recording in the database."""


class Transfer:
    """Fetches the recording of one job; ``connect`` makes a connection to the service."""

    def __init__(self, connect: Connect, job: int, progress: Progress) -> None:
        self._connect, self._job, self._progress = connect, job, progress
        self._client: Client | None = None
        self._was_reached = False
        self.first = self._ask(0)

    @property
    def name(self) -> str:
        """The name of the recording's file."""
        return PurePosixPath(self.first.recording).name

    def write_to(self, file: BinaryIO) -> None:
        """Write the whole recording. Raises :class:`BadContentError` and :class:`RefusedError`."""
        sha256, offset = hashlib.sha256(), 0
        for data in self._pieces():
            file.write(data)
            sha256.update(data)
            offset += len(data)
            self._progress.tell("kB fetched", offset // 1000, self.first.bytes // 1000)
        if sha256.hexdigest() != self.first.sha256:
            raise BadContentError(
                "the content does not have the checksum in the database; see: beemon archive check"
            )

    def close(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _pieces(self) -> Iterator[bytes]:
        offset, piece = 0, self.first
        while True:
            data = base64.b64decode(piece.data, validate=True)
            offset += len(data)
            if not data and offset < piece.bytes:
                raise BadContentError("the service sent an empty piece")
            yield data
            if offset >= piece.bytes:
                return
            piece = self._ask(offset)
            if (piece.sha256, piece.bytes) != (self.first.sha256, self.first.bytes):
                raise BadContentError("another recording has this job's number now")

    def _ask(self, offset: int) -> Piece:
        """A piece; a service that was reached and is lost is asked again for a while.

        Raises :class:`RefusedError`, :class:`ServiceUnreachableError`.
        """
        until = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                if self._client is None:
                    self._client = self._connect()
                    self._was_reached = True
                reply = self._client.request(f"piece {self._job} {offset}")
            except ServiceUnreachableError:
                self.close()
                if not self._was_reached or time.monotonic() > until:
                    raise
            else:
                if reply.ok:
                    return _read(reply)
                self.close()
                if reply.payload.get("code") not in _BUSY or time.monotonic() > until:
                    raise RefusedError(reply)
            self._progress.tell("kB fetched; the connection was lost, trying again", offset // 1000)
            time.sleep(_PAUSE_SECONDS)


def _read(reply: Reply) -> Piece:
    try:
        return from_json(Piece, reply.payload)
    except BadFactsError as error:
        raise BadContentError(f"the service may be another version: {error}") from error


def save(transfer: Transfer, goal: Path, *, force: bool) -> None:
    """Fetch into a temporary file beside ``goal``, which then gets its name, or is deleted.

    Raises ``OSError`` if there is a file, unless ``force``.
    """
    check_free(goal, force=force)
    temporary = goal.with_name(f".{goal.name[:200]}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            transfer.write_to(file)
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, goal, force=force)
    except OSError as error:
        if error.errno is None:  # the service's
            raise
        raise OSError(error.errno, error.strerror, str(goal)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_free(goal: Path, *, force: bool) -> None:
    """Raise ``OSError`` if there is such a file, unless ``force``; a device always stays."""
    try:
        found = goal.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        why = "is no regular file, and is not replaced; to write into it: -o - >FILE"
        raise OSError(errno.EINVAL, why, str(goal))
    if not force:
        raise FileExistsError(errno.EEXIST, "exists already; to replace it: --force", str(goal))


def _rename(temporary: Path, goal: Path, *, force: bool) -> None:
    """Give the file its name; unlike a rename, a link replaces no file that came meanwhile."""
    if not force:
        try:
            goal.hardlink_to(temporary)
        except FileExistsError:
            check_free(goal, force=False)
            raise
        except OSError:  # a disk without links, such as FAT
            check_free(goal, force=False)
        else:
            return
    check_free(goal, force=True)
    temporary.replace(goal)
