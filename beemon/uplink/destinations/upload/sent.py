"""Sent: notes in the state folder of the recordings at the far end.

A day has a file of its own. Each proof and each loss adds a line. A line that a power cut has torn
does not count. The ledger then does not have that recording as uploaded either, so it is looked for
at the far end again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from beemon.base.replacing import sync_folder
from beemon.base.values import value_class
from beemon.uplink.destinations.upload.machine import Proof
from beemon.uplink.destinations.upload.proof import Digests

LOST = "lost"
_FIELDS = {
    "name": str, "recording": int, "path": str, "job": int, "device": str, "verdict": str,
    "size": int, "hashes": dict, "proof": str,
}


@value_class
class Entry:
    """A recording at the far end: its remote ``name``, its ``path`` in the archive, its content.

    ``proof`` is one of :class:`~beemon.uplink.destinations.upload.machine.Proof`, or :data:`LOST`.
    """

    name: str
    recording: int
    path: str
    job: int
    device: str
    verdict: str
    size: int
    hashes: Mapping[str, str]
    proof: str

    @property
    def digests(self) -> Digests:
        """Its content."""
        return Digests(self.size, self.hashes)

    @property
    def is_proved(self) -> bool:
        """Whether its content was compared, and it was not lost since."""
        return self.proof in (Proof.HASH, Proof.READ_BACK)


def folder_of(name: str) -> str:
    """The remote folder of a file: that of its day."""
    return name.rpartition("/")[0]


class SentLog:
    """The notes of one destination, in ``folder``. Raises ``OSError``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day: tuple[str, dict[str, Entry]] = ("", {})
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, entry: Entry) -> None:
        """Note what became of a recording, durably."""
        folder = folder_of(entry.name)
        known = self.of_folder(folder)
        file = self._file(folder)
        is_new = not file.exists()
        line = json.dumps({name: getattr(entry, name) for name in _FIELDS})
        # The line before may be torn: a line of its own begins behind it.
        _append(file, f"\n{line}\n".encode())
        if is_new:
            sync_folder(self._folder)
        known[entry.name] = entry

    def of_folder(self, folder: str) -> dict[str, Entry]:
        """The recordings of a day's remote folder, by their names."""
        if self._day[0] != folder:
            self._day = (folder, self._read(folder))
        return self._day[1]

    def has(self, folder: str) -> bool:
        """Whether there are notes of a day's remote folder."""
        return self._file(folder).exists()

    def find(self, name: str) -> Entry | None:
        """The note of a remote file."""
        return self.of_folder(folder_of(name)).get(name)

    def folders(self) -> list[str]:
        """The remote folders of all days, the latest day at last."""
        found = [file.name.removesuffix(".jsonl") for file in self._folder.glob("*.jsonl")]
        return sorted((name.replace("@", "/") for name in found), key=lambda n: n.split("/")[::-1])

    def _file(self, folder: str) -> Path:
        return self._folder / f"{folder.replace('/', '@')}.jsonl"

    def _read(self, folder: str) -> dict[str, Entry]:
        try:
            lines = self._file(folder).read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        return {entry.name: entry for entry in _entries(lines)}


def read_entry(told: object) -> Entry | None:
    """The entry in a JSON value, if that holds one."""
    if not isinstance(told, dict):
        return None
    if not all(isinstance(told.get(name), kind) for name, kind in _FIELDS.items()):
        return None
    return Entry(**{name: told[name] for name in _FIELDS})


def _entries(lines: Iterable[bytes]) -> Iterable[Entry]:
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = read_entry(json.loads(line))
            if entry is not None:
                yield entry


def _append(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, content)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
