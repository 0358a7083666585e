"""Judges an archive after a power cut: before and after beemon's own recovery.

What is found wrong is a violation, in words. What the archive's own check says counts, and beside
that everything is looked at here once more.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from beemon.ledger import completeness, index, rows
from beemon.ledger.ledger import NAME
from beemon.repair import check
from beemon.storage.files import FOLDER, is_temporary
from tests.grounds.powercut import exports, load, media
from tests.grounds.powercut.promises import Promise

Row = sqlite3.Row
Length = int | str
"""Of a media file: how much is in it, or why it cannot be told."""

LAST_MOMENT = 0.1  # seconds


class Judge:
    """Remembers what it decoded, and, within a state, what it read: the same content, by its
    SHA-256, is decoded once; a file of which nothing changed since is read once."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lengths: dict[str, Length] = {}
        self._hashes: dict[tuple[object, ...], str] = {}

    def before_recovery(self, archive: Path) -> Iterator[str]:
        """What stands under a final name is whole, whatever the ledger knows of it."""
        self._hashes.clear()
        self.counts["exports"] += (archive.with_name(exports.FOLDER) / "today").exists()
        yield from exports.torn(archive)
        for path in final_files(archive):
            _, length = self._content(path)
            if isinstance(length, str):
                yield f"torn file: {path.name}: {length}"

    def after_recovery(self, archive: Path, promises: Sequence[Promise]) -> Iterator[str]:
        """Every promise is kept, and ledger and files agree."""
        if not (archive / NAME).exists():
            yield "the archive has no ledger"
            return
        for path in archive.glob("ledger[.-]damaged*"):
            yield f"damaged ledger: it was set aside as {path.name}"
        for finding in check.check(archive).findings:
            yield f"archive check: {finding}"
        with closing(sqlite3.connect(archive / NAME)) as ledger:
            ledger.row_factory = sqlite3.Row
            rows.show_sound(ledger)
            yield from _damage(ledger)
            yield from self._unkept(ledger, promises)
            yield from self._disagreements(ledger, archive)
            yield from self._miscounted(ledger)

    def _miscounted(self, ledger: sqlite3.Connection) -> Iterator[str]:
        """Every slot has one outcome, and as many were due as the schedules say."""
        account = completeness.of(_Readable(ledger))
        for device, counted in account.devices.items():
            self.counts["slots"] += counted.due
            if not counted.adds_up:
                yield f"slots that do not add up: {device}: {counted}"
        for row in ledger.execute(_TWICE):
            yield f"slot twice: {row['command']} at {row['slot_us']}"

    def _unkept(self, ledger: sqlite3.Connection, promises: Sequence[Promise]) -> Iterator[str]:
        jobs = {row["job"]: row for row in ledger.execute("SELECT job, command, outcome FROM jobs")}
        self.counts["jobs"] += len(jobs)
        for job in jobs.values():
            if job["outcome"] is None and job["command"] != index.COMMAND:  # of a new ledger
                yield f"job without an outcome: {job['job']} {job['command']}"
        for promise in promises:
            self.counts["promises"] += 1
            yield from _unkept(promise, jobs.get(promise.job))
        yield from self._lost_readings(ledger, promises)
        yield from self._lost_recordings(ledger, promises)

    def _lost_readings(
        self, ledger: sqlite3.Connection, promises: Sequence[Promise]
    ) -> Iterator[str]:
        kept = dict(map(tuple, ledger.execute("SELECT job, count(*) FROM readings GROUP BY job")))
        for promise in _done(promises, "readings"):
            self.counts["readings"] += len(promise.facts["readings"])
            if kept.get(promise.job, 0) < len(promise.facts["readings"]):
                yield f"lost readings: job {promise.job} has {kept.get(promise.job, 0)}"

    def _lost_recordings(
        self, ledger: sqlite3.Connection, promises: Sequence[Promise]
    ) -> Iterator[str]:
        """A file that its row knows is looked at with the others."""
        kept = {row["path"]: row for row in ledger.execute("SELECT * FROM recordings")}
        self.counts["deleted"] += sum(row["deleted_us"] is not None for row in kept.values())
        for promise in _done(promises, "recording"):
            row = kept.get(promise.facts["recording"])
            if row is None or row["job"] != promise.job:
                yield f"lost recording: job {promise.job} has none in the ledger"
            elif row["sha256"] != promise.facts["sha256"]:
                yield f"changed recording: job {promise.job} was told of another content"

    def _disagreements(self, ledger: sqlite3.Connection, archive: Path) -> Iterator[str]:
        rows = {row["path"]: row for row in ledger.execute(_KEPT)}
        files = {str(path.relative_to(archive)): path for path in final_files(archive)}
        for name in files.keys() - rows.keys():
            yield f"unknown file: {name} has no row in the ledger"
        for name in rows.keys() - files.keys():
            if rows[name]["deleting_us"] is None:
                yield f"missing file: {name} is in the ledger"
        for name in files.keys() & rows.keys():
            self.counts["files"] += 1
            yield from self._other_content(files[name], rows[name])
        for path in filter(is_temporary, _files(archive)):
            yield f"forgotten leftover: {path.name}"

    def _other_content(self, path: Path, row: Row) -> Iterator[str]:
        sha256, length = self._content(path)
        if path.stat().st_size != row["size"] or sha256 != row["sha256"]:
            yield f"changed file: {path.name} is not what the ledger says"
        elif isinstance(length, str):
            yield f"torn file: {path.name}: {length}"
        elif not _shortest(row) <= length <= _asked(row):
            yield f"short file: {path.name} has {length}, not {_asked(row)}"

    def _content(self, path: Path) -> tuple[str, Length]:
        sha256 = self._sha256(path)
        if sha256 not in self._lengths:
            try:
                self._lengths[sha256] = media.length(path)
            except ValueError as error:
                self._lengths[sha256] = str(error)
        return sha256, self._lengths[sha256]

    def _sha256(self, path: Path) -> str:
        found = path.stat()
        known_as = (path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if known_as not in self._hashes:
            self._hashes[known_as] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self._hashes[known_as]


_KEPT = """
SELECT path, size, sha256, deleting_us, recordings.device, recordings.facts, command, outcome
FROM recordings JOIN jobs USING (job) WHERE deleted_us IS NULL
"""


_TWICE = """
SELECT command, slot_us FROM jobs WHERE slot_us IS NOT NULL
GROUP BY command, slot_us HAVING count(*) > 1
"""


@dataclass(frozen=True)
class _Readable:
    """A ledger that questions are asked of."""

    db: sqlite3.Connection


def final_files(archive: Path) -> list[Path]:
    """Every file of the archive that bears the name of a whole recording."""
    return [path for path in _files(archive) if not is_temporary(path)]


def _files(archive: Path) -> list[Path]:
    top = archive / FOLDER
    days = [day for day in (os.scandir(top) if top.exists() else []) if day.is_dir()]
    return [Path(file.path) for day in days for file in os.scandir(day) if file.is_file()]


def _damage(ledger: sqlite3.Connection) -> Iterator[str]:
    for (said,) in ledger.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield f"damaged ledger: {said}"


def _unkept(promise: Promise, job: Row | None) -> Iterator[str]:
    if job is None or job["command"] != promise.command:
        yield f"lost job: {promise.job} {promise.command} was acknowledged"
    elif promise.outcome and job["outcome"] != promise.outcome:
        yield f"lost outcome: job {promise.job} was {promise.outcome}, and is {job['outcome']}"


def _done(promises: Sequence[Promise], fact: str) -> Iterator[Promise]:
    return (promise for promise in promises if promise.outcome == "done" and fact in promise.facts)


def _shortest(row: Row) -> int:
    """How much has to be in a recording: who ended one in its last moment got it as whole."""
    facts = json.loads(row["facts"])
    if "salvaged" in facts:
        return 0
    if facts.get("recovered"):
        return _asked(row)
    if row["outcome"] == "done":
        return _asked(row) - round(LAST_MOMENT * _rate(row["device"]))
    return 0


def _asked(row: Row) -> int:
    """How much the command, or the schedule, asked for."""
    verb, *words = row["command"].split()
    if verb == "snapshot":
        return 1
    planned = load.SOUND_SECONDS if _is_sound(row["device"]) else load.VIDEO_SECONDS
    return round(float(words[1] if len(words) > 1 else planned) * _rate(row["device"]))


def _rate(device: str) -> int:
    return load.SOUND_RATE if _is_sound(device) else load.FRAME_RATE


def _is_sound(device: str) -> bool:
    return device.startswith("microphone.")
