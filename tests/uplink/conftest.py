"""A ledger with an archive's number, and the uplink's view of it."""

from __future__ import annotations

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import identity
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger
from beemon.uplink.contract import Batch, JobRecord
from beemon.uplink.hive import Archive, Hive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions, UplinkSettings
from beemon.uplink.state import States
from tests.uplink.month import BEGIN_US
from tests.uplink.servers import far_server


def nobody():
    raise ConnectionError("nothing answers")


@pytest.fixture
def server():
    with far_server() as server:
        yield server


@pytest.fixture
def uplink_hive(ledger, tmp_path):
    """The hive "apiary-7" of a destination "far", whose recorder does not answer."""
    with ledger.transaction():
        identity.settle(ledger, None)
    state, runtime = tmp_path / "state", tmp_path / "run"
    state.mkdir()
    runtime.mkdir()
    options = UplinkOptions(
        hive="apiary-7", archive=ledger.archive, connect=nobody, tables={}, state=state,
        runtime=runtime,
    )
    archive = Archive(ledger.archive)
    meter = Meter(state / "sent.json", UplinkSettings())
    yield Hive("far", options, archive, meter, States(runtime / "state.json"))
    archive.close()


def reading(
    seconds: float, value: float | None, sensor: str = "sensor.scale", quantity: str = "weight",
    unit: str = "g", reason: str | None = None,
) -> Reading:
    """A reading some seconds after the begin of a certain day."""
    at = Stamp(BEGIN_US + int(seconds * 1e6), seconds, Quality.SYNCHRONISED)
    return Reading(sensor, quantity, unit, value, reason, at)


def job_of(ledger: Ledger, *readings: Reading) -> int:
    """A `read` job that measured these."""
    with ledger.transaction():
        job = ledger.accept("read", "test")
        series.keep(ledger, job, readings)
        ledger.end(job, outcomes.done())
    return job


def batch_of(*jobs: list[Reading]) -> Batch:
    """A batch of one job for each of these."""
    from beemon.protocol.replies import JobFacts

    records = tuple(
        JobRecord(number, JobFacts(number, command="read", outcome="done"), tuple(some))
        for number, some in enumerate(jobs, 1)
    )
    return Batch("uuid", records, is_first=False, is_last=True)
