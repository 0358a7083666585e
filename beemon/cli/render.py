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
from beemon.cli import findings, health
from beemon.cli.health import STATES, LatestJob, outcome
from beemon.cli.layout import Part, Table, colon
from beemon.cli.numbers import DECIMALS, amount, span
from beemon.cli.times import age, column, in_sentence, text
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
    FindingList,
    History,
    JobFacts,
    JobList,
    JobReport,
    ReadingFacts,
    ReadingList,
    Reply,
    SlotCounts,
    StateReport,
    Today,
    Why,
    read_reply,
)

_BECAME = ("done", "failed", "skipped", "interrupted", "open")
_MOMENTS = {"start_utc_us": "start", "redated_from_us": "redated from"}
_IN_HEADLINE = ("job", "command", "outcome", "reason", "message", "report", "damaged")


def parts(
    word: str,
    payload: JsonObject,
    now: datetime | None = None,
    more: LatestJob | Sequence[ReadingFacts] | None = None,
) -> Iterator[Part]:
    """The reply to a request that began with ``word``; ``now`` (aware) is for ages.

    ``more`` stands beside it: by a status the latest job, by a ``read`` its readings. Raises
    :class:`BadFactsError` if the reply is not of this version.
    """
    at = now or datetime.now(UTC)
    if word == "status":
        yield from health.parts(payload, more if isinstance(more, LatestJob) else None, at)
        return
    reply = read_reply(word, payload)
    if isinstance(reply, JobFacts):
        yield from _job(reply, () if isinstance(more, LatestJob) else more or (), at)
    elif isinstance(reply, ReadingList):
        yield from _readings(reply.readings, at)
    elif isinstance(reply, Today):
        yield from findings.day_parts(reply, at)
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
        told = "; ".join(one for one in said if one)
        return f"job {job.job} ({job.command}) {outcome(job)}{colon(in_sentence(told))}"
    if isinstance(reply, DeviceReport):
        return f"{reply.device} {reply.state}{colon(reply.trouble)}"
    if isinstance(reply, StateReport):
        return f"the service {STATES[reply.state]}"
    return "watching, until Ctrl-C"


def _remedies(job: JobFacts) -> Iterator[str]:
    """The remedies for a job whose outcome is not done."""
    if job.reason is None:
        return
    from beemon.base.outcomes import REASONS  # few jobs need them
    from beemon.checks.findings import CHECK_FAILED, FINDINGS

    words = [job.reason]
    if words == [CHECK_FAILED]:
        words = [finding.partition(":")[0] for finding in job.result.findings or ()] or words
    for word in words:
        if found := FINDINGS.get(word) or REASONS.get(word):
            yield found.remedy


def _readings(readings: Iterable[ReadingFacts], now: datetime) -> Iterator[Part]:
    rows = [
        (
            reading.sensor,
            reading.quantity,
            f"no value: {reading.reason}" if reading.value is None else _value(reading),
            age(reading.utc, now) + _by(reading),
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
    when, *times = column("when", [one.utc for one in told.events])
    rows = [
        (at, one.kind, in_sentence(one.message))
        for at, one in zip(times, told.events, strict=True)
    ]
    if not rows:
        yield "There are no events in that time."
        if told.kinds is not None:
            yield f"The kinds of events so far: {', '.join(told.kinds) or 'none'}."
        return
    yield Table([(when, "kind", "what"), *rows], headed=True)


def _calibrations(told: CalibrationList) -> Iterator[Part]:
    made, *times = column("made", [one.made for one in told.calibrations])
    rows = [
        (
            str(one.calibration), at, one.sensor, one.result.step or "config",
            _line(one.quantity, one.result),
        )
        for at, one in zip(times, told.calibrations, strict=True)
    ]
    if not rows:
        yield "There are no calibrations yet; `beemon calibrate SCALE` makes one."
        return
    heading = ("calibration", made, "sensor", "step", "formula")
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
    when, *times = column("when", [str(utc) for utc, *_ in told.rows])
    rows = [
        (at, *(_measured(value, told.unit) for value in values))
        for at, (_, *values) in zip(times, told.rows, strict=True)
    ]
    if not rows:
        yield f"No reading of {told.device} {told.quantity} in that time."
        return
    unit = f" in {told.unit}" if told.unit else ""
    yield f"{told.device} {told.quantity}{unit}, by the {told.by}"
    yield Table([(when, *told.columns[1:]), *rows], headed=True)
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
        yield f"No scheduled job has been recorded since {text(since)}."
    else:
        yield f"Of {due:,} scheduled jobs since {text(since)}, {done:,} are done{share}."
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
        until = f" to {text(time.until)}" if time.until else ""
        device = f" for {time.device}" if time.device else ""
        yield f"Not counted{device} from {text(time.from_)}{until}: {time.why}"


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
    accepted, *times = column("accepted", [job.accepted or "" for job in told.jobs])
    rows = [
        (str(job.job), at, outcome(job), job.command or "")
        for at, job in zip(times, told.jobs, strict=True)
    ]
    if not rows:
        yield "There are no jobs in that time."
        return
    yield Table([("job", accepted, "outcome", "command"), *rows], headed=True)


def _job(job: JobFacts, measured: Sequence[ReadingFacts], now: datetime) -> Iterator[Part]:
    """A job: its outcome, then its other facts, or the readings that it ``measured``."""
    yield f"job {job.job} {outcome(job)}{colon(job.damaged or job.command)}"
    if job.message:
        yield f"  {in_sentence(job.message)}"
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
            yield from ((inner, in_sentence(_plain(each))) for inner, each in value.items())
        elif key == "size" and isinstance(value, int):
            yield key, amount(value, "B")
        elif key in _MOMENTS and isinstance(value, int):
            yield _MOMENTS[key], text(moments.iso(value))
        elif key != "start_monotonic":  # for programs
            yield key, in_sentence(_plain(value))


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _recording(job: JobFacts) -> str:
    if job.recording is None:
        return ""
    seconds = job.result.seconds
    return job.recording + ("" if seconds is None else f" ({seconds:.1f} s)")


def _values(readings: Mapping[str, float] | None) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in (readings or {}).items())


_LISTED: dict[type, Callable[[Any], Iterator[Part]]] = {
    History: _history,
    EventList: _events,
    FindingList: findings.list_parts,
    Why: findings.reason_parts,
    CalibrationList: _calibrations,
    Completeness: _completeness,
    Budget: _budget,
    JobList: _jobs,
    Devices: _devices,
}
"""The layout of each reply that has one of its own."""
