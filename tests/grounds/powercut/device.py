"""A block device with a volatile cache: a file of which this process is the file system (FUSE).

A loop device over that file passes on each write and each flush of the block layer. A write that
was confirmed is in the cache; a flush puts what is in the cache on the medium. So a power cut
leaves the medium, and of each block in the cache either what was written or what was there before:
the device had put some of it on the medium already, in an order of its own. Blocks are whole.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import random
import select
import stat
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.grounds.powercut import disk

BLOCK = 4096
PATIENCE_SECONDS = 0.2

# linux/fuse.h: the operations that come for a lone file, and the sizes of their structures.
_GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _RELEASE, _FSYNC, _FLUSH, _INIT = (
    3, 4, 14, 15, 16, 18, 20, 25, 26,
)
_NO_REPLY = (2, 36, 42)  # forget, interrupt, forget many
_IN_HEADER, _OUT_HEADER = struct.Struct("IIQQIIIHH"), struct.Struct("IiQ")
_TRANSFER = struct.Struct("QQIIQII")  # fuse_read_in and fuse_write_in begin alike
_VERSION = (7, 31)
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Cut:
    """A power cut that leaves the image ``to``, with that share of the blocks in the cache on the
    medium, chosen by the seed; it comes with the next write but ``writes``, or at once (None)."""

    to: Path
    share: float
    seed: int
    writes: int | None = None


@dataclass(frozen=True)
class Left:
    """When the power was cut (monotonic seconds), and how many blocks were in the cache."""

    at: float
    cached: int


class Medium:
    """The image is what is on the medium; a copy beside it is what was written, flushed or not."""

    def __init__(self, image: Path, *, flushes: bool = True) -> None:
        self._image = image
        written = image.with_suffix(".written")
        disk.copy(image, written)
        self._medium = os.open(image, os.O_RDWR)
        self._written = os.open(written, os.O_RDWR)
        self._flushes = flushes
        self.writes = 0
        self._cache: list[tuple[int, bytes]] = []
        self.size = image.stat().st_size

    def read(self, offset: int, size: int) -> bytes:
        """What was written last."""
        return os.pread(self._written, size, offset)

    def write(self, offset: int, data: bytes) -> None:
        """Confirmed, and in the cache."""
        os.pwrite(self._written, data, offset)
        self._cache.append((offset, data))
        self.writes += 1

    def flush(self) -> None:
        """Put what is in the cache on the medium; a device that lies does not."""
        if self._flushes:
            for offset, data in self._cache:
                os.pwrite(self._medium, data, offset)
            self._cache.clear()

    def cut(self, cut: Cut) -> Left:
        """Do it now."""
        at = time.monotonic()
        disk.copy(self._image, cut.to)
        chance = random.Random(cut.seed)
        blocks = list(self._blocks())
        with cut.to.open("rb+", buffering=0) as file:
            for offset, data in blocks:
                if chance.random() < cut.share:
                    os.pwrite(file.fileno(), data, offset)
        return Left(at, len(blocks))

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        for offset, data in self._cache:
            for start in range(0, len(data), BLOCK):
                yield offset + start, data[start : start + BLOCK]


class Device:
    """The device over an image, from entering to leaving: ``file`` is to be loop-mounted."""

    def __init__(self, image: Path, file: Path, *, flushes: bool = True) -> None:
        self.file = file
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(image, file, flushes, other), daemon=True
        )

    def cut(self, cut: Cut) -> Left:
        """Have the power cut of a copy."""
        self._pipe.send(cut)
        left: Left = self._pipe.recv()
        return left

    def __enter__(self) -> Device:
        self.file.touch()
        self._process.start()
        self._pipe.recv()  # it is mounted
        return self

    def __exit__(self, *_: object) -> None:
        disk.unmount(self.file)
        self._process.join(20)


def _serve(image: Path, file: Path, flushes: bool, pipe: Connection[Any, Any]) -> None:
    medium = Medium(image, flushes=flushes)
    descriptor = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={descriptor},rootmode={stat.S_IFREG | 0o600:o},user_id=0,group_id=0"
    disk.mount("powercut", file, "fuse", options)
    pipe.send(None)
    look = select.poll()
    for source in (descriptor, pipe.fileno()):
        look.register(source, select.POLLIN)
    requests, cuts = _Requests(descriptor, medium), _Cuts(medium, pipe)
    while True:
        ready = {source for source, _ in look.poll(cuts.patience_ms)}
        if pipe.fileno() in ready:
            cuts.order(pipe.recv())
        if descriptor in ready and not requests.answer():
            return
        cuts.look()


class _Cuts:
    """The power cut that was ordered last, until its moment comes."""

    def __init__(self, medium: Medium, pipe: Connection[Any, Any]) -> None:
        self._medium = medium
        self._pipe = pipe
        self._ordered: Cut | None = None
        self._at_write = 0
        self._latest = 0.0

    @property
    def patience_ms(self) -> float | None:
        """How long the device may wait for a request."""
        return None if self._ordered is None else PATIENCE_SECONDS * 1000

    def order(self, cut: Cut) -> None:
        """Cut at its moment, or when that does not come soon."""
        self._ordered = cut
        self._at_write = self._medium.writes + (0 if cut.writes is None else cut.writes + 1)
        self._latest = time.monotonic() + PATIENCE_SECONDS

    def look(self) -> None:
        """Whether this is the moment."""
        cut = self._ordered
        is_time = self._medium.writes >= self._at_write or time.monotonic() >= self._latest
        if cut and is_time:
            self._ordered = None
            self._pipe.send(self._medium.cut(cut))


class _Requests:
    """The kernel's requests about the file."""

    def __init__(self, descriptor: int, medium: Medium) -> None:
        self._descriptor = descriptor
        self._medium = medium
        self._answers: dict[int, Callable[[bytes], bytes]] = {
            _INIT: self._init,
            _GETATTR: self._attributes,
            _SETATTR: self._attributes,
            _OPEN: lambda _: bytes(16),
            _READ: self._read,
            _WRITE: self._write,
            _FSYNC: self._fsync,
            _FLUSH: lambda _: b"",
            _RELEASE: lambda _: b"",
        }

    def answer(self) -> bool:
        """One request; False when the file system was unmounted."""
        try:
            request = os.read(self._descriptor, _MOST_BYTES + BLOCK)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):  # it was withdrawn
                return True
            raise
        _, operation, unique, *_ = _IN_HEADER.unpack_from(request)
        if operation not in _NO_REPLY:
            answer = self._answers.get(operation)
            failure = 0 if answer else -errno.ENOSYS
            reply = answer(request[_IN_HEADER.size :]) if answer else b""
            header = _OUT_HEADER.pack(_OUT_HEADER.size + len(reply), failure, unique)
            with contextlib.suppress(FileNotFoundError):  # whoever asked has gone
                os.write(self._descriptor, header + reply)
        return True

    def _init(self, _: bytes) -> bytes:
        flags = _BIG_WRITES | _MAX_PAGES
        most_pages = _MOST_BYTES // BLOCK
        return struct.pack(
            "IIIIHHIIHH32x", *_VERSION, 0, flags, 0, 0, _MOST_BYTES, 1, most_pages, 0
        )

    def _attributes(self, _: bytes) -> bytes:
        size = self._medium.size
        times = bytes(24 + 12)
        mode, links = stat.S_IFREG | 0o600, 1
        attributes = struct.pack("QQQ", 1, size, size // 512) + times
        attributes += struct.pack("IIIIIII", mode, links, 0, 0, 0, BLOCK, 0)
        return struct.pack("QII", 3600, 0, 0) + attributes

    def _read(self, body: bytes) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(body)
        return self._medium.read(offset, size)

    def _write(self, body: bytes) -> bytes:
        _, offset, size, *_ = _TRANSFER.unpack_from(body)
        self._medium.write(offset, body[_TRANSFER.size : _TRANSFER.size + size])
        return struct.pack("II", size, 0)

    def _fsync(self, _: bytes) -> bytes:
        self._medium.flush()
        return b""
