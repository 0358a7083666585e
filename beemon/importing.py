"""Import: what another hive monitor kept becomes part of the archive, with nothing made up.

So far that is a folder as AppMAIS has it (:mod:`beemon.archive.appmais`). Each file is entered
once, however often it is imported. What a file cannot say (the zone of its local times, a raw
stream's frame rate, the unit of a weight) the user says, or nothing is imported.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any

from beemon import outcomes
from beemon.analysis import checks
from beemon.analysis.convert import UnconvertibleError, h264_to_mp4, wav_to_flac
from beemon.analysis.measure import UnmeasurableError, measure
from beemon.archive import appmais, catalog, daily, recordings, series, tags
from beemon.archive.appmais import Name
from beemon.archive.daily import Column, Line
from beemon.archive.ledger import Ledger
from beemon.archive.register import Register
from beemon.archive.tags import Tags
from beemon.clock import Quality, Stamp
from beemon.readings import Reading

NAN = "not-a-number"
"""The reason of a reading that was written as ``nan``."""

_ENDINGS = {".wav": ".flac", ".flac": ".flac", ".h264": ".mp4", ".mp4": ".mp4"}
"""What a file of this ending becomes."""
_KINDS = {".flac": "microphone", ".mp4": "camera"}
_WORK = ".import."

Facts = dict[str, Any]


class MissingFactError(ValueError):
    """Something that only the user can know was not said."""


@dataclass(frozen=True)
class Source:
    """A folder to import, and what only the user knows of it."""

    folder: Path
    zone: tzinfo
    frame_rate: Fraction | None = None
    columns: Mapping[str, Sequence[Column]] = field(default_factory=dict)

    def columns_of(self, sensor: str) -> Sequence[Column] | None:
        """What the columns in a sensor's folder are, if anyone knows."""
        known = daily.columns(daily.KNOWN[sensor]) if sensor in daily.KNOWN else None
        return self.columns.get(sensor, known)


@dataclass
class Counts:
    """What an import did; ``problems`` are sentences, each about a file or a line of one.

    ``failed`` of the recordings did not pass their content check, and count as evidence only.
    """

    recordings: int = 0
    failed: int = 0
    readings: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def import_appmais(archive: Path, source: Source) -> Counts:
    """Take a folder into the archive, whose service must be stopped.

    Raises :class:`MissingFactError` before anything is done,
    :class:`~beemon.archive.lock.ArchiveBusyError` while a service runs, and ``OSError``.
    """
    refuse_unknown(source)
    with closing(Register(archive)) as register:
        register.open()
        try:
            with closing(Ledger(archive, register.run_number)) as ledger, _work(archive) as work:
                return _Import(ledger, source, work).run()
        except sqlite3.Error as error:
            raise OSError(f"the ledger cannot be written: {error}") from error


def refuse_unknown(source: Source) -> None:
    """Raise :class:`MissingFactError` where the user has to say more, ``OSError`` for no folder."""
    if not source.folder.is_dir():
        raise FileNotFoundError(f"there is no folder {source.folder}")
    for path, sensor in _files(source.folder):
        if path.suffix.lower() == ".h264" and source.frame_rate is None:
            raise MissingFactError(
                "a raw .h264 stream has no times in it: say with --frame-rate how many frames a "
                "second the camera made (a guess would make every speed measured on it wrong)"
            )
        if path.suffix.lower() == ".csv" and source.columns_of(sensor) is None:
            raise MissingFactError(
                f'say what the columns in the folder "{sensor}" are, for example '
                f"--columns {sensor}=weight:lb"
            )


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files ``<sensor>/<day>/<name>`` in the order of their names, each with its sensor."""
    for path in sorted(folder.glob("*/????-??-??/*")):
        if path.is_file():
            yield path, path.parent.parent.name


@contextmanager
def _work(archive: Path) -> Iterator[Path]:
    """A folder for files that are being converted; what a killed import left in one goes first."""
    for left in archive.glob(f"{_WORK}*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix=_WORK, dir=archive))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Import:
    """One import. A file is known again by its sensor's folder and its name."""

    def __init__(self, ledger: Ledger, source: Source, work: Path) -> None:
        self._ledger = ledger
        self._source = source
        self._work = work
        self._counts = Counts()
        self._known = {
            said for (said,) in ledger.db.execute(
                "SELECT json_extract(facts, '$.source') FROM recordings"
            )
        }

    def run(self) -> Counts:
        """Take file after file."""
        for path, sensor in _files(self._source.folder):
            ending = path.suffix.lower()
            if ending == ".csv":
                self._take_day(sensor, path)
            elif ending in _ENDINGS:
                self._take_recording(sensor, path)
            else:
                self._counts.problems.append(f"{path}: nothing is known of such files")
        return self._counts

    # Recordings

    def _take_recording(self, sensor: str, path: Path) -> None:
        name = appmais.parse_name(path.name)
        if name is None:
            self._counts.problems.append(f"{path}: its name does not say when it was made")
        elif f"{sensor}/{path.name}" in self._known:
            self._counts.known += 1
        else:
            try:
                self._convert(sensor, path, name)
            except (UnconvertibleError, UnmeasurableError, tags.BadTagsError) as error:
                self._counts.problems.append(f"{path}: {error}")
            else:
                self._counts.recordings += 1

    def _convert(self, sensor: str, path: Path, name: Name) -> None:
        ending = _ENDINGS[name.ending]
        written = self._work / f"new{ending}"
        written.unlink(missing_ok=True)
        facts = self._written(path, written, name)
        facts["source"] = f"{sensor}/{path.name}"
        found = checks.examine(written, facts)
        facts |= found.verdict
        self._counts.failed += bool(found.failures)
        self._keep(f"{_KINDS[ending]}.{sensor}", written, name.host, facts)

    def _written(self, path: Path, written: Path, name: Name) -> Facts:
        """Write a file as it is kept here; return what is known of it."""
        start_us, is_ambiguous = utc_us(name.day, name.time, self._source.zone)
        facts: Facts = {"start_utc_us": start_us, "clock": Quality.IMPORTED,
                        "source_sha256": recordings.digest(path)[1]}
        if is_ambiguous:
            facts["ambiguous_time"] = True
        if name.ending == ".wav":
            wav_to_flac(path, written)
        elif name.ending == ".h264":
            assert self._source.frame_rate is not None
            h264_to_mp4(path, written, self._source.frame_rate)
            facts["frame_rate"] = float(self._source.frame_rate)
        else:
            shutil.copyfile(path, written)
        return {**facts, **measure(written)}

    def _keep(self, device: str, written: Path, host: str, facts: Facts) -> None:
        """As the service keeps a recording, so that a power cut finds the same."""
        ledger = self._ledger
        place = recordings.place(
            ledger.archive, host, device, written.suffix, facts["start_utc_us"],
            lambda path: catalog.find(ledger.db, ledger.relative(path)) is not None,
        )
        with ledger.transaction():
            job = ledger.accept(f"import {facts['source']}", "import")
            ledger.begin(job, device, place)
        tags.write(written, _tags(host, device, job, facts))
        written.rename(place.temporary)
        size, sha256 = recordings.keep(place)
        with ledger.transaction():
            catalog.enter(ledger, job, device, place.final,
                          {**facts, "size": size, "sha256": sha256})
            ledger.end(job, outcomes.done(recording=ledger.relative(place.final)))

    # Readings

    def _take_day(self, sensor: str, path: Path) -> None:
        """Enter a day's readings, all or none."""
        columns = self._source.columns_of(sensor) or ()
        day = date.fromisoformat(path.parent.name)
        found = [
            reading for line in self._lines(path, columns)
            for reading in _readings(f"sensor.{sensor}", line, columns, day, self._source.zone)
        ]
        new = [reading for reading in found if not self._is_known(reading)]
        self._counts.known += len(found) - len(new)
        self._counts.readings += len(new)
        if new:
            with self._ledger.transaction():
                job = self._ledger.accept(f"import {sensor}/{path.name}", "import")
                series.keep_belated(self._ledger, job, new)
                self._ledger.end(job, outcomes.done(count=len(new)))

    def _lines(self, path: Path, columns: Sequence[Column]) -> Iterator[Line]:
        for line in daily.read(path, columns):
            if isinstance(line, Line):
                yield line
            else:
                self._counts.problems.append(line)

    def _is_known(self, reading: Reading) -> bool:
        row = self._ledger.db.execute(
            "SELECT 1 FROM readings JOIN series USING (series)"
            " WHERE utc_us = ? AND sensor = ? AND quantity = ?",
            (reading.at.utc_us, reading.sensor, reading.quantity),
        ).fetchone()
        return row is not None


def _readings(
    sensor: str, line: Line, columns: Sequence[Column], day: date, zone: tzinfo
) -> Iterator[Reading]:
    at = Stamp(utc_us(day, line.moment, zone)[0], 0.0, Quality.IMPORTED)
    for column, written in zip(columns, line.values, strict=False):
        if written is None:
            yield Reading(sensor, column.quantity, column.unit, None, NAN, at)
        else:
            value, raw = column.value(written)
            yield Reading(sensor, column.quantity, column.unit, value, None, at, raw=raw)


def utc_us(day: date, moment: time, zone: tzinfo) -> tuple[int, bool]:
    """A local time as UTC, and whether it is not clear: an hour of the autumn comes twice.

    Then the first of the two is taken. Microseconds since 1970.
    """
    local = datetime.combine(day, moment, zone)
    is_ambiguous = local.utcoffset() != local.replace(fold=1).utcoffset()
    return round(local.astimezone(UTC).timestamp()) * 1_000_000, is_ambiguous


def _tags(host: str, device: str, job: int, facts: Facts) -> Tags:
    rest = {k: v for k, v in facts.items() if k not in ("clock", "verdict", "findings")}
    return Tags(
        host, device, job, clock=facts["clock"], verdict=facts.get("verdict", tags.GOOD),
        findings=tuple(facts.get("findings", ())), facts=rest,
    )
