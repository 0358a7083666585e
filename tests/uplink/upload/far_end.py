"""A far end in memory, with everything that goes wrong at real ones.

It stores what it was sent, or not; it is no double of a driver, which the tests of drivers run
against real servers.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from beemon.uplink.destinations.upload.proof import HASHES, Found
from beemon.uplink.destinations.upload.remote import PART, Powers, RemoteError


class Killed(BaseException):
    """The uplink was killed here."""


class FarEnd:
    """The storage. ``truths`` are the contents that its latest answers were about, by name."""

    def __init__(self, chance: random.Random, *, can_move: bool, hashes: tuple[str, ...]) -> None:
        self.files: dict[str, bytes] = {}
        self.truths: dict[str, bytes] = {}
        self.powers = Powers(can_move=can_move, hashes=hashes)
        self.space: int | None = None
        self.faults = 0.0
        """The probability of a fault in each request."""
        self.kills = 0.0
        self._chance = chance

    # What happens to it while nobody looks

    def rot(self) -> None:
        """Change, cut or lose one of the files.

        What says whose a folder is only changes: without it, a second hive of the same name could
        not know that another one is there.
        """
        if not self.files:
            return
        name = self._chance.choice(sorted(self.files))
        self.files[name] = self._spoil(self.files[name])
        if self._chance.random() < 0.3 and "/archives/" not in name:
            del self.files[name]

    # What a driver asks

    def probe(self) -> Powers:
        self._begin()
        return self.powers

    def send(self, file: Path, name: str, size: int) -> None:
        self._begin()
        content = file.read_bytes()
        if self._is_full(size):
            self._store_torn(name, content)
            raise RemoteError("rclone: no space left on device")
        fault = self._fault()
        if fault == "spoilt":
            self.files[name] = self._spoil(content)
        elif fault == "torn":
            self._store_torn(name, content)
            raise RemoteError("rclone: connection reset")
        elif fault == "lost":
            return
        else:
            if self._is_killed():
                self._store_torn(name, content)
                raise Killed
            self.files[name] = content
        self._end(fault)

    def move(self, name: str, final: str) -> None:
        self._begin()
        if name not in self.files:
            raise RemoteError("rclone: object not found")
        fault = self._fault()
        if fault == "torn":  # it deletes the goal first, and gets no further
            self.files.pop(final, None)
            raise RemoteError("rclone: connection reset")
        if fault != "lost":
            self.files[final] = self.files.pop(name)
        self._end(fault)

    def look(self, name: str) -> Found | None:
        self._begin()
        fault = self._fault()
        if fault == "lost":
            return None
        content = self.files.get(name)
        if fault == "spoilt":  # the answer is about another recording
            others = sorted(self.files.keys() - {name, name + PART})
            return self._found(self.files[self._chance.choice(others)]) if others else None
        if content is None:
            return None
        self.truths[name] = content
        if fault == "torn":
            return Found(max(0, len(content) - 1), {})
        self._end(fault)
        return self._found(content)

    def list_files(self, folder: str, *, with_hashes: bool) -> Mapping[str, Found]:
        self._begin()
        self._end(self._fault())
        return {
            name: self._found(content) if with_hashes else Found(len(content))
            for name, content in self.files.items() if name.startswith(f"{folder}/")
        }

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        self._begin()
        fault = self._fault()
        content = self.files.get(name)
        if content is None:
            raise RemoteError("rclone: object not found")
        self.truths[name] = content
        yield io.BytesIO(self._spoil(content) if fault in ("spoilt", "torn") else content)
        self._end(fault)


    def _found(self, content: bytes) -> Found:
        known = [name for name in HASHES if name in self.powers.hashes]
        return Found(len(content), {name: hashlib.new(name, content).hexdigest() for name in known})

    def _store_torn(self, name: str, content: bytes) -> None:
        """Most storages keep what came; those without a move keep nothing, or cut it too."""
        if self.powers.can_move or self._chance.random() < 0.5:
            self.files[name] = content[: self._chance.randrange(len(content) or 1)]

    def _spoil(self, content: bytes) -> bytes:
        kind = self._chance.randrange(3)
        if not content or kind == 0:
            return content + b"?"
        at = self._chance.randrange(len(content))
        return content[:at] if kind == 1 else (
            content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
        )

    def _is_full(self, size: int) -> bool:
        return self.space is not None and size + sum(map(len, self.files.values())) > self.space

    def _fault(self) -> str | None:
        if self._chance.random() >= self.faults:
            return None
        return self._chance.choice(["spoilt", "torn", "lost", "unheard"])

    def _begin(self) -> None:
        if self._is_killed():
            raise Killed
        if self._chance.random() < self.faults / 3:
            raise RemoteError("rclone: connection refused")

    def _end(self, fault: str | None) -> None:
        """It was done, but the answer may not arrive, or the uplink may not live to hear it."""
        if self._is_killed():
            raise Killed
        if fault == "unheard":
            raise RemoteError("rclone: i/o timeout")

    def _is_killed(self) -> bool:
        return self._chance.random() < self.kills
