"""Proof: whether a file at the far end is the recording, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import BinaryIO

from beemon.base.values import value_class

_BLOCK = 256 << 10  # bytes
HASHES = ("sha256", "sha1", "md5")
"""The hashes that are compared; a far end may offer others, which prove nothing here."""


class Judgement(StrEnum):
    """A conclusion from the facts of a remote file about its content."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


@value_class
class Digests:
    """The size of a content, in bytes, and its hashes by their names, in hexadecimal."""

    size: int
    hashes: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Its SHA-256."""
        return self.hashes["sha256"]


@value_class
class Found:
    """A file at the far end: its size, and those of its hashes that the far end knows."""

    size: int
    hashes: Mapping[str, str] = field(default_factory=dict)


def digest(file: BinaryIO) -> Digests:
    """The digests of the rest of a file, all of them in one read."""
    return digest_blocks(iter(lambda: file.read(_BLOCK), b""))


def digest_blocks(blocks: Iterable[bytes]) -> Digests:
    """The digests of a content."""
    made = {name: hashlib.new(name, usedforsecurity=False) for name in HASHES}
    size = 0
    for block in blocks:
        size += len(block)
        for one in made.values():
            one.update(block)
    return Digests(size, {name: one.hexdigest() for name, one in made.items()})


def judge(found: Found, local: Digests) -> Judgement:
    """Compare a remote file with the content that it should have.

    The same size proves nothing. Each hash that both sides know must be the same.
    """
    if found.size != local.size:
        return Judgement.OTHER
    pairs = [(found.hashes.get(name), local.hashes.get(name)) for name in HASHES]
    told = [(there.lower(), here) for there, here in pairs if there and here]
    if not told:
        return Judgement.UNKNOWN
    return Judgement.SAME if all(there == here for there, here in told) else Judgement.OTHER
