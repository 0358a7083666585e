"""Manifest: the list of a day's recordings at the far end, with their hashes.

A reader of the remote folder should trust only files that a manifest names, and only if their
SHA-256 is the one there. A manifest ends with the SHA-256 of all that precedes it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.facts import JsonObject
from beemon.uplink import kept
from beemon.uplink.destinations.upload.proof import digest_blocks
from beemon.uplink.destinations.upload.sent import Entry, SentLog, read_entry

_END = b', "sha256": "'
FORMAT = 1
"""The number of this form of a manifest."""
MANIFEST_SECONDS = 3600.0
"""The least time between two manifests of one day."""


def manifest_name(folder: str) -> str:
    """The remote name of the manifest of a day's folder."""
    return f"{folder}/manifest-{folder.rpartition('/')[2]}.json"


def make_manifest(archive: str, folder: str, entries: Iterable[Entry]) -> bytes:
    """The manifest of a day; the same recordings always give the same content."""
    files = [
        {
            "name": entry.name.rpartition("/")[2], "size": entry.size,
            "sha256": entry.digests.sha256, "hashes": dict(entry.hashes), "path": entry.path,
            "recording": entry.recording, "job": entry.job, "device": entry.device,
            "verdict": entry.verdict, "proof": entry.proof,
        }
        for entry in sorted(entries, key=lambda one: one.name) if entry.is_proved
    ]
    head = {"manifest": FORMAT, "archive": archive, "day": folder.rpartition("/")[2]}
    lines = ",\n".join(map(json.dumps, files))
    content = f'{json.dumps(head)[:-1]}, "files": [\n{lines}\n]'.encode()
    return content + _END + hashlib.sha256(content).hexdigest().encode() + b'"}\n'


def read_manifest(archive: str, folder: str, content: bytes) -> Iterator[Entry]:
    """The entries of a manifest, if it is one of this archive, and undamaged."""
    told = _checked(content)
    if told.get("archive") != archive:
        return
    files = told.get("files")
    for file in files if isinstance(files, list) else []:
        if isinstance(file, dict):
            entry = read_entry({**file, "name": f"{folder}/{file.get('name')}"})
            if entry is not None:
                yield entry


def _checked(content: bytes) -> JsonObject:
    """The object of a manifest; an empty one if it is damaged."""
    files, end, digest = content.rpartition(_END)
    if not end or not digest.startswith(hashlib.sha256(files).hexdigest().encode()):
        return {}
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


class Manifests:
    """The manifests of an archive: which of them are at the far end, by a note in ``file``, and
    which are outdated there."""

    def __init__(self, file: Path, archive: str, sent: SentLog) -> None:
        self.outdated: set[str] = set()
        self._file = file
        self._archive = archive
        self._recordings = sent
        self._sent: dict[str, float] = {}
        self._known = dict(kept.read(file))

    def content(self, folder: str) -> bytes:
        """The manifest that a day's folder should have."""
        return make_manifest(self._archive, folder, self._recordings.of_folder(folder).values())

    def look_for_outdated(self, folders: Iterable[str]) -> None:
        """Find the manifests that a stop of the uplink has left behind."""
        for folder in folders:
            if self._known.get(folder) != digest_blocks([self.content(folder)]).sha256:
                self.outdated.add(folder)

    def due(self, day: str | None, now: Moment) -> str | None:
        """A folder whose manifest is to be sent now: at the end of its day, or once an hour.

        ``day`` is that of the recording that is sent next; None if no recording waits.
        """
        for folder in sorted(self.outdated):
            is_over = day is not None and not folder.endswith(f"/{day}")
            if is_over or (day is None and self._seconds_until(folder, now) <= 0):
                return folder
        return None

    def seconds_until_due(self, now: Moment) -> float:
        """The time until an outdated manifest may be sent; infinite if there is none."""
        return min((self._seconds_until(one, now) for one in self.outdated), default=math.inf)

    def _seconds_until(self, folder: str, now: Moment) -> float:
        sent = self._sent.get(folder)
        return 0.0 if sent is None else sent + MANIFEST_SECONDS - now.monotonic

    def sent(self, folder: str, content: bytes, now: Moment) -> None:
        """Note that a manifest is at the far end."""
        self.outdated.discard(folder)
        self._sent[folder] = now.monotonic
        self._known[folder] = digest_blocks([content]).sha256
        kept.write(self._file, dict(self._known))
