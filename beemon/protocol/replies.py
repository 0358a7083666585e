"""Replies: the object after the word OK, one class for each query.

beemon-protocol(7) has its section REPLIES from here. Times are texts in ISO 8601, in UTC.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Annotated, Literal

from beemon.base.facts import INLINE, KEPT, BadFactsError, Json, JsonObject, from_json
from beemon.base.finding import Finding
from beemon.base.recording import RecordingFacts
from beemon.base.status import DeviceState, ServiceState, ServiceStatus
from beemon.base.values import keyword_class, value_class

More = Mapping[str, Json]
HistoryRow = tuple[str | float | None, ...]
"""The values of one row, in the order of the columns."""


@value_class
class Accepted:
    """The command is on the disk."""

    job: Annotated[int, "the number of its job"]


@value_class
class Pong:
    """The service answers."""

    pong: Annotated[bool, "always true"] = True


@value_class
class Authorised:
    """The token is the right one, or none is needed."""

    authorised: Annotated[bool, "always true"] = True


@value_class
class Named:
    """The program of this connection has a name."""

    name: Annotated[str, "the name: jobs from this connection have it in their `origin`"]


@value_class
class Version:
    """Which beemon answers."""

    version: Annotated[str, "its version"]
    boot_id: Annotated[str, "the kernel's name for this boot of the computer"]
    config: Annotated[str | None, "the path of its config"] = None


@value_class
class Help:
    """The words of the protocol."""

    commands: Annotated[Mapping[str, str], "each command and its effect"]
    queries: Annotated[Mapping[str, str], "each query and its subject"]
    errors: Annotated[Mapping[str, str], "each error code and its meaning"]


@value_class
class HelpOfWord:
    """One word of the protocol."""

    usage: Annotated[str, "the word with its arguments"]
    summary: Annotated[str, "its effect"]


@value_class
class DeviceConfig:
    """One device of the config."""

    driver: Annotated[str, "its driver"]
    interval_seconds: Annotated[float | None, "time between its scheduled jobs, in s"] = None
    next_in_seconds: Annotated[
        float | None, "time until its next scheduled time, in s; missing: none in 3 days"
    ] = None


@value_class
class Devices:
    """The devices of the config."""

    devices: Annotated[Mapping[str, DeviceConfig], "each device"]


@value_class
class CalibrationResult:
    """The measurement of a calibration, and the formula that follows from it."""

    step: Annotated[
        str | None, "its step: `zero`, `weight`, `standing`, `added` or `temperature`"
    ] = None
    quantity: Annotated[str | None, "the measured quantity"] = None
    of: Annotated[str | None, "the quantity of the converter"] = None
    unit: Annotated[str | None, "the unit of the values"] = None
    raw: Annotated[float | None, "mean of the raw numbers"] = None
    mean: Annotated[float | None, "mean of the values"] = None
    spread: Annotated[float | None, "standard deviation of the values"] = None
    zero: Annotated[float | None, "raw number of the empty scale"] = None
    factor: Annotated[float | None, "value for each step of the raw number"] = None
    grams: Annotated[float | None, "the weight by the new formula, in g"] = None
    uncertainty: Annotated[float | None, "standard uncertainty of that weight, in g"] = None
    noise: Annotated[float | None, "standard deviation of one raw number"] = None
    zero_uncertainty: Annotated[float | None, "standard uncertainty of `zero`"] = None
    factor_uncertainty: Annotated[float | None, "standard uncertainty of `factor`"] = None
    covariance: Annotated[float | None, "covariance of `zero` and `factor`"] = None
    points: Annotated[More | None, "the measurement of each step"] = None
    slope: Annotated[float | None, "temperature drift of the scale, in g/K"] = None
    slope_uncertainty: Annotated[float | None, "standard uncertainty of `slope`, in g/K"] = None
    reference: Annotated[float | None, "temperature without a correction, in °C"] = None
    r2: Annotated[float | None, "share of the change that the temperature explains"] = None
    residual: Annotated[float | None, "standard deviation of the rest, in g"] = None
    nights: Annotated[int | None, "number of nights of the fit"] = None
    hours: Annotated[int | None, "number of hours of the fit"] = None
    temperature: Annotated[str | None, "the sensor and quantity of the temperature"] = None
    from_: Annotated[str | None, "begin of the first night"] = None
    until: Annotated[str | None, "end of the last night"] = None


@value_class
class JobFacts:
    """A job. Its last members depend on its command."""

    job: Annotated[int, "its number"]
    command: Annotated[str | None, "the text of the command"] = None
    origin: Annotated[str | None, "its sender: a client, or `schedule`"] = None
    slot: Annotated[str | None, "the scheduled time that it stands for"] = None
    accepted: Annotated[str | None, "time of acceptance"] = None
    started: Annotated[str | None, "begin of its recording"] = None
    ended: Annotated[str | None, "its end"] = None
    outcome: Annotated[
        str | None, "`done`, `failed`, `skipped` or `interrupted`; missing: not ended yet"
    ] = None
    reason: Annotated[str | None, "the reason, a word of beemon-reasons(7)"] = None
    message: Annotated[str | None, "details"] = None
    damaged: Annotated[str | None, "reason why its row in the database cannot be read"] = None
    recording: Annotated[str | None, "path of the recording in the archive"] = None
    readings: Annotated[
        Mapping[str, float] | None,
        "of `read`: each value, by sensor and quantity, until it is deleted to gain space",
    ] = None
    lacking: Annotated[
        Mapping[str, str] | None, "of `read`: the reason, for each sensor that lacks values"
    ] = None
    leftover: Annotated[str | None, "path of an unfinished recording"] = None
    pictures: Annotated[int | None, "of `live`: number of pictures"] = None
    output: Annotated[str | None, "of `switch`: `on` or `off`"] = None
    returns_after_seconds: Annotated[
        float | None, "of `switch`: time until the output returns to its safe state, in s"
    ] = None
    scheduled: Annotated[
        tuple[str, ...] | None, "of `start` and `stop`: devices whose schedule is now on"
    ] = None
    cancelled: Annotated[
        int | tuple[int, ...] | None, "of `cancel`: the number of the job, or of all such jobs"
    ] = None
    uploaded: Annotated[str | None, "of `uploaded`: path of the recording"] = None
    forgotten: Annotated[str | None, "of `forgotten`: path of the recording"] = None
    devices: Annotated[tuple[str, ...] | None, "of `reload`: the devices in force"] = None
    proof: Annotated[str | None, "of `uploaded`: `hash` or `read-back`"] = None
    alert: Annotated[str | None, "of `alerted`: the rule"] = None
    delivery: Annotated[
        str | None, "of `alerted`: `delivered`, `refused` or `unknown`"
    ] = None
    count: Annotated[int | None, "of an import: number of readings"] = None
    first: Annotated[str | None, "of an import: time of its first reading"] = None
    last: Annotated[str | None, "of an import: time of its last reading"] = None
    entered: Annotated[int | None, "of an index: number of recordings that were added"] = None
    unknown: Annotated[int | None, "of an index: number of files that are no recordings"] = None
    calibration: Annotated[
        CalibrationResult, "of `calibrate`: the measurement and its formula", INLINE
    ] = CalibrationResult()
    result: Annotated[
        RecordingFacts, "of `record` and `snapshot`: the facts of the recording", INLINE
    ] = RecordingFacts()


@value_class
class JobList:
    """The latest jobs."""

    jobs: Annotated[tuple[JobFacts, ...], "the newest first"]


@value_class
class ReadingFacts:
    """The latest reading of one quantity of one sensor."""

    sensor: Annotated[str, "the sensor"]
    quantity: Annotated[str, "the measured quantity"]
    utc: Annotated[str, "its time"]
    unit: Annotated[str, "the unit of the value"]
    value: Annotated[float | None, "the value; missing: there is none"] = None
    quality: Annotated[str | None, "`good`, or another quality of beemon-reasons(7)"] = None
    reason: Annotated[str | None, "reason why there is no value"] = None
    raw: Annotated[float | None, "the converter's number, if a calibration was used"] = None
    uncertainty: Annotated[float | None, "standard uncertainty, in the value's unit"] = None
    calibration: Annotated[int | None, "the number of the calibration that was used"] = None
    clock: Annotated[str | None, "quality of the clock then"] = None


@value_class
class ReadingList:
    """The latest readings."""

    readings: Annotated[tuple[ReadingFacts, ...], "by sensor and quantity"]


@value_class
class CalibrationFacts:
    """A calibration: the formula from raw numbers to values."""

    calibration: Annotated[int, "its number"]
    sensor: Annotated[str, "the sensor"]
    quantity: Annotated[str, "the measured quantity"]
    made: Annotated[str, "its time"]
    clock: Annotated[str, "quality of the clock then"]
    job: Annotated[int | None, "the job that measured it; missing: it is from the config"] = None
    result: Annotated[
        CalibrationResult, "its measurement and its formula", INLINE
    ] = CalibrationResult()


@value_class
class CalibrationList:
    """The calibrations."""

    calibrations: Annotated[tuple[CalibrationFacts, ...], "the oldest first"]


@value_class
class EventFacts:
    """An event at the hive or in beemon."""

    event: Annotated[int, "its number"]
    utc: Annotated[str, "its time"]
    clock: Annotated[str, "quality of the clock then"]
    kind: Annotated[str, "its kind, one word"]
    message: Annotated[str, "the event as a sentence"]
    facts: Annotated[More, "the event for programs"]
    device: Annotated[str | None, "the device"] = None


@value_class
class EventList:
    """The events of a period."""

    events: Annotated[tuple[EventFacts, ...], "in order of time"]
    kinds: Annotated[
        tuple[str, ...] | None, "all kinds so far, if there are no events of the given kind"
    ] = None


@value_class
class FindingFacts:
    """A finding about the colony, as it was entered."""

    finding: Annotated[int, "its number, which is that of its event"]
    utc: Annotated[str, "time of its event: when the readings showed it"]
    clock: Annotated[str, "quality of the clock at its entry"]
    found: Annotated[Finding, "the finding itself", INLINE]
    revised: Annotated[
        int | None, "number of the finding that takes its place; missing: it is the latest"
    ] = None
    label: Annotated[str | None, "the beekeeper's word on it: `yes` or `no`"] = None


@value_class
class FindingList:
    """The findings of a period."""

    findings: Annotated[
        tuple[FindingFacts, ...], "the latest of each matter, in order of the time of the matter"
    ]
    truncated: Annotated[bool | None, "true: earlier ones are left out"] = None


@value_class
class Why:
    """A finding with its reasons."""

    chain: Annotated[
        tuple[FindingFacts, ...], "all findings about the same matter, in order of their entry"
    ]
    asked: Annotated[int, "the number of the finding that was asked for"]


@value_class
class Today:
    """The findings about one local day; or the latest ones, if no day was asked for."""

    date: Annotated[str, "the day"]
    day: Annotated[FindingFacts | None, "the sum of the latest such day that has one"] = None
    findings: Annotated[
        tuple[FindingFacts, ...], "the other findings about this time, in order of time"
    ] = ()
    truncated: Annotated[bool | None, "true: earlier ones are left out"] = None


@value_class
class History:
    """One quantity over time."""

    device: Annotated[str, "the device"]
    quantity: Annotated[str, "the measured quantity"]
    unit: Annotated[str, "the unit of the values"]
    by: Annotated[Literal["reading", "hour"], "the content of a row"]
    columns: Annotated[tuple[str, ...], "the names of the columns"]
    rows: Annotated[
        tuple[HistoryRow, ...],
        "in order of time: `utc`, `value`, `reason`, `quality` of each reading; or `utc`, `mean`, "
        "`minimum`, `maximum`, `count`, `missing` of each hour",
    ]
    truncated: Annotated[bool | None, "true: earlier rows are left out"] = None


@value_class
class SlotCounts:
    """The outcomes of a device's scheduled jobs."""

    due: Annotated[int, "number of scheduled jobs"]
    done: Annotated[int, "number with the outcome `done`"]
    failed: Annotated[int, "number with the outcome `failed`"]
    skipped: Annotated[int, "number with the outcome `skipped`"]
    interrupted: Annotated[int, "number with the outcome `interrupted`"]
    open: Annotated[int, "number without an outcome yet"]
    reasons: Annotated[Mapping[str, Mapping[str, int]], "number by outcome and reason"]
    recount: Annotated[
        int | None, "number by the schedule alone; null: its schedule cannot be calculated", KEPT
    ]
    adds_up: Annotated[bool, "whether both numbers are equal"]


@value_class
class Unaccounted:
    """A period whose schedule is not known."""

    from_: Annotated[str, "its begin"]
    why: Annotated[str, "the reason"]
    until: Annotated[str | None, "its end; missing: it has not ended"] = None
    device: Annotated[str | None, "the device; missing: all of them"] = None


@value_class
class Completeness:
    """The outcomes of the scheduled jobs of a period."""

    since: Annotated[str, "begin of the period"]
    until: Annotated[str, "end of the period"]
    devices: Annotated[Mapping[str, SlotCounts], "each device"]
    unslotted: Annotated[
        Mapping[str, int], "number of scheduled jobs without a scheduled time, by outcome"
    ]
    unaccounted: Annotated[tuple[Unaccounted, ...], "times that are not counted"]
    adds_up: Annotated[bool, "whether every device adds up"]
    first: Annotated[str | None, "begin of the first schedule"] = None


@value_class
class BudgetShare:
    """The disk space that one device uses."""

    bytes_a_day: Annotated[int, "bytes a day: measured if possible, else planned"]
    planned_bytes_a_day: Annotated[int | None, "bytes a day by the config"] = None
    measured_bytes_a_day: Annotated[int | None, "bytes a day as measured"] = None
    measured_days: Annotated[float | None, "number of days of the measurement"] = None


@value_class
class Budget:
    """The disk space used each day."""

    devices: Annotated[Mapping[str, BudgetShare], "each device, and the database as `ledger`"]
    bytes_a_day: Annotated[int, "sum of all, in bytes a day"]
    free_bytes: Annotated[int, "free space on the disk, in bytes"]
    min_free_bytes: Annotated[int, "space that is kept free, in bytes"]
    days_until_full: Annotated[
        float | None, "time until the disk is full, in days; null: it does not fill", KEPT
    ]
    uplink_kbit_s: Annotated[float, "rate needed to upload all recordings, in kbit/s"]
    then: Annotated[str, "the order of deletion on a full disk"]


@value_class
class Piece:
    """A piece of a recording's file."""

    job: Annotated[int, "the job that made the recording"]
    recording: Annotated[str, "path of the recording in the archive"]
    bytes: Annotated[int, "size of the whole file, in bytes"]
    sha256: Annotated[str, "SHA-256 of the whole file, in hexadecimal"]
    offset: Annotated[int, "number of bytes before this piece"]
    data: Annotated[str, "the piece in base64, at most 48 KiB of the file; empty at its end"]


@value_class
class Watching:
    """The first line of a watch."""

    watching: Annotated[bool, "always true"]


@keyword_class
class JobReport:
    """A line of a watch: a job has ended."""

    report: Annotated[Literal["job"], "always `job`"] = "job"
    ended: Annotated[JobFacts, "the job", INLINE]


@keyword_class
class DeviceReport:
    """A line of a watch: a device's state has changed."""

    report: Annotated[Literal["device"], "always `device`"] = "device"
    device: Annotated[str, "the device"]
    state: Annotated[DeviceState, "its state"]
    trouble: Annotated[str | None, "the problem"] = None


@keyword_class
class StateReport:
    """A line of a watch: nothing has changed for 10 seconds."""

    report: Annotated[Literal["state"], "always `state`"] = "state"
    state: Annotated[ServiceState, "the state of the service"]


@value_class
class Error:
    """The object after the word ERROR."""

    code: Annotated[str, "an error code of beemon-reasons(7)"]
    message: Annotated[str, "the problem and the value"]
    remedy: Annotated[str, "the next step"]


Reply = (
    Accepted | Pong | Authorised | Named | Version | Help | HelpOfWord | ServiceStatus | Devices
    | JobFacts | JobList | ReadingList | CalibrationList | EventList | FindingList | Why | Today
    | History | Completeness | Budget | Piece | Watching | JobReport | DeviceReport | StateReport
)
"""Every object that can stand after the word OK."""

REPLIES: Mapping[str, tuple[type[Reply], ...]] = {
    "status": (ServiceStatus,),
    "devices": (Devices,),
    "job": (JobFacts,),
    "jobs": (JobList,),
    "readings": (ReadingList,),
    "events": (EventList,),
    "today": (Today,),
    "why": (Why,),
    "findings": (FindingList,),
    "calibrations": (CalibrationList,),
    "history": (History,),
    "completeness": (Completeness,),
    "budget": (Budget,),
    "piece": (Piece,),
    "wait": (JobFacts,),
    "watch": (JobReport, DeviceReport, StateReport, Watching),
    "ping": (Pong,),
    "version": (Version,),
    "help": (Help, HelpOfWord),
    "auth": (Authorised,),
    "as": (Named,),
}
"""The replies to each query; a command's is :class:`Accepted`."""


def read_reply(word: str, told: JsonObject) -> Reply:
    """The reply that an object is, to a request that began with ``word``.

    The object of a command whose client waited for it is a job's. Raises
    :class:`BadFactsError` if this version does not know it.
    """
    is_job = "command" in told or "damaged" in told
    kinds = REPLIES.get(word, (JobFacts,) if is_job else (Accepted,))
    for kind in kinds[:-1]:
        with contextlib.suppress(BadFactsError):
            return from_json(kind, told)
    return from_json(kinds[-1], told)
