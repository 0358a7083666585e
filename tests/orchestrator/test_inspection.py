"""Inspection: on, off, and over by itself."""

from __future__ import annotations

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.status import InspectionStatus
from beemon.ledger.inspections import LONGEST_SECONDS, Begun
from beemon.orchestrator.inspection import Inspection

AT = Stamp(1_780_315_200_000_000, 1000.0, Quality.RTC)


@pytest.fixture
def inspection() -> Inspection:
    inspection = Inspection()
    inspection.begin("queen seen", AT)
    return inspection


def test_at_first_there_is_none():
    assert not Inspection().is_on
    assert Inspection().status(0.0) is None
    assert not Inspection().is_overdue(1e9)


def test_one_that_is_on_tells_since_when_and_until_when(inspection):
    assert inspection.is_on
    assert inspection.status(1060.0) == InspectionStatus(
        "2026-06-01T12:00:00.000Z", 7140, "queen seen"
    )


def test_it_is_overdue_after_two_hours(inspection):
    assert not inspection.is_overdue(1000.0 + LONGEST_SECONDS - 1)
    assert inspection.is_overdue(1000.0 + LONGEST_SECONDS)
    inspection.end()
    assert not inspection.is_overdue(1000.0 + LONGEST_SECONDS)


def test_one_that_is_begun_again_lasts_longer(inspection):
    inspection.begin("", Stamp(AT.utc_us, 5000.0, AT.quality))
    status = inspection.status(5000.0)
    assert status is not None
    assert (status.ends_in_seconds, status.note) == (LONGEST_SECONDS, None)


def test_what_an_earlier_run_began_goes_on():
    inspection = Inspection()
    inspection.resume(Begun(AT.utc_us, 60.0, ""), 10.0)
    assert inspection.is_on
    assert inspection.is_overdue(70.0)
    inspection.resume(None, 70.0)
    assert not inspection.is_on


def test_good_readings_are_marked_and_others_keep_what_they_say(inspection):
    good = Reading("sensor.a", "temperature", "°C", 35.0, None, AT)
    none = Reading("sensor.a", "humidity", "%", None, "timeout", AT)
    poor = Reading("sensor.a", "weight", "g", 7.0, None, AT, quality="few-samples")
    assert [r.quality for r in inspection.marked([good, none, poor])] == [
        "inspection", "good", "few-samples",
    ]
    assert inspection.marked([good])[0].value == 35.0
    inspection.end()
    assert inspection.marked([good]) == [good]
