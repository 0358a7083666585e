"""Records: the service's replies as the engine takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beemon.base.facts import to_json
from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding
from beemon.protocol.replies import EventFacts
from beemon.uplink.destinations.alerts import records

SWARM = Finding(
    "swarm", FIRST, "apiary-7", "2026-06-01T12:15:00.000Z", "2026-06-01T12:45:00.000Z",
    "2026-06-01T12:45:00.000Z", "At 12:15 1.3 kg left.", "swarm", 1, "sensor.scale",
)


def event(kind: str, finding: Finding) -> EventFacts:
    return EventFacts(
        7, "2026-06-01T12:46:00.000Z", "synchronised", kind, finding.says, to_json(finding),
        finding.device,
    )


@pytest.mark.parametrize(("stage", "is_withdrawn"), [
    (FIRST, False), (STANDS, False), (WITHDRAWN, True),
])
def test_a_finding_has_its_kind_and_its_matter_at_each_stage(stage, is_withdrawn):
    later = replace(SWARM, stage=stage, until="2026-06-01T15:15:00.000Z", says="It stands.")
    found = records.happened(event("finding", later)).found
    first = records.happened(event("finding", SWARM)).found
    assert found is not None
    assert first is not None
    assert (found.kind, found.is_withdrawn) == ("swarm", is_withdrawn)
    assert found.matter == first.matter


def test_another_event_is_no_finding():
    assert records.happened(event("weight", SWARM)).found is None
