"""The running service, as setup needs it: take the new config over, and try its devices."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from beemon.base.facts import JsonObject, from_json
from beemon.protocol.client import Client, Reply, ServiceUnreachableError
from beemon.protocol.replies import JobFacts, ReadingFacts, ReadingList
from beemon.setup.look import describe_value, look_at

UNIT = "beemon.service"
RECORD_SECONDS = 5
DELIVERY_SECONDS = 60.0
START_SECONDS = 30.0

Connect = Callable[[], Client]
"""Connects to the service of the config. Raises ``ServiceUnreachableError``."""

VERBS = {
    "camera": "snapshot {}", "microphone": f"record {{}} {RECORD_SECONDS}", "sensor": "read {}",
}
"""The command for a first delivery of each kind of device; an output has none."""


class NotInForceError(Exception):
    """The service does not run with the new config; the text says why."""


def put_in_force(connect: Connect, *, may_start: bool) -> None:
    """Have the service take over the config, or start it. Raises :class:`NotInForceError`."""
    try:
        with connect() as client:
            reply = client.request("reload")
            done = client.wait(reply.payload["job"]) if reply.ok else reply
    except ServiceUnreachableError as error:
        if not may_start:
            raise NotInForceError(str(error)) from error
        _start(connect)
        return
    if not done.ok:
        raise NotInForceError(_refusal(done.payload))
    job = from_json(JobFacts, done.payload)
    if job.outcome != "done":
        raise NotInForceError(f"the service did not reload: {_why(job)}")


def _start(connect: Connect) -> None:
    """Start the service of the package, and wait until it answers."""
    started = subprocess.run(
        ["systemctl", "restart", UNIT], capture_output=True, text=True, check=False,
    )
    if started.returncode:
        raise NotInForceError(f"{UNIT} does not start: {started.stderr.strip()}")
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connect().close()
        except ServiceUnreachableError as error:
            if time.monotonic() >= deadline:
                raise NotInForceError(str(error)) from error
            time.sleep(0.2)
        else:
            return


def first_deliveries(
    connect: Connect, devices: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Each device, and a sentence: its first delivery, or the reason for none within a minute.

    All are asked at once. Raises ``ServiceUnreachableError``.
    """
    verbs = {name: VERBS.get(name.partition(".")[0]) for name in devices}
    deadline = time.monotonic() + DELIVERY_SECONDS
    with connect() as client:
        archive = Path(str(client.request("status").payload.get("archive")))
        replies = {name: client.request(verb.format(name)) for name, verb in verbs.items() if verb}
    for name, reply in replies.items():
        yield name, _delivery(connect, name, reply, archive, deadline - time.monotonic())


def _delivery(connect: Connect, name: str, reply: Reply, archive: Path, seconds: float) -> str:
    if not reply.ok:
        return _refusal(reply.payload)
    number = reply.payload["job"]
    try:
        with connect() as client:
            client.set_timeout(max(1.0, seconds))
            ended = client.request(f"wait {number}")
            if not ended.ok:
                return _refusal(ended.payload)
            job = from_json(JobFacts, ended.payload)
            if job.recording is None and job.outcome == "done":
                return _values(client.request(f"readings {name}"), job)
    except ServiceUnreachableError:
        return f"nothing yet; `beemon job {number}` shows what becomes of it"
    if job.outcome != "done" or job.recording is None:
        return _why(job)
    file = archive / job.recording
    return f"{look_at(file, job.result).says}; {file}"


def _values(reply: Reply, job: JobFacts) -> str:
    readings = from_json(ReadingList, reply.payload).readings if reply.ok else ()
    return ", ".join(_value(one) for one in readings if one.utc >= (job.accepted or ""))


def _value(reading: ReadingFacts) -> str:
    if reading.value is None:
        return f"no {reading.quantity} ({reading.reason})"
    return describe_value(reading.quantity, reading.value, reading.unit)


def _why(job: JobFacts) -> str:
    return f"{job.outcome} ({job.reason}): {job.message or 'no details'}"


def _refusal(error: JsonObject) -> str:
    return f"{error.get('message')}. {error.get('remedy') or ''}".strip()
