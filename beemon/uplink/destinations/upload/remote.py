"""Remote: the contract of a driver of a far end, so that an upload can be proved."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from beemon.base.values import value_class
from beemon.uplink.destinations.upload.proof import Found

PART = ".part"
"""The end of the name of a file that is not proved yet."""


class RemoteError(Exception):
    """The far end did not do it, or did not answer; the text says why, and what to do."""


@value_class
class Powers:
    """The abilities of a far end. ``can_move``: it renames files. ``hashes``: it computes these."""

    can_move: bool
    hashes: tuple[str, ...]


class Remote(Protocol):
    """A far end. Names are relative to its folder; each call is bounded in time.

    Each method raises :class:`RemoteError`. Its state is then unknown: the request may have
    had its effect, in part or completely.
    """

    def probe(self) -> Powers:
        """Find out what it can do."""

    def send(self, file: Path, name: str, size: int) -> None:
        """Store a file of this size, in the place of any that has the name."""

    def move(self, name: str, final: str) -> None:
        """Give a file its final name, in the place of any that has that name."""

    def look(self, name: str) -> Found | None:
        """The facts of one file; None if there is no such file."""

    def list_files(self, folder: str, *, with_hashes: bool) -> Mapping[str, Found]:
        """All files below a folder, by their names relative to the remote's own folder; none if
        there is no such folder."""

    def reading(self, name: str) -> AbstractContextManager[BinaryIO]:
        """The content of a file."""
