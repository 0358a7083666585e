"""Answers to queries, from the latest reports and the ledger. No work is done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from beemon import __version__
from beemon.base import clock, zone
from beemon.base import schedule as timing
from beemon.base.explanation import meanings
from beemon.base.moments import US_PER_DAY
from beemon.base.options import suggestion
from beemon.base.quoting import shown
from beemon.base.schedule import Schedule
from beemon.base.status import (
    DeviceStatus,
    ServiceState,
    ServiceStatus,
    TroubleStatus,
    UplinkStatus,
)
from beemon.base.values import value_class
from beemon.config.settings import Settings
from beemon.ledger.reader import ArchiveReader, SlowQueryError
from beemon.ledger.starts import Start
from beemon.protocol.commands import VOCABULARY, Request
from beemon.protocol.lines import ERRORS, RequestError
from beemon.protocol.replies import (
    Budget,
    CalibrationList,
    Completeness,
    DeviceConfig,
    Devices,
    EventList,
    Help,
    HelpOfWord,
    History,
    JobFacts,
    JobList,
    Piece,
    Pong,
    ReadingList,
    Reply,
    Version,
)
from beemon.protocol.reports import Heartbeat, Trouble
from beemon.retention import budget
from beemon.server.latest import LatestState
from beemon.server.restarts import Restarts
from beemon.storage import space

DEFAULT_JOBS = 20
MOST_JOBS = 1000
DEFAULT_EVENTS_US = 7 * US_PER_DAY
MOST_EVENTS = 1000
DEFAULT_HISTORY_US = US_PER_DAY
DEFAULT_COMPLETENESS_US = 30 * US_PER_DAY
STALE_SECONDS = 10.0
"""Age of the Orchestrator's heartbeat from which on it counts as hung."""

_NO_HEARTBEAT = Heartbeat(0.0)
_GLANCE_SECONDS = 1.0


class Queries:
    """Answers queries. ``settings`` is asked again each time, since a reload replaces them.

    ``reader`` raises :class:`RequestError` while there is none; ``shut`` says why the archive
    could not be opened yet, or None; ``starts`` are those of the service, the newest first.
    """

    def __init__(
        self,
        board: LatestState,
        settings: Callable[[], Settings],
        reader: Callable[[], ArchiveReader],
        shut: Callable[[], Trouble | None] = lambda: None,
        starts: Callable[[], Sequence[Start]] = tuple,
    ) -> None:
        self._board, self._settings, self._reader = board, settings, reader
        self._shut, self._starts = shut, starts
        self._started = clock.now().monotonic
        self._glanced: tuple[float, Machine | None] = (-_GLANCE_SECONDS, None)
        self._answers: dict[str, Callable[[Request], Reply]] = {
            "ping": lambda _: Pong(),
            "version": lambda _: self._version(),
            "help": self._help,
            "status": lambda _: self.status(),
            "devices": lambda _: self._devices(),
            "job": lambda request: self.job(request["JOB"]),
            "jobs": self._jobs,
            "readings": self._readings,
            "calibrations": self._calibrations,
            "events": self._events,
            **dict.fromkeys(("today", "why", "findings"), self._findings),
            "history": self._history,
            "completeness": self._completeness,
            "piece": self._piece,
            "budget": lambda _: self._budget(),
        }

    def answer(self, request: Request) -> Reply:
        """The reply to a query. Raises :class:`RequestError`, ``sqlite3.OperationalError``."""
        try:
            return self._answers[request.word.name](request)
        except SlowQueryError as error:
            raise RequestError("too-slow", str(error)) from error

    def job(self, number: int) -> JobFacts:
        """The ledger's record of a job. Raises :class:`RequestError` if there is none."""
        found = self._reader().job(number)
        if found is None:
            raise RequestError("unknown-job", f"the database holds no job {number}")
        return found

    def status(self) -> ServiceStatus:
        """The state of everything; works also when the Orchestrator hangs."""
        now, beat = clock.now().monotonic, self._board.heartbeat or _NO_HEARTBEAT
        restarts, machine, troubles = self._restarts(), self._machine(now), self._troubles()
        return ServiceStatus(
            state=self._state(troubles),
            hive=self._settings().hive.name,
            version=__version__,
            uptime_seconds=round(now - self._started, 1),
            heartbeat_age_seconds=None if beat is _NO_HEARTBEAT else round(now - beat.monotonic, 1),
            devices=beat.devices,
            running={str(job): text for job, text in beat.running.items()},
            waiting=beat.waiting,
            inspection=beat.inspection,
            power=beat.power,
            start=restarts.start,
            restarts_last_day=restarts.count,
            troubles=tuple(
                TroubleStatus(one.about, one.says, one.remedy) for one in troubles
            ),
            clock=machine.clock,
            zone=machine.zone,
            archive=machine.archive,
            free_bytes=machine.free_bytes,
            archive_trouble=machine.archive_trouble,
            uplink=machine.uplink,
        )

    def state(self) -> ServiceState:
        """``starting``, ``healthy``, ``degraded`` or ``hung``."""
        return self._state(self._troubles())

    def _state(self, troubles: Sequence[Trouble]) -> ServiceState:
        age, beat = self._board.heartbeat_age, self._board.heartbeat
        if age is None or beat is None:
            return "degraded" if self._shut() else "starting"
        if age > STALE_SECONDS:
            return "hung"
        if troubles or any(device.state.is_trouble for device in beat.devices.values()):
            return "degraded"
        return "starting" if any(map(_is_untried, beat.devices.values())) else "healthy"

    def sentence(self) -> str:
        """One sentence for `systemctl status`."""
        beat = self._board.heartbeat
        if beat is None:
            return f"Not at work: {shut.says}" if (shut := self._shut()) else "Starting"
        busy = [text for _, text in sorted(beat.running.items())]
        doing = f"At work: {'; '.join(busy[:3])}" if busy else "Waiting"
        ill = [
            f"{name} {device.state} ({device.trouble or 'no reason known'})"
            for name, device in beat.devices.items() if device.state.is_trouble
        ]
        count = len(beat.devices)
        known = "no trouble"
        if untried := sum(map(_is_untried, beat.devices.values())):
            known = f"{untried} not tried yet"
        health = "; ".join(ill) or f"{count} device{'s' if count != 1 else ''}, {known}"
        more = [trouble.says for trouble in self._troubles()]
        return ". ".join([doing, health, *more])

    def _machine(self, now: float) -> Machine:
        """The clock and the disk, looked at once a second at most, however often it is asked."""
        looked, seen = self._glanced
        if seen is None or now - looked >= _GLANCE_SECONDS:
            seen = _look_at_machine(self._settings())
            self._glanced = now, seen
        return seen

    def _troubles(self) -> list[Trouble]:
        """All that is wrong with the service; problems of a device are reported with the device."""
        found = self._board.troubles
        if self._board.heartbeat is None and (shut := self._shut()):
            found.append(shut)
        if restarted := self._restarts().trouble:
            found.append(restarted)
        return found

    def _restarts(self) -> Restarts:
        return Restarts(self._starts(), clock.stamp, clock.boot_id())

    def _version(self) -> Version:
        """Which beemon this is: of two that could answer, a client asks which one did."""
        settings = self._settings()
        path = settings.original or settings.source
        return Version(__version__, clock.boot_id(), str(path.absolute()) if path else None)

    def _devices(self) -> Devices:
        return Devices({
            name: DeviceConfig(str(device.table["driver"]), *_times(device.schedule))
            for name, device in self._settings().devices.items()
        })

    def _jobs(self, request: Request) -> JobList:
        count, begin_us = request["COUNT|SINCE"] or (DEFAULT_JOBS, None)
        return JobList(tuple(self._reader().jobs(min(count or MOST_JOBS, MOST_JOBS), begin_us)))

    def _readings(self, request: Request) -> ReadingList:
        wanted: Collection[str] = request["SENSOR"] or self._settings().devices
        return ReadingList(tuple(r for r in self._reader().latest() if r.sensor in wanted))

    def _calibrations(self, request: Request) -> CalibrationList:
        return CalibrationList(tuple(self._reader().calibrations(request["SENSOR"])))

    def _events(self, request: Request) -> EventList:
        begin_us = request["SINCE"] or _ago(DEFAULT_EVENTS_US)
        found = self._reader().events(begin_us, MOST_EVENTS, request["KIND"])
        if found or not request["KIND"]:
            return EventList(tuple(found))
        return EventList((), tuple(self._reader().event_kinds()))

    def _findings(self, request: Request) -> Reply:
        from beemon.server import findings  # no start waits for it

        return findings.answer(self._reader(), request)

    def _history(self, request: Request) -> History:
        device, quantity, since = request["DEVICE"], request["QUANTITY"], request["SINCE"]
        told = self._reader().history(device, quantity, since or _ago(DEFAULT_HISTORY_US))
        if told is None:
            known, devices = self._reader().quantities(device), self._settings().devices
            if not known and device not in devices:
                near = suggestion(device, devices)
                raise RequestError("unknown-device", f'no device "{shown(device)}"{near}')
            raise RequestError(
                "bad-argument",
                f'{device} never measured "{shown(quantity)}"{suggestion(quantity, known)}',
            )
        return told

    def _completeness(self, request: Request) -> Completeness:
        return self._reader().completeness(request["SINCE"] or _ago(DEFAULT_COMPLETENESS_US))

    def _budget(self) -> Budget:
        settings = self._settings()
        try:
            found = space.measure_space(settings.archive_path)
        except OSError as error:
            raise RequestError("no-ledger", f"the archive: {error.strerror}") from error
        return budget.reckon(
            self._board.planned, self._reader().usage(), found, settings.retention
        )

    def _piece(self, request: Request) -> Piece:
        from beemon.server.pieces import cut_piece  # few runs of the service send any

        archive = self._settings().archive_path
        return cut_piece(self._reader(), archive, request["JOB"], request["OFFSET"])

    def _help(self, request: Request) -> Help | HelpOfWord:
        if request["WORD"]:
            word = VOCABULARY[request["WORD"]]
            return HelpOfWord(word.usage, word.summary)
        return Help(
            commands={w.usage: w.summary for w in VOCABULARY.values() if w.is_command},
            queries={w.usage: w.summary for w in VOCABULARY.values() if not w.is_command},
            errors=meanings(ERRORS),
        )


def _times(schedule: Schedule | None) -> tuple[float | None, float | None]:
    """The interval of a schedule, and the time until its next slot, in seconds."""
    if schedule is None:
        return None, None
    now = datetime.now(UTC)
    slot = timing.next_slot(schedule, now, zone.local())
    return schedule.interval, round((slot - now).total_seconds(), 1) if slot else None


def _is_untried(device: DeviceStatus) -> bool:
    """Whether it is still unknown if the device works."""
    return device.last_good_age_seconds is None


@value_class
class Machine:
    """The state of the clock and the disk."""

    clock: str
    zone: str
    archive: str
    free_bytes: int | None = None
    archive_trouble: str | None = None
    uplink: UplinkStatus | None = None


def _look_at_machine(settings: Settings) -> Machine:
    archive = settings.archive_path
    uplink = _read_report(settings) if settings.uplink else None
    found = Machine(clock.quality().value, str(zone.local()), str(archive), uplink=uplink)
    try:
        return replace(found, free_bytes=shutil.disk_usage(archive).free)
    except OSError as error:
        return replace(found, archive_trouble=error.strerror)


def _read_report(settings: Settings) -> UplinkStatus | None:
    from beemon.server.uplink_report import read_report  # most hives have no uplink

    return read_report(settings.archive_path, settings.uplink)


def _ago(span_us: int) -> int:
    return clock.now().utc_us - span_us
