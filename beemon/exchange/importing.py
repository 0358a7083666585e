"""Import: add the files of another hive monitor to the archive, without inventing anything.

The only layout so far is AppMAIS (:mod:`beemon.exchange.appmais`). Each file is entered once, even
if it is imported repeatedly. The user must supply the facts that a file does not contain: its time
zone, a raw stream's frame rate, the unit of a weight. Without them nothing is imported.
"""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, tzinfo
from fractions import Fraction
from functools import partial
from pathlib import Path

from beemon.base import defects, outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.moments import US_PER_SECOND, iso
from beemon.base.names import IMPORT
from beemon.base.progress import Progress
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.checks.examine import examine
from beemon.checks.findings import Examination
from beemon.exchange import appmais, daily
from beemon.exchange.appmais import Name
from beemon.exchange.daily import Column, Line
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger import tree
from beemon.ledger.ledger import Ledger
from beemon.ledger.session import ArchiveSession
from beemon.ledger.tree import File
from beemon.media import flac, tags
from beemon.media.convert import UnconvertibleError, h264_to_mp4, sound_to_flac
from beemon.media.measure import measure
from beemon.media.tags import Tags
from beemon.storage import files
from beemon.storage.files import Place

log = logging.getLogger(__name__)

NAN = "not-a-number"
"""The reason of a reading that was written as ``nan``."""

_ENDINGS = {".wav": ".flac", ".flac": ".flac", ".h264": ".mp4", ".mp4": ".mp4"}
"""The new ending of a file with this ending."""
_KINDS = {".flac": "microphone", ".mp4": "camera"}
_WORK = ".import."
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""After these no other file can be taken either."""
_FORESEEN = defects.of_kind(sqlite3.Error, OSError, ValueError)


@dataclass(frozen=True)
class _Brought:
    """A converted file, the start of its recording (microseconds since 1970), its source, and its
    facts."""

    start_us: int
    source: str
    facts: RecordingFacts


class MissingFactError(ValueError):
    """Something that only the user can know was not said."""


@dataclass(frozen=True)
class Source:
    """A folder to import, and what only the user knows of it.

    ``hosts`` are those whose files are taken, all of one hive; none: the files' one host.
    """

    folder: Path
    zone: tzinfo
    frame_rate: Fraction | None = None
    columns: Mapping[str, Sequence[Column]] = field(default_factory=dict)
    hosts: Collection[str] = frozenset()

    def takes(self, file: File) -> bool:
        """Whether the file is of a host that was asked for; one without a host is of any."""
        return not self.hosts or file.host is None or file.host in self.hosts

    def columns_of(self, sensor: str) -> Sequence[Column] | None:
        """The meaning of the columns in a sensor's folder, if it is known."""
        known = daily.columns(daily.KNOWN[sensor]) if sensor in daily.KNOWN else None
        return self.columns.get(sensor, known)


@dataclass
class Counts:
    """The result of an import; ``problems`` are sentences, each about a file or a line.

    ``failed`` recordings did not pass their content check, and are kept as evidence only.
    """

    recordings: int = 0
    failed: int = 0
    readings: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def import_appmais(archive: Path, source: Source, progress: Progress | None = None) -> Counts:
    """Take a folder into the archive, whose service must be stopped.

    Raises :class:`MissingFactError` before anything is done,
    :class:`~beemon.storage.lock.ArchiveBusyError` while a service runs, ``OSError``, and
    :class:`~beemon.base.progress.StoppedError`; then it may be repeated.
    """
    if not source.folder.is_dir():
        raise FileNotFoundError(f"there is no folder {source.folder}")
    found = list(tree.files(source.folder))
    counts = Counts(problems=[one for one in found if isinstance(one, str)])
    taken = [one for one in found if isinstance(one, File) and source.takes(one)]
    refuse_unknown(source, taken)
    with closing(ArchiveSession(archive)) as register:
        register.open()
        try:
            with closing(Ledger(archive, register.run_number)) as ledger, _work(archive) as work:
                _refuse_other_hive(source, ledger, taken)
                _Import(ledger, source, work, counts).take(taken, progress or Progress())
        except sqlite3.Error as error:
            raise OSError(f"the database cannot be written: {error}") from error
    return counts


def refuse_unknown(source: Source, taken: Sequence[File]) -> None:
    """Raise :class:`MissingFactError` where the user has to say more."""
    _refuse_hosts(source, {file.host for file in taken if file.host})
    for file in taken:
        if file.ending == ".h264" and source.frame_rate is None:
            raise MissingFactError(
                "a raw .h264 stream contains no times; give the camera's frames per second with "
                "--frame-rate (a guess would make every measured speed wrong)"
            )
        if file.ending == ".csv" and source.columns_of(file.sensor) is None:
            raise MissingFactError(
                f'name the columns in the folder "{file.sensor}", for example '
                f"--columns {file.sensor}=weight:lb"
            )


def _refuse_hosts(source: Source, hosts: set[str]) -> None:
    if len(hosts) > 1 and not source.hosts:
        options = " ".join(f"--host {host}" for host in sorted(hosts))
        raise MissingFactError(
            f"the files are of {len(hosts)} hosts: {', '.join(sorted(hosts))}. Import each hive "
            f"into an archive of its own, with --host {min(hosts)} and --path DIR; if the hive's "
            f"host was renamed, use {options}"
        )


def _refuse_other_hive(source: Source, ledger: Ledger, taken: Sequence[File]) -> None:
    """An archive is of one hive: under one name two hives' readings would be one series."""
    rows = ledger.db.execute(
        "SELECT DISTINCT substr(command, instr(command, '/') + 1,"
        " instr(command, '@') - instr(command, '/') - 1) FROM jobs"
        " WHERE origin = ? AND instr(command, '@')", (IMPORT,),
    )
    before, now = {host for (host,) in rows}, {file.host for file in taken if file.host}
    if now and (others := before - now - set(source.hosts)):
        options = " ".join(f"--host {host}" for host in sorted(before | now))
        raise MissingFactError(
            f"the archive {ledger.archive} holds an import from another host, "
            f"{', '.join(sorted(others))}: name another archive with --path DIR; if the hive's "
            f"host was renamed, use {options}"
        )


@contextmanager
def _work(archive: Path) -> Iterator[Path]:
    """A folder for files that are being converted; the remains of a killed import are deleted
    first."""
    for left in archive.glob(f"{_WORK}*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix=_WORK, dir=archive))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Import:
    """One import. A file is known again by its sensor's folder and its name."""

    def __init__(self, ledger: Ledger, source: Source, work: Path, counts: Counts) -> None:
        self._ledger = ledger
        self._source = source
        self._work = work
        self._counts = counts
        self._known = {
            said for (said,) in ledger.db.execute(
                "SELECT CASE WHEN json_valid(facts) THEN json_extract(facts, '$.source') END"
                " FROM sound_recordings"
            )
        }

    def take(self, taken: Sequence[File], progress: Progress) -> None:
        """Take file after file."""
        for number, file in enumerate(taken):
            progress.tell("files imported", number, len(taken))
            self._take(file)

    def _take(self, file: File) -> None:
        """Import one file; a problem is reported and does not prevent the import of others."""
        try:
            defects.contain(
                partial(self._enter, file), partial(self._tell_unreadable, file), _FORESEEN
            )
        except OSError as error:
            if error.errno in _DISK_ERRORS:
                raise
            self._tell(file, error.strerror or str(error))
        except ValueError as error:
            self._tell(file, error)

    def _enter(self, file: File) -> None:
        if file.ending == ".csv":
            self._take_day(file)
        elif file.ending in _ENDINGS:
            self._take_recording(file)
        else:
            raise ValueError("beemon does not know this kind of file")

    def _tell_unreadable(self, file: File, error: Exception) -> None:
        """Report that a library has a defect over a file, which may hold any bytes."""
        log.warning("%s", tree.problem(file.path, "it cannot be read"), exc_info=True)
        self._tell(file, f"it cannot be read: {type(error).__name__}: {error}")

    def _tell(self, file: File, says: object) -> None:
        self._counts.problems.append(tree.problem(file.path, says))

    # Recordings

    def _take_recording(self, file: File) -> None:
        name = appmais.parse_name(file.path.name)
        if name is None:
            raise ValueError("its name contains no time")
        if file.source in self._known:
            self._counts.known += 1
        elif not file.path.stat().st_size:
            raise ValueError("it is empty")
        else:
            self._convert(file, name)
            self._counts.recordings += 1

    def _convert(self, file: File, name: Name) -> None:
        ending = _ENDINGS[name.ending]
        written = self._work / f"new{ending}"
        written.unlink(missing_ok=True)
        brought = self._written(file, written, name)
        found = examine(written, brought.facts)
        self._counts.failed += bool(found.failures)
        self._keep(f"{_KINDS[ending]}.{file.sensor}", written, name.host, brought, found)

    def _written(self, file: File, written: Path, name: Name) -> _Brought:
        """Write a file as it is kept here; return what is known of it."""
        start_us, is_ambiguous = utc_us(name.day, name.time, self._source.zone, again=name.again)
        facts = RecordingFacts(
            start_us, clock=Quality.IMPORTED, source=file.source,
            source_sha256=files.digest(file.path)[1], ambiguous_time=is_ambiguous or None,
        )
        if written.suffix == ".flac":
            facts = facts.and_then(sound_to_flac(file.path, written))
        elif name.ending == ".h264":
            assert self._source.frame_rate is not None
            h264_to_mp4(file.path, written, self._source.frame_rate)
            facts = replace(facts, frame_rate=float(self._source.frame_rate))
        else:
            shutil.copyfile(file.path, written)
        facts = measure(written).and_then(facts)
        if written.suffix == ".mp4" and facts.frames is None:
            raise UnconvertibleError("it is not an MP4 file")
        _refuse_untaggable(written, name.host)
        return _Brought(start_us, file.source, facts)

    def _keep(
        self, device: str, written: Path, host: str, brought: _Brought, found: Examination
    ) -> None:
        """As the service keeps a recording, so that a power cut finds the same."""
        ledger = self._ledger
        place = files.find_place(
            ledger.archive, host, device, written.suffix, brought.start_us,
            lambda path: catalog.find(ledger.db, ledger.relative(path)) is not None,
        )
        with self._job(brought.source, device, place) as job:
            tags.write(written, _tags(host, device, job, brought.facts, found))
            written.rename(place.temporary)
            size, sha256 = files.keep_file(place)
            with ledger.transaction():
                catalog.enter(ledger, job, device, place.final,
                              replace(found.judged(brought.facts), size=size, sha256=sha256))
                at = Stamp(brought.start_us, 0.0, Quality.IMPORTED)
                series.keep_belated(ledger, job, found.readings(device, at))
                first = iso(brought.start_us)
                ledger.end(job, outcomes.done(recording=ledger.relative(place.final), first=first))

    @contextmanager
    def _job(self, source: str, device: str, place: Place) -> Iterator[int]:
        """A job that ends, whatever happens in it."""
        ledger = self._ledger
        with ledger.transaction():
            job = ledger.accept(f"import {source}", IMPORT)
            ledger.begin(job, device, place)
        try:
            yield job
        except BaseException as error:
            place.temporary.unlink(missing_ok=True)
            ending = outcomes.failed("archive-error", tree.printable(str(error)))
            if isinstance(error, KeyboardInterrupt):
                ending = outcomes.interrupted("cancelled")
            with ledger.transaction():
                ledger.end(job, ending)
            raise

    # Readings

    def _take_day(self, file: File) -> None:
        """Enter a day's readings, all that can be read or none."""
        if (named := appmais.parse_day(file.path.name)) not in (None, file.day):
            raise ValueError(f"its name says {named}, but its folder {file.day}")
        columns = self._source.columns_of(file.sensor) or ()
        day = LocalDay(file.day, self._source.zone)
        found = list(self._readings(file, columns, day))
        new = [reading for reading in found if not self._is_known(reading)]
        self._counts.known += len(found) - len(new)
        self._counts.readings += len(new)
        if new:
            with self._ledger.transaction():
                job = self._ledger.accept(f"import {file.source}", IMPORT)
                series.keep_belated(self._ledger, job, new)
                times = [one.at.utc_us for one in new]
                first, last = iso(min(times)), iso(max(times))
                self._ledger.end(job, outcomes.done(count=len(new), first=first, last=last))

    def _readings(
        self, file: File, columns: Sequence[Column], day: LocalDay
    ) -> Iterator[Reading]:
        for line in daily.read(file.path, columns):
            at = line if isinstance(line, str) else day.stamp(line)
            if isinstance(line, Line) and isinstance(at, Stamp):
                yield from _of_line(f"sensor.{file.sensor}", line, columns, at)
            else:
                path = tree.printable(str(file.path))
                self._counts.problems.append(f"{path}, {tree.printable(str(at))}")

    def _is_known(self, reading: Reading) -> bool:
        row = self._ledger.db.execute(
            "SELECT 1 FROM readings JOIN series USING (series)"
            " WHERE utc_us = ? AND sensor = ? AND quantity = ?",
            (reading.at.utc_us, reading.sensor, reading.quantity),
        ).fetchone()
        return row is not None


def _of_line(
    sensor: str, line: Line, columns: Sequence[Column], at: Stamp
) -> Iterator[Reading]:
    for column, written in zip(columns, line.values, strict=False):
        if written is None:
            yield Reading(sensor, column.quantity, column.unit, None, NAN, at)
        else:
            value, raw = column.value(written)
            yield Reading(sensor, column.quantity, column.unit, value, None, at, raw=raw)


class LocalDay:
    """The local times of a day, in the order of a file.

    Of an hour that comes twice in autumn, the second one begins where the times go back.
    """

    def __init__(self, day: date, zone: tzinfo) -> None:
        self._day, self._zone = day, zone
        self._before: time | None = None
        self._again = False

    def stamp(self, line: Line) -> Stamp | str:
        """A line's moment, or why there is no such moment."""
        goes_back = self._before is not None and line.moment < self._before
        self._before = line.moment
        self._again = self._again or goes_back
        try:
            at_us, is_ambiguous = utc_us(self._day, line.moment, self._zone, again=self._again)
        except ValueError as error:
            return f"line {line.number}: {error}"
        self._again = self._again and is_ambiguous
        return Stamp(at_us, 0.0, Quality.IMPORTED)


def utc_us(day: date, moment: time, zone: tzinfo, *, again: bool = False) -> tuple[int, bool]:
    """A local time as UTC, and whether it is not clear: an hour of the autumn comes twice.

    ``again``: then the second of the two is meant. Microseconds since 1970. Raises ``ValueError``
    for a time of the hour that is left out in spring.
    """
    local = datetime.combine(day, moment, zone).replace(fold=int(again))
    utc = local.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(f"{moment} does not exist on {day} in {zone}: clocks are set forward then")
    is_ambiguous = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return round(utc.timestamp()) * US_PER_SECOND, is_ambiguous


def _refuse_untaggable(written: Path, host: str) -> None:
    """Raise :class:`UnconvertibleError` before a job is begun over such a file.

    A FLAC file whose own comments are torn gets new ones.
    """
    try:
        tags.write(written, Tags(host, "", 0))
    except tags.BadTagsError as error:
        if written.suffix != ".flac":
            said = f"it cannot be tagged: {error.__cause__ or error}"
            raise UnconvertibleError(said) from error
        flac.strip(written)
        tags.write(written, Tags(host, "", 0))


def _tags(host: str, device: str, job: int, facts: RecordingFacts, found: Examination) -> Tags:
    return Tags(
        host, device, job, clock=Quality.IMPORTED,
        verdict=tags.FAILED if found.failures else tags.GOOD,
        findings=tuple(map(str, found.findings)),
        facts=replace(facts, clock=None),
    )
