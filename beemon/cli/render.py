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
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.base.status import DEVICE_STATES
from beemon.checks.findings import CHECK_FAILED, FINDINGS
from beemon.cli.layout import Part, Table
from beemon.protocol.commands import VOCABULARY
from beemon.protocol.lines import ERRORS

Payload = Mapping[str, Any]

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
_LARGER = {  # units for large values: from which value on, their name, and decimals
    "B": ((1e9, "GB", 1), (1e6, "MB", 1), (1e3, "kB", 1)),
    "g": ((1e3, "kg", 3),),
}
_DECIMALS = {"dBFS": 1, "Hz": 1, "%": 2}  # as far as it means something; programs get it all
_FRESH_SECONDS = 60.0  # evidence that is younger needs no age
_SPANS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"))
_MONTH, _YEAR = 30.44 * 86400, 365.25 * 86400
_RECOVERIES = {
    "errors": "{} errors",
    "reopened": "reopened {}×",
    "restarts": "worker lost {}×",
    "rebound": "USB device rebound {}×",
    "given_up": "given up for 10 minutes {}×",
}
_BECAME = ("done", "failed", "skipped", "interrupted", "open")
_IN_HEADLINE = ("job", "command", "outcome", "reason", "message", "report")


def parts(word: str, payload: Payload, now: datetime | None = None) -> Iterator[Part]:
    """The reply to a request that began with ``word``; ``now`` (aware) is for ages."""
    at = now or datetime.now(UTC)
    if word in _LISTED:
        yield from _LISTED[word](payload, at)
    elif "command" in payload:
        yield from _job(payload, at)
    elif set(payload) == {"job"}:
        yield f"job {payload['job']} accepted; see its outcome with: beemon wait {payload['job']}"
    else:
        yield from _pairs(payload)


def report(payload: Payload) -> str:
    """One report of `watch`, in one line."""
    if payload.get("report") == "job":
        said = [payload.get("message"), _recording(payload), _values(payload.get("readings"))]
        told = "; ".join(text for text in said if text)
        did = f"job {payload['job']} ({payload['command']})"
        return f"{did} {_outcome(payload)}{f': {told}' if told else ''}"
    if payload.get("report") == "device":
        return f"{payload['device']} {_doing(payload)}{_colon(payload.get('trouble'))}"
    if payload.get("report") == "state":
        return f"the service {_STATES.get(payload['state'], payload['state'])}"
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


def _remedies(job: Payload) -> Iterator[str]:
    """The remedies for a job whose outcome is not done."""
    words = [job.get("reason")]
    if words == [CHECK_FAILED]:
        words = [str(finding).partition(":")[0] for finding in job.get("findings", ())] or words
    for word in words:
        if found := FINDINGS.get(str(word)) or REASONS.get(str(word)):
            yield found.remedy


def _status(status: Payload, now: datetime) -> Iterator[Part]:
    untried = sum(_is_untried(device) for device in status["devices"].values())
    known = f": {untried} of its devices not tried yet" if untried else ""
    state = _STATES.get(status["state"], status["state"])
    yield f"{status['hive']} {state}{known if status['state'] == 'starting' else ''}."
    yield ""
    if status["devices"]:
        rows = [
            (name, _doing(device), _scheduled(device), device.get("trouble", ""))
            for name, device in sorted(status["devices"].items())
        ]
        yield Table([("device", "state", "schedule", "problem"), *rows], headed=True)
    else:
        yield "No device yet: the config names none, or the service is starting."
    for name, device in sorted(status["devices"].items()):
        if reason := REASONS.get(device.get("trouble", "").partition(":")[0]):
            yield f"{name}: {reason.remedy}"
    yield ""
    yield Table(list(_service(status, now)))


def _service(status: Payload, now: datetime) -> Iterator[Sequence[str]]:
    beat = status["heartbeat_age_seconds"]
    heard = "no heartbeat yet" if beat is None else f"heartbeat {span(beat)} ago"
    yield "service", f"beemon {status['version']}, up {span(status['uptime_seconds'])}, {heard}"
    start = status.get("start", {})
    if start.get("why") in _STARTS:
        yield "started", f"{_STARTS[start['why']]}, {_ago(start['at'], now)}"
    for job, text in status["running"].items():
        yield "at work", f"job {job}: {text}"
    if begun := status.get("inspection"):
        yield "inspection", _inspection(begun, now)
    if status["waiting"]:
        yield "waiting", _count(status["waiting"], "job")
    if last := status.get("last_job"):
        ago = _ago(last["ended"], now)
        yield "last job", f"{last['job']} {_outcome(last)}: {last['command']}, {ago}"
    yield from _of_devices(status["devices"], now)
    clock_state = _CLOCKS.get(status["clock"], str(status["clock"]))
    zone = f"; time zone {status['zone']}" if status.get("zone") else ""
    yield "clock", f"{clock_state}{zone}"
    free = f"{amount(status['free_bytes'], 'B')} free" if "free_bytes" in status else None
    yield "archive", f"{status['archive']}, {free or status.get('archive_trouble')}"
    for trouble in status["troubles"]:
        yield trouble["about"], f"{trouble['says']}{_colon(trouble['remedy'])}"


def _of_devices(devices: Mapping[str, Payload], now: datetime) -> Iterator[Sequence[str]]:
    for name, device in sorted(devices.items()):
        if "calibrated" in device:
            yield "calibrated", f"{name}: {_ago(device['calibrated'], now)}"
        if "step" in device:
            yield "weight", f"{name}: {_step(device['step'], now)}"
        if "note" in device:
            yield "note", f"{name}: {device['note']}"
        if "recovery" in device:
            yield "failures", f"{name}: {_recovery(device['recovery'])}"
        if "rebind_trouble" in device:
            yield "failures", f"{name}: its USB device: {device['rebind_trouble']}"


def _step(step: Payload, now: datetime) -> str:
    kind = "swarm candidate" if step["step"] == "swarm" else step["step"]
    sign = "-" if step["grams"] < 0 else "+"
    unit = step["unit"]
    change = f"{sign}{amount(abs(step['grams']), unit)} ± {amount(step['uncertainty'], unit)}"
    return f"{kind}, {change}, {_ago(step['at'], now)}"


def _doing(device: Payload) -> str:
    state: str = device["state"]
    if again := device.get("retry_in_seconds"):
        return f"{state}, next attempt in {span(again)}"
    if device.get("trouble"):
        return state
    if "output" in device:
        back = device.get("returns_in_seconds")
        return str(device["output"]) + ("" if back is None else f" for another {span(back)}")
    age = device.get("last_good_age_seconds") or 0.0
    return state if age < _FRESH_SECONDS else f"{state}, good {span(age)} ago"


def _is_untried(device: Payload) -> bool:
    """Whether it is still unknown if the device works."""
    return device.get("last_good_age_seconds", 0.0) is None and not device.get("trouble")


def _recovery(counts: Mapping[str, int]) -> str:
    return ", ".join(_RECOVERIES[tier].format(count) for tier, count in counts.items())


def _scheduled(device: Payload) -> str:
    return str(device.get("held_back") or ("on" if device.get("scheduled") else "-"))


def _inspection(inspection: Payload, now: datetime) -> str:
    note = _colon(inspection.get("note"))
    ends = span(inspection["ends_in_seconds"])
    return f"begun {_ago(inspection['begun'], now)}{note}; ends automatically in {ends}"


def _readings(readings: Iterable[Payload], now: datetime) -> Iterator[Part]:
    rows = [
        (
            reading["sensor"],
            reading["quantity"],
            f"no value: {reading['reason']}" if "reason" in reading else _value(reading),
            _ago(reading["utc"], now) + _by(reading),
        )
        for reading in sorted(readings, key=_as_people_count)
    ]
    yield Table(rows)
    if not rows:
        yield "No reading yet; `beemon read --wait` takes one."


def _value(reading: Payload) -> str:
    value = amount(reading["value"], reading["unit"])
    if "uncertainty" not in reading:
        return value
    return f"{value} ± {amount(reading['uncertainty'], reading['unit'])}"


def _by(reading: Payload) -> str:
    return f", by calibration {reading['calibration']}" if "calibration" in reading else ""


def _events(told: Payload) -> Iterator[Part]:
    rows = [(_time(one["utc"]), one["kind"], one["message"]) for one in told["events"]]
    if not rows:
        yield "There are no events in that time."
        if "kinds" in told:
            yield f"The kinds of events so far: {', '.join(told['kinds']) or 'none'}."
        return
    yield Table([("when (UTC)", "kind", "what"), *rows], headed=True)


def _calibrations(calibrations: Iterable[Payload]) -> Iterator[Part]:
    rows = [
        (
            str(one["calibration"]), _time(one["made"]), one["sensor"],
            one.get("step", "config"), _line(one),
        )
        for one in calibrations
    ]
    if not rows:
        yield "There are no calibrations yet; `beemon calibrate SCALE` makes one."
        return
    heading = ("calibration", "made (UTC)", "sensor", "step", "formula")
    yield Table([heading, *rows], headed=True)


def _line(one: Payload) -> str:
    """A calibration as a formula."""
    if "slope" in one:
        return (
            f"{one['quantity']} = {one['of']} - {one['slope']:.4g} ± {one['slope_uncertainty']:.2g}"
            f" g/K x ({one['temperature']} - {one['reference']:.4g} °C); R² {one['r2']:.2f}, "
            f"{one['nights']} nights, ± {one['residual']:.2g} g"
        )
    if one.get("factor") is None:
        return "waits for the next step"
    unsure = one.get("factor_uncertainty")
    share = f" ± {unsure / abs(one['factor']):.2%}" if unsure is not None else ""
    return f"{one['quantity']} = (raw - {one['zero']:.7g}) x {one['factor']:.6g}{share}"


def _as_people_count(reading: Payload) -> tuple[str, list[tuple[int, str]]]:
    """A key to sort by: ``band_50_100`` comes before ``band_100_150``."""
    parts = re.split(r"(\d+)", reading["quantity"])
    return reading["sensor"], [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def _history(told: Payload) -> Iterator[Part]:
    """Each row as it is, in the unit it was measured in, so that columns can be compared."""
    rows = [
        (_time(utc), *(_measured(value, told["unit"]) for value in values))
        for utc, *values in told["rows"]
    ]
    if not rows:
        yield f"No reading of {told['device']} {told['quantity']} in that time."
        return
    unit = f" in {told['unit']}" if told["unit"] else ""
    yield f"{told['device']} {told['quantity']}{unit}, by the {told['by']}"
    yield Table([tuple(told["columns"]), *rows], headed=True)
    if told.get("truncated"):
        yield "Earlier readings are not shown."


def _measured(value: object, unit: str) -> str:
    if isinstance(value, float) and unit in _DECIMALS:
        return f"{value:.{_DECIMALS[unit]}f}"
    return "-" if value is None else _plain(value)


def _budget(told: Payload) -> Iterator[Part]:
    rows = [
        (name, f"{amount(share['bytes_a_day'], 'B')} a day", _reckoned(share))
        for name, share in told["devices"].items()
    ]
    yield Table([*rows, ("all", f"{amount(told['bytes_a_day'], 'B')} a day", "")])
    yield ""
    free, reserved = amount(told["free_bytes"], "B"), amount(told["min_free_bytes"], "B")
    yield f"{free} free, {reserved} of it reserved. {_until_full(told['days_until_full'])}"
    if told["uplink_kbit_s"] >= 0.05:
        yield (
            f"To upload everything, you need {told['uplink_kbit_s']:.1f} kbit/s all day and night."
        )
    yield f"When it is full: {told['then']}."


def _until_full(days: float | None) -> str:
    if days is None:
        return "Nothing fills the disk."
    if not days:
        return "The disk is full."
    return f"At this rate the disk is full in {span(days * 86400)}."


def _reckoned(share: Payload) -> str:
    """Which of both it is, and the other beside it."""
    if "measured_bytes_a_day" not in share:
        return "estimated from the config"
    said = f"measured over {share['measured_days']:.1f} days"
    if "planned_bytes_a_day" in share:
        said += f" (estimated from the config: {amount(share['planned_bytes_a_day'], 'B')})"
    return said


def _completeness(told: Payload) -> Iterator[Part]:
    devices: Mapping[str, Payload] = told["devices"]
    due = sum(device["due"] for device in devices.values())
    done = sum(device["done"] for device in devices.values())
    share = f" ({done / due:.1%})" if due else ""
    since = max(told["since"], told.get("first", told["since"]))
    if not due:
        yield f"No scheduled job has been recorded since {_time(since)} UTC."
    else:
        yield f"Of {due:,} scheduled jobs since {_time(since)} UTC, {done:,} are done{share}."
        yield ""
        heading = ("device", "due", *_BECAME, "reasons")
        yield Table([heading, *map(_slots, devices.items())], headed=True)
        yield ""
    for device, counts in devices.items():
        if counts["recount"] is None:
            yield f"{device} cannot be checked: its schedule is not valid on this machine (time " \
                  "zone or python3-ephem missing)."
        elif not counts["adds_up"]:
            yield f"{device} does not add up: its schedule asks for {counts['recount']:,}."
    if due and told["adds_up"]:
        yield "It adds up: the schedules ask for the same number."
    if ran := told["unslotted"]:
        became = ", ".join(f"{times:,} {outcome}" for outcome, times in ran.items())
        count = f"{sum(ran.values()):,}"
        yield f"{count} more scheduled commands do not match any scheduled time: {became}."
    for span_ in told["unaccounted"]:
        until = f" to {_time(span_['until'])}" if "until" in span_ else ""
        device = f" for {span_['device']}" if "device" in span_ else ""
        yield f"Not counted{device} from {_time(span_['from'])}{until}: {span_['why']}"


def _slots(of_device: tuple[str, Payload]) -> Sequence[str]:
    device, counts = of_device
    reasons = "; ".join(
        f"{outcome}: {', '.join(f'{reason} {times:,}' for reason, times in found.items())}"
        for outcome, found in counts["reasons"].items()
    )
    return (device, *(f"{counts[name]:,}" for name in ("due", *_BECAME)), reasons)


def _jobs(jobs: Iterable[Payload]) -> Iterator[Part]:
    rows = [
        (str(job["job"]), _time(job["accepted"]), _outcome(job), job["command"])
        for job in jobs
    ]
    yield Table([("job", "accepted (UTC)", "outcome", "command"), *rows], headed=True)


def _job(job: Payload, now: datetime) -> Iterator[Part]:
    """A job, with all that the ledger holds of it."""
    yield f"job {job['job']} {_outcome(job)}: {job['command']}"
    if "message" in job:
        yield f"  {job['message']}"
    for remedy in _remedies(job):
        yield f"  {remedy}"
    facts = {key: value for key, value in job.items() if key not in _IN_HEADLINE}
    if "measured" in job:
        yield from _readings(job["measured"], now)
        return
    yield from _pairs(facts, indent=2)


def _devices(devices: Mapping[str, Payload]) -> Iterator[Part]:
    yield Table([
        (
            name,
            str(device["driver"]),
            f"every {span(device['interval_seconds'])}" if "interval_seconds" in device
            else "on command",
        )
        for name, device in sorted(devices.items())
    ])
    if not devices:
        yield "The config names no device."


def _pairs(payload: Payload, indent: int = 0) -> Iterator[Part]:
    """Anything else: a name and its value a line."""
    rows: list[tuple[str, str]] = []
    for key, value in payload.items():
        if isinstance(value, Mapping):
            rows += [(inner, _plain(each)) for inner, each in value.items()]
        elif key == "size":
            rows.append((key, amount(value, "B")))
        elif key == "start_utc_us":
            rows.append(("start", moments.iso(value)))
        elif key == "start_monotonic":
            pass  # for programs
        else:
            rows.append((key, _plain(value)))
    yield Table(rows, indent=indent)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _outcome(job: Payload) -> str:
    if "outcome" not in job:
        return "open"
    reason = job.get("reason")
    return f"{job['outcome']} ({reason})" if reason else str(job["outcome"])


def _recording(job: Payload) -> str:
    if "recording" not in job:
        return ""
    length = f" ({job['seconds']:.1f} s)" if "seconds" in job else ""
    return f"{job['recording']}{length}"


def _values(readings: Payload | None) -> str:
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


def amount(value: float, unit: str) -> str:
    """A value in a unit of a size that people use: ``70.2 GB``, ``29.8 kg``, ``35.07 °C``."""
    for least, larger, decimals in _LARGER.get(unit, ()):
        if abs(value) >= least:
            return f"{value / least:.{decimals}f} {larger}"
    if unit in _DECIMALS:
        return f"{value:.{_DECIMALS[unit]}f} {unit}"
    return f"{value:.7g} {unit}".rstrip()


def span(seconds: float) -> str:
    """``0.8 s``, ``45 s``, ``12 min``, ``3 h 20 min``, ``5 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds >= 2 * _YEAR:
        return "more than 100 years" if seconds > 100 * _YEAR else f"{seconds / _YEAR:.1f} years"
    if seconds > 90 * 86400:
        return f"{seconds / _MONTH:.0f} months"
    for large, name, small, smaller in _SPANS:
        if seconds >= large:
            rest = int(seconds % large // small)
            return f"{seconds // large:.0f} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds // 60:.0f} min"


_LISTED: dict[str, Callable[[Payload, datetime], Iterator[Part]]] = {
    "status": _status,
    "readings": lambda payload, at: _readings(payload["readings"], at),
    "history": lambda payload, _: _history(payload),
    "events": lambda payload, _: _events(payload),
    "calibrations": lambda payload, _: _calibrations(payload["calibrations"]),
    "completeness": lambda payload, _: _completeness(payload),
    "budget": lambda payload, _: _budget(payload),
    "jobs": lambda payload, _: _jobs(payload["jobs"]),
    "devices": lambda payload, _: _devices(payload["devices"]),
}
"""The layout of the reply to each of these words; the others are recognised by their content."""
