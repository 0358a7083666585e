"""Queue: the recordings that are still to be uploaded, by the ledger, and their files."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from beemon.base.beneath import open_beneath
from beemon.base.clock import Moment
from beemon.base.recording import Recording
from beemon.uplink.destinations.upload.proof import Digests, digest

_PAGE = 50
_FOLDER = "recordings"


class Book(Protocol):
    """The ledger, as far as an upload reads and changes it."""

    def not_uploaded(self, after: int, most: int) -> list[Recording]:
        """The first recordings above a number that are kept and are not uploaded."""

    def uploaded(self, after: int, most: int) -> list[Recording]:
        """The first recordings above a number that are kept and are uploaded."""

    def report(self, recording: int, sha256: str, proof: str) -> None:
        """Have a recording marked as uploaded. Raises ``OSError`` if the service is away."""

    def forget(self, recording: int) -> None:
        """Have a recording marked as not uploaded. Raises ``OSError`` if the service is away."""


class NotSentError(Exception):
    """The file of a recording is missing, or is not what the ledger says; the text says which."""


class Queue:
    """The recordings that wait: the oldest first, and those that failed their check at the end."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._after = {True: 0, False: 0}
        self._passed: dict[int, float] = {}

    def first(self, now: Moment) -> Recording | None:
        """The first recording that waits and is not passed over.

        If there is none, the next look begins again at the first recording: the service accepts a
        mark at once, but makes it later.
        """
        for number in [one for one, until in self._passed.items() if until < now.monotonic]:
            self.take_back(number)
        found = self._find(is_good=True) or self._find(is_good=False)
        if found is None:
            self._start_again()
        return found

    def pass_over(self, recording: int, until: float) -> None:
        """Pass over a recording until this time, in seconds since boot."""
        self._passed[recording] = until

    def take_back(self, recording: int) -> None:
        """Have a recording wait again."""
        self._passed.pop(recording, None)
        self._start_again()

    def take_back_all(self) -> None:
        """Have all recordings wait again."""
        self._passed.clear()
        self._start_again()

    def _start_again(self) -> None:
        self._after = {True: 0, False: 0}

    def _find(self, *, is_good: bool) -> Recording | None:
        while page := self._book.not_uploaded(self._after[is_good], _PAGE):
            for one in page:
                is_wanted = (one.facts.verdict != "failed") is is_good
                if is_wanted and one.recording not in self._passed:
                    return one
            self._after[is_good] = page[-1].recording
        return None


@contextlib.contextmanager
def held_file(archive: Path, recording: Recording) -> Iterator[Digests]:
    """The digests of a recording's file, which is not deleted while this lasts.

    The lock is the one that retention respects. Raises :class:`NotSentError`.
    """
    try:
        descriptor = open_beneath(archive, PurePosixPath(recording.path))
    except (OSError, ValueError) as error:
        raise NotSentError(f"{recording.path} cannot be read: {error}") from error
    with os.fdopen(descriptor, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            found = digest(file)
        except OSError as error:
            raise NotSentError(f"{recording.path} cannot be read: {error.strerror}") from error
        if found.sha256 != recording.facts.sha256:
            raise NotSentError(
                f"{recording.path} is damaged: it has another SHA-256 than the database says; "
                "it is not uploaded; see: beemon archive check"
            )
        yield found


def remote_name(recording: Recording) -> tuple[str, str]:
    """The hive in a recording's name, and the rest of its path: the folder of the day, and the
    name. The hive is empty if the name has none."""
    path = PurePosixPath(recording.path)
    rest = path.relative_to(_FOLDER) if path.parts[0] == _FOLDER else path
    hive, at, _ = path.name.partition("@")
    return (hive if at else ""), str(rest)
