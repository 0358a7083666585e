"""Answers to queries, from the latest reports and the ledger. No work is done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from beemon import __version__
from beemon.base import clock, zone
from beemon.base.explanation import meanings
from beemon.base.facts import to_json
from beemon.base.moments import span_us, to_microseconds
from beemon.base.options import suggestion
from beemon.base.reports import Trouble
from beemon.base.status import DeviceStatus
from beemon.config.settings import Settings
from beemon.ledger.reader import ArchiveReader
from beemon.ledger.starts import Start
from beemon.protocol.commands import VOCABULARY, Request, shown
from beemon.protocol.lines import ERRORS, RequestError
from beemon.retention import budget
from beemon.server.latest import LatestState
from beemon.server.restarts import Restarts
from beemon.storage import space

DEFAULT_JOBS = 20
MOST_JOBS = 1000
DEFAULT_EVENTS = timedelta(days=7)
MOST_EVENTS = 1000
DEFAULT_HISTORY = timedelta(days=1)
DEFAULT_COMPLETENESS = timedelta(days=30)
STALE_SECONDS = 10.0
"""Age of the Orchestrator's heartbeat from which on it counts as hung."""

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
        self._board = board
        self._settings = settings
        self._reader = reader
        self._shut = shut
        self._starts = starts
        self._started = clock.now().monotonic
        self._glanced: tuple[float, dict[str, Any]] = (-_GLANCE_SECONDS, {})
        self._answers: dict[str, Callable[[Request], dict[str, Any]]] = {
            "ping": lambda _: {"pong": True},
            "version": lambda _: self._version(),
            "help": self._help,
            "status": lambda _: self.status(),
            "devices": lambda _: self._devices(),
            "job": lambda request: self.job(request["JOB"]),
            "jobs": self._jobs,
            "readings": self._readings,
            "calibrations": self._calibrations,
            "events": self._events,
            "history": self._history,
            "completeness": self._completeness,
            "budget": lambda _: self._budget(),
        }

    def answer(self, request: Request) -> dict[str, Any]:
        """The answer's object. Raises :class:`RequestError`, ``sqlite3.OperationalError``."""
        return self._answers[request.word.name](request)

    def job(self, number: int) -> dict[str, Any]:
        """The ledger's record of a job. Raises :class:`RequestError` if there is none."""
        found = self._reader().job(number)
        if found is None:
            raise RequestError("unknown-job", f"the database holds no job {number}")
        return found

    def status(self) -> dict[str, Any]:
        """The state of everything; works also when the Orchestrator hangs."""
        settings, now = self._settings(), clock.now().monotonic
        beat = self._board.heartbeat
        status: dict[str, Any] = {
            "state": self.state(),
            "hive": settings.hive.name,
            "version": __version__,
            "uptime_seconds": round(now - self._started, 1),
            "heartbeat_age_seconds": round(now - beat.monotonic, 1) if beat else None,
            "devices": {name: to_json(d) for name, d in beat.devices.items()} if beat else {},
            "running": {str(job): text for job, text in beat.running.items()} if beat else {},
            "waiting": beat.waiting if beat else 0,
            **({"inspection": to_json(beat.inspection)} if beat and beat.inspection else {}),
            **self._restarts().describe(),
        }
        troubles = [asdict(trouble) for trouble in self._troubles()]
        return {**status, "troubles": troubles, **self._machine(settings, now)}

    def state(self) -> str:
        """``starting``, ``healthy``, ``degraded`` or ``hung``."""
        age, beat = self._board.heartbeat_age, self._board.heartbeat
        if age is None or beat is None:
            return "degraded" if self._shut() else "starting"
        if age > STALE_SECONDS:
            return "hung"
        if self._troubles() or any(device.state.is_trouble for device in beat.devices.values()):
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

    def _machine(self, settings: Settings, now: float) -> dict[str, Any]:
        """The clock and the disk, looked at once a second at most, however often it is asked."""
        looked, seen = self._glanced
        if now - looked >= _GLANCE_SECONDS:
            seen = {
                "clock": clock.quality().value, "zone": str(zone.local()), **_disk(settings)
            }
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
        return Restarts(self._starts(), clock.stamp(), clock.boot_id())

    def _version(self) -> dict[str, Any]:
        """Which beemon this is: of two that could answer, a client asks which one did."""
        settings = self._settings()
        path = settings.original or settings.source
        told = {"config": str(path.absolute())} if path else {}
        return {"version": __version__, "boot_id": clock.boot_id(), **told}

    def _devices(self) -> dict[str, Any]:
        return {
            "devices": {
                name: {
                    "driver": device.table.get("driver"),
                    **({"interval_seconds": device.schedule.interval} if device.schedule else {}),
                }
                for name, device in self._settings().devices.items()
            }
        }

    def _jobs(self, request: Request) -> dict[str, Any]:
        return {"jobs": self._reader().jobs(min(request["COUNT"] or DEFAULT_JOBS, MOST_JOBS))}

    def _readings(self, request: Request) -> dict[str, Any]:
        wanted: Collection[str] = request["SENSOR"] or self._settings().devices
        return {"readings": [r for r in self._reader().latest() if r["sensor"] in wanted]}

    def _calibrations(self, request: Request) -> dict[str, Any]:
        return {"calibrations": self._reader().calibrations(request["SENSOR"])}

    def _events(self, request: Request) -> dict[str, Any]:
        begin_us = _begin_us(request["SINCE"] or DEFAULT_EVENTS)
        found = self._reader().events(begin_us, MOST_EVENTS, request["KIND"])
        if found or not request["KIND"]:
            return {"events": found}
        return {"events": [], "kinds": self._reader().event_kinds()}

    def _history(self, request: Request) -> dict[str, Any]:
        device, quantity, since = request["DEVICE"], request["QUANTITY"], request["SINCE"]
        told = self._reader().history(device, quantity, _begin_us(since or DEFAULT_HISTORY))
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

    def _completeness(self, request: Request) -> dict[str, Any]:
        return self._reader().completeness(_begin_us(request["SINCE"] or DEFAULT_COMPLETENESS))

    def _budget(self) -> dict[str, Any]:
        settings = self._settings()
        try:
            found = space.measure_space(settings.archive_path)
        except OSError as error:
            raise RequestError("no-ledger", f"the archive: {error.strerror}") from error
        return to_json(budget.reckon(
            self._board.planned, self._reader().usage(), found, settings.retention
        ))

    def _help(self, request: Request) -> dict[str, Any]:
        if request["WORD"]:
            word = VOCABULARY[request["WORD"]]
            return {"usage": word.usage, "summary": word.summary}
        return {
            "commands": {w.usage: w.summary for w in VOCABULARY.values() if w.is_command},
            "queries": {w.usage: w.summary for w in VOCABULARY.values() if not w.is_command},
            "errors": meanings(ERRORS),
        }


def _is_untried(device: DeviceStatus) -> bool:
    """Whether it is still unknown if the device works."""
    return device.last_good_age_seconds is None


def _begin_us(since: datetime | timedelta) -> int:
    """A moment, or so long before this one, in microseconds since 1970."""
    if isinstance(since, timedelta):
        return clock.now().utc_us - span_us(since)
    return to_microseconds(since)


def _disk(settings: Settings) -> dict[str, Any]:
    try:
        usage = shutil.disk_usage(settings.archive_path)
    except OSError as error:
        return {"archive": str(settings.archive_path), "archive_trouble": error.strerror}
    return {"archive": str(settings.archive_path), "free_bytes": usage.free}
