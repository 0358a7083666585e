"""Tooting: three recordings of one night with toots are a finding, and one or two are not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from beemon.base.finding import Measured
from beemon.insights.hive_day import HOUR, Found, Told, Value
from beemon.insights.tooting import find_tooting
from tests.insights.days import hive_day

TOLD = Told("h", {})
DAY = date(2026, 6, 1)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
AFTERSWARM = "An afterswarm can go on any warm day."


def recorded(
    toots: Mapping[float, float], *, without: tuple[float, float] = (0, 0), every: float = 0.25
) -> list[Value]:
    """A recording each quarter of an hour on two days, with toots in those at the hours named."""
    hours = [number * every for number in range(round(48 / every))]
    return [
        Value(BEGIN + hour * HOUR, toots.get(hour, 0.0)) for hour in hours
        if not without[0] <= hour < without[1]
    ]


def found_in(*microphones: list[Value], until: float = 30.0, **known: object) -> Found:
    values = {(f"microphone.{n}", "toots"): heard for n, heard in enumerate(microphones)}
    return find_tooting(hive_day(DAY, TOLD, values, until=BEGIN + until * HOUR, **known))


def test_toots_in_three_recordings_of_a_night_are_a_finding():
    found = found_in(recorded({22.0: 2, 26.5: 1, 28.75: 4}))
    (finding,) = found.findings
    assert (finding.kind, finding.stage, finding.device) == ("tooting", "stands", "microphone.0")
    assert finding.says == (
        f"Toots of a young queen were heard in 3 of 28 recordings of the night. {AFTERSWARM}"
    )
    assert (finding.from_, finding.until) == (
        "2026-06-01T22:00:00.000Z", "2026-06-02T05:00:00.000Z",
    )
    assert finding.told == finding.until
    assert finding.measured == found.measured == (Measured("toots", 7.0, "", n=28),)
    assert found.sentences == (finding.says,)


def test_many_toots_in_two_recordings_are_no_finding():
    found = found_in(recorded({23.0: 9, 23.25: 12}))
    assert (found.findings, found.sentences) == ((), ())
    assert found.measured == (Measured("toots", 21.0, "", n=28),)


def test_toots_by_day_are_no_finding():
    found = found_in(recorded({12.0: 3, 13.0: 3, 21.75: 3, 29.0: 3}))
    assert (found.findings, found.measured) == ((), (Measured("toots", 0.0, "", n=28),))


def test_nothing_is_told_before_the_night_is_over():
    heard = recorded({22.0: 2, 22.25: 1, 22.5: 4})
    assert found_in(heard, until=28.9) == Found()
    assert found_in(heard, until=29.0).findings == found_in(heard, until=60.0).findings != ()


def test_toots_of_different_microphones_are_not_added_up():
    first, second = recorded({23.0: 1, 24.0: 1}), recorded({25.0: 1, 26.0: 1})
    assert found_in(first, second).findings == ()
    heard = recorded({23.0: 1, 24.0: 1, 25.0: 1})
    found = found_in(first, heard)
    assert [finding.device for finding in found.findings] == ["microphone.1"]
    assert found.measured == (Measured("toots", 5.0, "", n=56),)


def test_a_night_with_too_few_recordings_is_no_finding_and_said():
    found = found_in(recorded({22.0: 2, 26.5: 1, 28.75: 4}, without=(22.25, 24.0)))
    assert (found.findings, found.measured) == ((), ())
    assert found.unknown == ("Not enough was measured (21 of 28) of the sound of the night.",)
    assert found_in(recorded({22.0: 2, 26.5: 1, 28.75: 4}, without=(22.25, 23.5))).findings


@pytest.mark.parametrize("microphones", [[], [recorded({}, without=(20.0, 30.0))]])
def test_a_night_without_recordings_is_not_known(microphones):
    found = found_in(*microphones)
    assert (found.findings, found.sentences, found.measured) == ((), (), ())
    assert found.unknown == ("The sound of the night was not measured.",)


def test_the_night_before_is_evidence_for_it():
    heard = recorded({22.0: 2, 26.5: 1, 28.75: 4})
    for before, evidence in ((3.0, ("In the night before, 3 toots were heard.",)), (0.0, ())):
        found = found_in(heard, past=[{"toots": Measured("toots", before, "", n=28)}])
        assert found.findings[0].for_ == evidence
    assert found_in(heard, past=[{}]).findings[0].for_ == ()


def test_nothing_is_said_of_a_prime_swarm():
    (finding,) = found_in(recorded({22.0: 2, 26.5: 1, 28.75: 4})).findings
    said = " ".join((finding.says, *finding.for_, *finding.against, *finding.unknown))
    assert said.count("swarm") == said.count("afterswarm") == 1
