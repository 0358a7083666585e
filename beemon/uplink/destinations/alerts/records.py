"""Records: the contract's records and the service's replies as the engine takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from beemon.base.facts import Json, JsonObject
from beemon.base.finding import WITHDRAWN
from beemon.base.moments import from_iso
from beemon.base.outcomes import Outcome
from beemon.protocol.replies import EventFacts, ReadingFacts
from beemon.uplink.contract import JobRecord
from beemon.uplink.destinations.alerts.seen import Found, Happened, Heard, Measured, Worked


def measured(records: Iterable[JobRecord]) -> Iterator[Measured]:
    for record in records:
        for one in record.readings:
            yield Measured(
                one.sensor, one.quantity, one.unit, one.value, one.quality, one.at.utc_us
            )


def newest(readings: Iterable[ReadingFacts]) -> Iterator[Worked]:
    """The sensors, and their quantities, whose latest readings have a value."""
    for one in readings:
        if one.value is not None:
            for subject in (one.sensor, f"{one.sensor} {one.quantity}"):
                yield Worked(subject, from_iso(one.utc), is_scheduled=False)


def worked(records: Iterable[JobRecord]) -> Iterator[Worked]:
    """The jobs that were done and left a recording or readings with a value."""
    for record in records:
        job = record.job
        if job.outcome != Outcome.DONE or not job.ended or not _has_content(record):
            continue
        device = (job.command or "").split()[1:2]
        yield Worked(device[0] if device else "", from_iso(job.ended), job.slot is not None)


def _has_content(record: JobRecord) -> bool:
    return record.recording is not None or any(
        one.value is not None for one in record.readings
    )


def happened(event: EventFacts) -> Happened:
    grams = event.facts.get("grams")
    step = event.facts.get("step")
    return Happened(
        event.kind, event.device, event.message, from_iso(event.utc),
        step if isinstance(step, str) else None,
        float(grams) if isinstance(grams, int | float) else None,
        _found(event),
    )


def _found(event: EventFacts) -> Found | None:
    if event.kind != "finding":
        return None
    kind, stage, begin = (str(event.facts.get(name)) for name in ("kind", "stage", "from"))
    return Found(kind, stage == WITHDRAWN, f"{kind} {event.device} {begin}")


def heard(status: JsonObject, config: JsonObject) -> Heard:
    """The service's report, out of its replies to `status` and `devices`."""
    devices = _objects(status.get("devices"))
    troubles = status.get("troubles")
    says = [
        str(one.get("says")) for one in (troubles if isinstance(troubles, list) else [])
        if isinstance(one, Mapping)
    ]
    of_devices = {
        name: str(told["trouble"]) for name, told in devices.items() if told.get("trouble")
    }
    says += [f"{name}: {trouble}" for name, trouble in of_devices.items()]
    return Heard(
        str(status.get("state")), {name: str(told.get("state")) for name, told in devices.items()},
        tuple(f"{text.rstrip('.')}." for text in says), of_devices,
        dict(_next_jobs(status, devices, _objects(config.get("devices")))),
        bool(status.get("inspection")),
    )


def _next_jobs(
    status: JsonObject, states: Mapping[str, Mapping[str, Json]],
    config: Mapping[str, Mapping[str, Json]],
) -> Iterator[tuple[str, int]]:
    """The time until each device's next job; to save power, some are left out on purpose."""
    power = status.get("power")
    every = power.get("every") if isinstance(power, Mapping) else None
    left_out = every - 1 if isinstance(every, int) else 0
    for name, told in config.items():
        seconds, interval = told.get("next_in_seconds"), told.get("interval_seconds")
        if isinstance(seconds, int | float) and not states.get(name, {}).get("held_back"):
            more = left_out * interval if isinstance(interval, int | float) else 0.0
            yield name, round((seconds + more) * 1e6)


def find_hang(found: Heard) -> str | None:
    return "The recording service hangs." if found.state == "hung" else None


def _objects(value: Json) -> dict[str, Mapping[str, Json]]:
    found = value if isinstance(value, Mapping) else {}
    return {name: each for name, each in found.items() if isinstance(each, Mapping)}
