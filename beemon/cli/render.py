"""Replies in the form for a person at a terminal: objects in, lines out.

Programs read the protocol's replies instead. The text from this module is never sent, and no
program may depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from beemon.base import moments
from beemon.base.facts import Json, JsonObject, to_json
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.base.status import (
    DEVICE_STATES,
    DeviceStatus,
    InspectionStatus,
    ServiceStatus,
    WeightStep,
)
from beemon.checks.findings import CHECK_FAILED, FINDINGS
from beemon.cli.layout import Part, Table
from beemon.cli.numbers import DECIMALS, amount, span
from beemon.protocol.commands import VOCABULARY
from beemon.protocol.lines import ERRORS
from beemon.protocol.replies import (
    Accepted,
    Budget,
    BudgetShare,
    CalibrationList,
    CalibrationResult,
    Completeness,
    DeviceReport,
    Devices,
    EventList,
    History,
    JobFacts,
    JobList,
    JobReport,
    ReadingFacts,
    ReadingList,
    Reply,
    SlotCounts,
    StateReport,
    read_reply,
)

HERE = {
    "serve": "run the service in the foreground; systemd normally does this",
    "config check": "check the config and print each problem with its file and line",
    "export": "write the data of some days as CSV, Parquet or AppMAIS files",
    "import": "import the files of another hive monitor (AppMAIS); stop the service first",
    "archive check": "check that the database and the files agree",
    "archive rebuild": "rebuild the database from the files; stop the service first",
}
"""The words that `beemon` carries out itself, without the service."""

EXPLAINED = {
    "reason": REASONS, "error code": ERRORS, "finding": FINDINGS, "quality": QUALITIES,
    "device state": DEVICE_STATES,
}
"""Every word that beemon explains, by its kind."""

_STATES = {
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
_FRESH_SECONDS = 60.0  # evidence that is younger needs no age
_RECOVERIES = {
    "errors": "{} errors",
    "reopened": "reopened {}×",
    "restarts": "worker lost {}×",
    "rebound": "USB device rebound {}×",
    "given_up": "given up for 10 minutes {}×",
}
_BECAME = ("done", "failed", "skipped", "interrupted", "open")
_IN_HEADLINE = ("job", "command", "outcome", "reason", "message", "report", "damaged")


def parts(
    word: str,
    payload: JsonObject,
    now: datetime | None = None,
    more: JobFacts | Sequence[ReadingFacts] | None = None,
) -> Iterator[Part]:
    """The reply to a request that began with ``word``; ``now`` (aware) is for ages.

    ``more`` stands beside it: by a status the latest job, by a ``read`` its readings. Raises
    :class:`BadFactsError` if the reply is not of this version.
    """
    at = now or datetime.now(UTC)
    reply = read_reply(word, payload)
    if isinstance(reply, ServiceStatus):
        yield from _status(reply, more if isinstance(more, JobFacts) else None, at)
    elif isinstance(reply, JobFacts):
        yield from _job(reply, () if isinstance(more, JobFacts) else more or (), at)
    elif isinstance(reply, ReadingList):
        yield from _readings(reply.readings, at)
    elif isinstance(reply, Accepted):
        yield f"job {reply.job} accepted; see its outcome with: beemon wait {reply.job}"
    else:
        yield from _LISTED.get(type(reply), _pairs)(reply)


def report(payload: JsonObject) -> str:
    """One report of `watch`, in one line. Raises :class:`BadFactsError`."""
    reply = read_reply("watch", payload)
    if isinstance(reply, JobReport):
        job = reply.ended
        said = [job.message, _recording(job), _values(job.readings)]
        told = "; ".join(text for text in said if text)
        return f"job {job.job} ({job.command}) {_outcome(job)}{_colon(told)}"
    if isinstance(reply, DeviceReport):
        return f"{reply.device} {reply.state}{_colon(reply.trouble)}"
    if isinstance(reply, StateReport):
        return f"the service {_STATES[reply.state]}"
    return "watching, until Ctrl-C"


def vocabulary() -> Iterator[Part]:
    """Every word that can be typed after `beemon`, with its summary."""
    asked = [word for word in VOCABULARY.values() if word.name != "auth"]
    groups = {
        "Commands (each becomes a numbered job with one outcome):":
            {word.usage: word.summary for word in asked if word.is_command},
        "Queries:":
            {word.usage: word.summary for word in asked if not word.is_command},
        "Without the service:": HERE,
    }
    longest = max(len(usage) for group in groups.values() for usage in group)
    for heading, group in groups.items():
        yield heading
        yield Table([(usage.ljust(longest), told) for usage, told in group.items()], indent=2)
        yield ""
    yield "A DEVICE is its kind and its name in the config: microphone.brood."


def explanation(word: str) -> Iterator[str]:
    """The meanings and remedies of a word; none if it is unknown."""
    for kind, table in EXPLAINED.items():
        if found := table.get(word):
            yield f"{word} ({kind}): {found.meaning}."
            yield f"  {found.remedy}"


def _remedies(job: JobFacts) -> Iterator[str]:
    """The remedies for a job whose outcome is not done."""
    words = [job.reason]
    if words == [CHECK_FAILED]:
        words = [finding.partition(":")[0] for finding in job.result.findings or ()] or words
    for word in words:
        if found := FINDINGS.get(str(word)) or REASONS.get(str(word)):
            yield found.remedy


def _status(status: ServiceStatus, last: JobFacts | None, now: datetime) -> Iterator[Part]:
    untried = sum(map(_is_untried, status.devices.values()))
    known = f": {untried} of its devices not tried yet" if untried else ""
    yield f"{status.hive} {_STATES[status.state]}{known if status.state == 'starting' else ''}."
    yield ""
    if status.devices:
        rows = [
            (name, _doing(device), _scheduled(device), device.trouble or "")
            for name, device in sorted(status.devices.items())
        ]
        yield Table([("device", "state", "schedule", "problem"), *rows], headed=True)
    else:
        yield "No device yet: the config names none, or the service is starting."
    for name, device in sorted(status.devices.items()):
        if reason := REASONS.get((device.trouble or "").partition(":")[0]):
            yield f"{name}: {reason.remedy}"
    yield ""
    yield Table([*_service(status, last, now)])


def _service(
    status: ServiceStatus, last: JobFacts | None, now: datetime
) -> Iterator[Sequence[str]]:
    beat = status.heartbeat_age_seconds
    heard = "no heartbeat yet" if beat is None else f"heartbeat {span(beat)} ago"
    yield "service", f"beemon {status.version}, up {span(status.uptime_seconds)}, {heard}"
    if status.start and status.start.why in _STARTS:
        yield "started", f"{_STARTS[status.start.why]}, {_ago(status.start.at, now)}"
    for job, text in status.running.items():
        yield "at work", f"job {job}: {text}"
    if status.inspection:
        yield "inspection", _inspection(status.inspection, now)
    if status.waiting:
        yield "waiting", _count(status.waiting, "job")
    if last and last.ended:
        yield "last job", f"{last.job} {_outcome(last)}: {last.command}, {_ago(last.ended, now)}"
    yield from _of_devices(status.devices, now)
    clock_state = _CLOCKS.get(status.clock, status.clock)
    yield "clock", f"{clock_state}; time zone {status.zone}"
    free = status.free_bytes
    room = status.archive_trouble if free is None else f"{amount(free, 'B')} free"
    yield "archive", f"{status.archive}, {room}"
    for trouble in status.troubles:
        yield trouble.about, trouble.says
        if trouble.remedy:
            yield "", trouble.remedy


def _of_devices(
    devices: Mapping[str, DeviceStatus], now: datetime
) -> Iterator[Sequence[str]]:
    for name, device in sorted(devices.items()):
        if device.calibrated:
            yield "calibrated", f"{name}: {_ago(device.calibrated, now)}"
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
    return f"{kind}, {sign}{size} ± {unsure}, {_ago(step.at, now)}"


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


def _is_untried(device: DeviceStatus) -> bool:
    """Whether it is still unknown if the device works."""
    return device.last_good_age_seconds is None and not device.trouble


def _recovery(counts: Mapping[str, int]) -> str:
    return ", ".join(_RECOVERIES[tier].format(count) for tier, count in counts.items())


def _scheduled(device: DeviceStatus) -> str:
    return device.held_back or ("on" if device.scheduled else "-")


def _inspection(inspection: InspectionStatus, now: datetime) -> str:
    ends = span(inspection.ends_in_seconds)
    begun = f"begun {_ago(inspection.begun, now)}{_colon(inspection.note)}"
    return f"{begun}; ends automatically in {ends}"


def _readings(readings: Iterable[ReadingFacts], now: datetime) -> Iterator[Part]:
    rows = [
        (
            reading.sensor,
            reading.quantity,
            f"no value: {reading.reason}" if reading.value is None else _value(reading),
            _ago(reading.utc, now) + _by(reading),
        )
        for reading in sorted(readings, key=_as_people_count)
    ]
    yield Table(rows)
    if not rows:
        yield "No reading yet; `beemon read --wait` takes one."


def _value(reading: ReadingFacts) -> str:
    value = amount(reading.value or 0.0, reading.unit)
    if reading.uncertainty is None:
        return value
    return f"{value} ± {amount(reading.uncertainty, reading.unit)}"


def _by(reading: ReadingFacts) -> str:
    return f", by calibration {reading.calibration}" if reading.calibration else ""


def _events(told: EventList) -> Iterator[Part]:
    rows = [(_time(one.utc), one.kind, one.message) for one in told.events]
    if not rows:
        yield "There are no events in that time."
        if told.kinds is not None:
            yield f"The kinds of events so far: {', '.join(told.kinds) or 'none'}."
        return
    yield Table([("when (UTC)", "kind", "what"), *rows], headed=True)


def _calibrations(told: CalibrationList) -> Iterator[Part]:
    rows = [
        (
            str(one.calibration), _time(one.made), one.sensor, one.result.step or "config",
            _line(one.quantity, one.result),
        )
        for one in told.calibrations
    ]
    if not rows:
        yield "There are no calibrations yet; `beemon calibrate SCALE` makes one."
        return
    heading = ("calibration", "made (UTC)", "sensor", "step", "formula")
    yield Table([heading, *rows], headed=True)


def _line(quantity: str, one: CalibrationResult) -> str:
    """A calibration as a formula."""
    if one.slope is not None:
        return (
            f"{quantity} = {one.of} - {one.slope:.4g} ± {one.slope_uncertainty:.2g}"
            f" g/K x ({one.temperature} - {one.reference:.4g} °C); R² {one.r2:.2f}, "
            f"{one.nights} nights, ± {one.residual:.2g} g"
        )
    if one.factor is None:
        return "waits for the next step"
    unsure = one.factor_uncertainty
    share = f" ± {unsure / abs(one.factor):.2%}" if unsure is not None else ""
    return f"{quantity} = (raw - {one.zero:.7g}) x {one.factor:.6g}{share}"


def _as_people_count(reading: ReadingFacts) -> tuple[str, list[tuple[int, str]]]:
    """A key to sort by: ``band_50_100`` comes before ``band_100_150``."""
    parts = re.split(r"(\d+)", reading.quantity)
    return reading.sensor, [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def _history(told: History) -> Iterator[Part]:
    """Each row as it is, in the unit it was measured in, so that columns can be compared."""
    rows = [
        (_time(str(utc)), *(_measured(value, told.unit) for value in values))
        for utc, *values in told.rows
    ]
    if not rows:
        yield f"No reading of {told.device} {told.quantity} in that time."
        return
    unit = f" in {told.unit}" if told.unit else ""
    yield f"{told.device} {told.quantity}{unit}, by the {told.by}"
    yield Table([told.columns, *rows], headed=True)
    if told.truncated:
        yield "Earlier readings are not shown."


def _measured(value: Json, unit: str) -> str:
    if isinstance(value, float) and unit in DECIMALS:
        return f"{value:.{DECIMALS[unit]}f}"
    return "-" if value is None else _plain(value)


def _budget(told: Budget) -> Iterator[Part]:
    rows = [
        (name, f"{amount(share.bytes_a_day, 'B')} a day", _reckoned(share))
        for name, share in told.devices.items()
    ]
    yield Table([*rows, ("all", f"{amount(told.bytes_a_day, 'B')} a day", "")])
    yield ""
    free, reserved = amount(told.free_bytes, "B"), amount(told.min_free_bytes, "B")
    yield f"{free} free, {reserved} of it reserved. {_until_full(told.days_until_full)}"
    if told.uplink_kbit_s >= 0.05:
        yield f"To upload everything, you need {told.uplink_kbit_s:.1f} kbit/s all day and night."
    yield f"When it is full: {told.then}."


def _until_full(days: float | None) -> str:
    if days is None:
        return "Nothing fills the disk."
    if not days:
        return "The disk is full."
    return f"At this rate the disk is full in {span(days * 86400)}."


def _reckoned(share: BudgetShare) -> str:
    """Which of both it is, and the other beside it."""
    if share.measured_days is None:
        return "estimated from the config"
    said = f"measured over {share.measured_days:.1f} days"
    if share.planned_bytes_a_day is not None:
        said += f" (estimated from the config: {amount(share.planned_bytes_a_day, 'B')})"
    return said


def _completeness(told: Completeness) -> Iterator[Part]:
    due = sum(device.due for device in told.devices.values())
    done = sum(device.done for device in told.devices.values())
    share = f" ({done / due:.1%})" if due else ""
    since = max(told.since, told.first or told.since)
    if not due:
        yield f"No scheduled job has been recorded since {_time(since)} UTC."
    else:
        yield f"Of {due:,} scheduled jobs since {_time(since)} UTC, {done:,} are done{share}."
        yield ""
        heading = ("device", "due", *_BECAME, "reasons")
        rows = [_slots(device, counts) for device, counts in told.devices.items()]
        yield Table([heading, *rows], headed=True)
        yield ""
    yield from _sums(told)
    if due and told.adds_up:
        yield "It adds up: the schedules ask for the same number."
    if ran := told.unslotted:
        became = ", ".join(f"{times:,} {outcome}" for outcome, times in ran.items())
        count = f"{sum(ran.values()):,}"
        yield f"{count} more scheduled commands do not match any scheduled time: {became}."
    for time in told.unaccounted:
        until = f" to {_time(time.until)}" if time.until else ""
        device = f" for {time.device}" if time.device else ""
        yield f"Not counted{device} from {_time(time.from_)}{until}: {time.why}"


def _sums(told: Completeness) -> Iterator[str]:
    """The devices whose jobs do not add up, or cannot be checked."""
    for device, counts in told.devices.items():
        if counts.recount is None:
            yield f"{device} cannot be checked: its schedule is not valid on this machine (time " \
                  "zone or python3-ephem missing)."
        elif not counts.adds_up:
            yield f"{device} does not add up: its schedule asks for {counts.recount:,}."


def _slots(device: str, counts: SlotCounts) -> Sequence[str]:
    reasons = "; ".join(
        f"{outcome}: {', '.join(f'{reason} {times:,}' for reason, times in found.items())}"
        for outcome, found in counts.reasons.items()
    )
    return (device, *(f"{getattr(counts, name):,}" for name in ("due", *_BECAME)), reasons)


def _jobs(told: JobList) -> Iterator[Part]:
    rows = [
        (str(job.job), _time(job.accepted or ""), _outcome(job), job.command or "")
        for job in told.jobs
    ]
    yield Table([("job", "accepted (UTC)", "outcome", "command"), *rows], headed=True)


def _job(job: JobFacts, measured: Sequence[ReadingFacts], now: datetime) -> Iterator[Part]:
    """A job: its outcome, then its other facts, or the readings that it ``measured``."""
    yield f"job {job.job} {_outcome(job)}{_colon(job.damaged or job.command)}"
    if job.message:
        yield f"  {job.message}"
    for remedy in _remedies(job):
        yield f"  {remedy}"
    if measured:
        yield from _readings(measured, now)
        return
    facts = {key: value for key, value in to_json(job).items() if key not in _IN_HEADLINE}
    yield Table([*_rows(facts)], indent=2)


def _devices(told: Devices) -> Iterator[Part]:
    yield Table([
        (
            name,
            device.driver,
            f"every {span(device.interval_seconds)}" if device.interval_seconds is not None
            else "on command",
        )
        for name, device in sorted(told.devices.items())
    ])
    if not told.devices:
        yield "The config names no device."


def _pairs(reply: Reply) -> Iterator[Part]:
    """Any other reply: a name and its value a line."""
    yield Table([*_rows(to_json(reply))])


def _rows(told: JsonObject) -> Iterator[tuple[str, str]]:
    for key, value in told.items():
        if isinstance(value, Mapping):
            yield from ((inner, _plain(each)) for inner, each in value.items())
        elif key == "size" and isinstance(value, int):
            yield key, amount(value, "B")
        elif key == "start_utc_us" and isinstance(value, int):
            yield "start", moments.iso(value)
        elif key != "start_monotonic":  # for programs
            yield key, _plain(value)


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _outcome(job: JobFacts) -> str:
    if job.damaged is not None:
        return "damaged"
    if job.outcome is None:
        return "open"
    return f"{job.outcome} ({job.reason})" if job.reason else job.outcome


def _recording(job: JobFacts) -> str:
    if job.recording is None:
        return ""
    seconds = job.result.seconds
    return job.recording + ("" if seconds is None else f" ({seconds:.1f} s)")


def _values(readings: Mapping[str, float] | None) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in (readings or {}).items())


def _colon(text: str | None) -> str:
    return f": {text}" if text else ""


def _time(iso: str) -> str:
    return iso.partition(".")[0].replace("T", " ")


def _ago(iso: str, now: datetime) -> str:
    """The age of a moment; if the clocks of both computers disagree, the moment itself."""
    seconds = (now - datetime.fromisoformat(iso)).total_seconds()
    if seconds < -5:
        return _time(iso)
    return f"{span(round(seconds))} ago" if seconds >= 1 else "just now"


_LISTED: dict[type, Callable[[Any], Iterator[Part]]] = {
    History: _history,
    EventList: _events,
    CalibrationList: _calibrations,
    Completeness: _completeness,
    Budget: _budget,
    JobList: _jobs,
    Devices: _devices,
}
"""The layout of each reply that has one of its own."""
