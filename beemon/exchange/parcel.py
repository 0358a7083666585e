"""Parcel: the one file of a backup, written and read as a stream.

It is a tar file, compressed with gzip. ``about.json`` comes first, then the database, the config
and perhaps the recordings. ``SHA256SUMS`` comes last, so that a file that was cut short has none.
It is in the format of sha256sum(1).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Protocol

from beemon.base.facts import BadFactsError, from_json, to_json
from beemon.base.progress import Progress
from beemon.ledger import schema
from beemon.ledger.tree import printable

FORMAT, LAYOUT = "beemon backup", 1
ABOUT, DATABASE, SUMS = "about.json", "ledger.db", "SHA256SUMS"
CONFIG, RECORDINGS = "config", "recordings"
MAIN_CONFIG = f"{CONFIG}/beemon.toml"

_PART = r"[^/.][^/]*"
_NAME = re.compile(
    rf"about\.json|ledger\.db|SHA256SUMS|config/beemon\.toml|config/conf\.d/{_PART}\.toml"
    rf"|recordings(/{_PART})+"
)
_MOST_ABOUT_BYTES, _MOST_SUMS_BYTES = 65_536, 256 << 20
_PIECE_BYTES = 1 << 20
_LEVEL = 4
"""Of gzip. The database shrinks to much the same size as with 6, in half the time."""


class BadBackupError(OSError):
    """A file that is no backup, or not a complete and undamaged one."""


class Source(Protocol):
    """Something to read bytes from."""

    def read(self, size: int = -1, /) -> bytes:
        """Read the next bytes; none at the end."""


@dataclass(frozen=True)
class About:
    """The facts about a backup. ``bytes`` is the size of its content without compression."""

    format: Annotated[str, "That this is a backup."]
    layout: Annotated[int, "The version of its layout."]
    made_by: Annotated[str, "The version that made it."]
    made: Annotated[str, "The time at which it was made, in UTC."]
    archive: Annotated[str, "The UUID of the archive."]
    database_layout: Annotated[int, "The version of the database's layout."]
    hive: Annotated[str, "The name of the hive."]
    archive_path: Annotated[str, "The archive's folder on its machine."]
    jobs: Annotated[int, "The number of jobs in the database."]
    recordings: Annotated[int, "The number of recordings in the backup."]
    bytes: Annotated[int, "The size of its content, in bytes."]


@dataclass(frozen=True)
class Member:
    """One file of a backup: its name, its size, its mode and its content."""

    name: str
    size: int
    mode: int
    content: Source


class Writer:
    """Writes the members of a backup, and counts their bytes for a person."""

    def __init__(self, file: BinaryIO, about: About, progress: Progress) -> None:
        self._progress, self._whole = progress, about.bytes
        self._done = 0
        self._sums: list[str] = []
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file)
        self._tar = tarfile.TarFile(fileobj=self._gzip, mode="w", format=tarfile.PAX_FORMAT)
        self.add_bytes(ABOUT, json.dumps(to_json(about), indent=2).encode(), 0o644)

    def add_bytes(self, name: str, content: bytes, mode: int) -> None:
        """Add a small file."""
        self.add(Member(name, len(content), mode, io.BytesIO(content)))

    def add(self, member: Member) -> None:
        """Add a file. Raises ``OSError`` if it is shorter than its size."""
        info = tarfile.TarInfo(member.name)
        info.size, info.mode = member.size, member.mode & 0o644
        read = _Hashing(member.content, self._count)
        self._tar.addfile(info, read)
        self._sums.append(f"{read.sha256.hexdigest()}  {member.name}\n")

    def close(self) -> None:
        """Add the sums and end the file."""
        content = "".join(self._sums).encode()
        info = tarfile.TarInfo(SUMS)
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))
        self._tar.close()
        self._gzip.close()

    def _count(self, size: int) -> None:
        self._done += size
        self._progress.tell("MB saved", self._done >> 20, max(self._whole, self._done) >> 20)


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: Source, count: Callable[[int], None]) -> None:
        self.sha256 = hashlib.sha256()
        self._file, self._count = file, count

    def read(self, size: int = -1, /) -> bytes:
        """Read and hash the next bytes."""
        found = self._file.read(size)
        self.sha256.update(found)
        self._count(len(found))
        return found


class Reader:
    """Reads the members of a backup in their order, and compares the sums at the end.

    Raises :class:`BadBackupError` for everything that beemon does not write, such as links.
    """

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._progress = progress
        self._done = self._whole = 0
        self._found: dict[str, str] = {}
        self._gzip = gzip.GzipFile(mode="rb", fileobj=file)
        with _telling_damage():
            self._tar = tarfile.open(fileobj=self._gzip, mode="r|")  # noqa: SIM115 (for long)
            self._members = iter(self._tar)
        self.about = self._read_about()
        self._whole = self.about.bytes

    def members(self) -> Iterator[Member]:
        """Every file but the facts and the sums; each has to be read before the next.

        The caller may keep what it read only if the iteration ends without an error.
        """
        while (member := self._next()).name != SUMS:
            read = _Hashing(member.content, self._count)
            yield Member(member.name, member.size, member.mode, read)
            self._note(member.name, read)
        self._compare(member)

    def _next(self) -> Member:
        with _telling_damage():
            info = next(self._members, None)
            if info is None:
                raise BadBackupError("it is incomplete: it ends before its checksums")
            content = self._tar.extractfile(info) if info.isreg() else None
        if content is None or not _NAME.fullmatch(info.name) or not info.name.isprintable():
            raise BadBackupError(f"it holds {printable(info.name)}, which no backup has")
        if info.name in self._found:
            raise BadBackupError(f"it holds {info.name} twice")
        return Member(info.name, info.size, info.mode, _Telling(content))

    def _note(self, name: str, read: _Hashing) -> None:
        while read.read(_PIECE_BYTES):  # whatever its user left
            pass
        self._found[name] = read.sha256.hexdigest()

    def _read_about(self) -> About:
        member = self._next()
        if member.name != ABOUT or member.size > _MOST_ABOUT_BYTES:
            raise BadBackupError("it is no backup of beemon")
        read = _Hashing(member.content, self._count)
        content = read.read()
        self._note(ABOUT, read)
        try:
            about = from_json(About, json.loads(content))
        except (ValueError, BadFactsError) as error:
            raise BadBackupError("it is no backup of beemon") from error
        if about.format != FORMAT:
            raise BadBackupError("it is no backup of beemon")
        if about.layout > LAYOUT or about.database_layout > schema.VERSION:
            made_by = printable(about.made_by)
            raise BadBackupError(f"a newer version made it ({made_by}): install that one first")
        return about

    def _compare(self, member: Member) -> None:
        """Compare the sums, and read the rest, after which gzip compares its own."""
        if member.size > _MOST_SUMS_BYTES:
            raise BadBackupError("its list of checksums is too long")
        told = {}
        for line in member.content.read().decode("utf-8", "replace").splitlines():
            sha256, _, name = line.partition("  ")
            told[name] = sha256
        for name in sorted(told.keys() | self._found.keys()):
            if told.get(name) != self._found.get(name):
                raise BadBackupError(f"{printable(name)} in it does not match its checksum")
        with _telling_damage():
            while self._gzip.read(_PIECE_BYTES):
                pass

    def _count(self, size: int) -> None:
        self._done += size
        self._progress.tell("MB checked", self._done >> 20, max(self._whole, self._done) >> 20)


class _Telling:
    """A file within a backup, whose damage has beemon's words."""

    def __init__(self, file: Source) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        """Read the next bytes. Raises :class:`BadBackupError`."""
        with _telling_damage():
            return self._file.read(size)


@contextmanager
def _telling_damage() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise BadBackupError(f"it is no complete backup: {error}") from error
