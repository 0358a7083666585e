"""The reply to `status` in the form for a person: the health of the service and of each device.

It is the most common question. It has a module of its own so that little is loaded for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from beemon.base.facts import JsonObject, from_json
from beemon.base.status import (
    DeviceStatus,
    InspectionStatus,
    PowerStatus,
    ServiceStatus,
    UplinkStatus,
    WeightStep,
)
from beemon.cli.layout import Part, Table, colon
from beemon.cli.numbers import amount, span
from beemon.cli.times import age, in_sentence

if TYPE_CHECKING:
    from beemon.protocol.replies import JobFacts

STATES = {
    "healthy": "is healthy",
    "degraded": "is running, with the problems below",
    "hung": "hangs and is about to be restarted",
    "starting": "is starting",
}
_STARTS = {
    "watchdog": "by the watchdog, because it had stopped working",
    "crash": "after a crash",
    "failure": "after it had failed",
    "power-cut": "after a power cut",
}
_CLOCKS = {
    "synchronised": "right (synchronised with the network)",
    "told": "right (as an operator said)",
    "rtc": "taken from the battery clock at start",
    "unsure": "unsure: not synchronised with the network, so times may be wrong",
}
_PRESSING = ("tipped", "lighter")
"""The kinds of findings that stand at once, and are news until the next sum of a day."""
_FRESH_SECONDS = 60.0  # evidence that is younger needs no age
_RECOVERIES = {
    "errors": "failed {}×",
    "reopened": "reopened {}×",
    "restarts": "worker lost {}×",
    "rebound": "USB device rebound {}×",
    "given_up": "given up for 10 minutes {}×",
}


@dataclass(frozen=True)
class LatestJob:
    """A job of those that `jobs` lists, as far as a status shows it."""

    job: int
    command: str | None = None
    ended: str | None = None
    outcome: str | None = None
    reason: str | None = None
    damaged: str | None = None


@dataclass(frozen=True)
class LatestJobs:
    """The reply to `jobs`."""

    jobs: tuple[LatestJob, ...]


@dataclass(frozen=True)
class LatestFinding:
    """A finding of those that `today` tells, as far as a status shows it."""

    finding: int
    kind: str
    stage: str
    told: str
    says: str


@dataclass(frozen=True)
class LatestFindings:
    """The reply to `today`."""

    day: LatestFinding | None = None
    findings: tuple[LatestFinding, ...] = ()


def news(payload: JsonObject) -> str | None:
    """The newest sentences about the colony, of a reply to `today`; None if there are none.

    A finding that may need its reader at once comes before the sum of an earlier day, and others
    that are as new are counted. Raises :class:`BadFactsError`.
    """
    told = from_json(LatestFindings, payload)
    found = [one for one in told.findings if one.stage == "first" or (
        one.stage != "withdrawn" and one.kind in _PRESSING
    )]
    since = told.day.told if told.day else ""
    news = sorted((one for one in found if one.told > since), key=lambda one: one.told)
    shown = news[-1] if news else told.day
    more = f"; {len(news) - 1} more: beemon today" if len(news) > 1 else ""
    return f"{shown.says} (beemon why {shown.finding}{more})" if shown else None


def last_job(payload: JsonObject) -> LatestJob | None:
    """The job that ended last, of a reply to `jobs`. Raises :class:`BadFactsError`."""
    jobs = from_json(LatestJobs, payload).jobs
    return max((job for job in jobs if job.ended), key=lambda job: str(job.ended), default=None)


def outcome(job: LatestJob | JobFacts) -> str:
    """The outcome of a job with its reason: ``done``, ``failed (timeout)``, ``open``."""
    if job.damaged is not None:
        return "damaged"
    if job.outcome is None:
        return "open"
    return f"{job.outcome} ({job.reason})" if job.reason else job.outcome


def parts(
    payload: JsonObject, last: LatestJob | None = None, now: datetime | None = None
) -> Iterator[Part]:
    """The reply to `status`, and the ``last`` job; ``now`` (aware) is for ages.

    Raises :class:`BadFactsError` if the reply is not of this version.
    """
    yield from _status(from_json(ServiceStatus, payload), last, now or datetime.now(UTC))


def _status(status: ServiceStatus, last: LatestJob | None, now: datetime) -> Iterator[Part]:
    yield f"{status.hive} {STATES[status.state]}{still_untried(status)}."
    yield ""
    if status.devices:
        rows = [
            (name, _doing(device), _scheduled(device), device.trouble or "")
            for name, device in sorted(status.devices.items())
        ]
        yield Table([("device", "state", "schedule", "problem"), *rows], headed=True)
    else:
        yield "No device yet: the config names none, or the service is starting."
    yield from _remedies(status.devices)
    yield ""
    yield Table([*_service(status, last, now)])


def _remedies(devices: Mapping[str, DeviceStatus]) -> Iterator[str]:
    troubles = {name: one.trouble for name, one in sorted(devices.items()) if one.trouble}
    if not troubles:
        return
    from beemon.base.outcomes import REASONS  # only trouble needs it

    for name, trouble in troubles.items():
        if reason := REASONS.get(trouble.partition(":")[0]):
            yield f"{name}: {reason.remedy}"


def _service(
    status: ServiceStatus, last: LatestJob | None, now: datetime
) -> Iterator[Sequence[str]]:
    beat = status.heartbeat_age_seconds
    heard = "no heartbeat yet" if beat is None else f"heartbeat {span(beat)} ago"
    yield "service", f"beemon {status.version}, up {span(status.uptime_seconds)}, {heard}"
    if status.start and status.start.why in _STARTS:
        yield "started", f"{_STARTS[status.start.why]}, {age(status.start.at, now)}"
    for job, text in status.running.items():
        yield "at work", f"job {job}: {text}"
    yield from _modes(status, now)
    if status.waiting:
        yield "waiting", _count(status.waiting, "job")
    if last and last.ended:
        yield "last job", f"{last.job} {outcome(last)}: {last.command}, {age(last.ended, now)}"
    yield from _of_devices(status.devices, now)
    clock_state = _CLOCKS.get(status.clock, status.clock)
    yield "clock", f"{clock_state}; time zone {status.zone}"
    free = status.free_bytes
    room = status.archive_trouble if free is None else f"{amount(free, 'B')} free"
    yield "archive", f"{status.archive}, {room}"
    if hint := page_hint():
        yield "page", hint
    yield from _uplink(status.uplink, now)
    yield from _troubles(status)


def _troubles(status: ServiceStatus) -> Iterator[Sequence[str]]:
    for trouble in status.troubles:
        yield trouble.about, in_sentence(trouble.says)
        if trouble.remedy:
            yield "", trouble.remedy


def _uplink(uplink: UplinkStatus | None, now: datetime) -> Iterator[Sequence[str]]:
    if uplink is None:
        return
    if uplink.at is None:
        yield "uplink", "does not run; see: systemctl status beemon-uplink"
        return
    if (now - datetime.fromisoformat(uplink.at)).total_seconds() > _FRESH_SECONDS:
        yield "uplink", f"last heard of {age(uplink.at, now)}; systemctl status beemon-uplink"
    for name, one in sorted(uplink.destinations.items()):
        last = f", last delivery {age(one.delivered, now)}" if one.delivered else ""
        but = ", with a problem" if one.note and not one.trouble else ""
        problem = one.trouble or one.note
        state = one.state.replace("-", " ")
        yield name, f"{state}{last}{but}{f': {problem}' if problem else ''}"


def page_hint(root: Path = Path("/")) -> str:
    """The way to the page of the package on this machine; empty if there is none."""
    if not (root / "run/beemon-web.socket").exists():
        return ""
    with suppress(PermissionError):  # a user outside the group sees no more
        if (root / "run/beemon-web/code").exists():
            return "has no password yet; `beemon page` shows the link to set one"
    return "`beemon page` shows its address"


def _modes(status: ServiceStatus, now: datetime) -> Iterator[Sequence[str]]:
    """The inspection and the power profile: both change the scheduled work."""
    if status.inspection:
        yield "inspection", _inspection(status.inspection, now)
    if status.power:
        yield "power", _power(status.power, now)


def _of_devices(
    devices: Mapping[str, DeviceStatus], now: datetime
) -> Iterator[Sequence[str]]:
    for name, device in sorted(devices.items()):
        if device.calibrated:
            yield "calibrated", f"{name}: {age(device.calibrated, now)}"
        if device.step:
            yield "weight", f"{name}: {_step(device.step, now)}"
        if device.note:
            yield "note", f"{name}: {device.note}"
        if device.recovery:
            yield "failures", f"{name}: {_recovery(device.recovery)}"
        if device.rebind_trouble:
            yield "failures", f"{name}: its USB device: {device.rebind_trouble}"


def _step(step: WeightStep, now: datetime) -> str:
    kind = "swarm candidate" if step.step == "swarm" else step.step
    sign = "-" if step.grams < 0 else "+"
    size, unsure = amount(abs(step.grams), step.unit), amount(step.uncertainty, step.unit)
    return f"{kind}, {sign}{size} ± {unsure}, {age(step.at, now)}"


def _doing(device: DeviceStatus) -> str:
    if device.retry_in_seconds:
        return f"{device.state}, next attempt in {span(device.retry_in_seconds)}"
    if device.trouble:
        return device.state
    if device.output:
        back = device.returns_in_seconds
        return device.output + ("" if back is None else f" for another {span(back)}")
    age = device.last_good_age_seconds or 0.0
    return device.state if age < _FRESH_SECONDS else f"{device.state}, good {span(age)} ago"


def still_untried(status: ServiceStatus) -> str:
    """The number of untried devices of a service that is starting; else empty."""
    untried = sum(map(_is_untried, status.devices.values()))
    if status.state != "starting" or not untried:
        return ""
    return f": {untried} of its devices not tried yet"


def _is_untried(device: DeviceStatus) -> bool:
    """Whether it is still unknown if the device works."""
    return device.last_good_age_seconds is None and not device.trouble


def _recovery(counts: Mapping[str, int]) -> str:
    return ", ".join(_RECOVERIES[tier].format(count) for tier, count in counts.items())


def _scheduled(device: DeviceStatus) -> str:
    return device.held_back or ("on" if device.scheduled else "-")


def _inspection(inspection: InspectionStatus, now: datetime) -> str:
    ends = span(inspection.ends_in_seconds)
    begun = f"begun {age(inspection.begun, now)}{colon(inspection.note)}"
    return f"{begun}; ends automatically in {ends}"


def _power(power: PowerStatus, now: datetime) -> str:
    every = f" (1 job of {power.every})" if power.every else ""
    since = f", begun {age(power.since, now)}" if power.since else ""
    value = "no value yet" if power.value is None else amount(power.value, power.unit or "")
    said = f"{power.stage}{every}{since}; {power.sensor} {power.quantity}: {value}"
    if power.until is None:
        return said
    side = "above" if power.above is None else "below"
    return f"{said}, ends {side} {amount(power.until, power.unit or '')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
