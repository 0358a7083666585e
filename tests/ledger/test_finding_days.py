"""Days of findings: entered once, revised by later stages, and due again with other readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding, Measured
from beemon.base.moments import LATEST_US, from_iso
from beemon.base.outcomes import Outcome
from beemon.base.readings import Reading
from beemon.ledger import events, finding_days, findings, hours, readings
from beemon.ledger.finding_days import Looked

DAY = date(2026, 6, 1)
SWARM = Finding(
    "swarm", FIRST, "apiary-7", "2026-06-01T12:15:00.000Z", "2026-06-01T12:25:00.000Z",
    "2026-06-01T12:55:00.000Z", "At 12:15 1.3 kg left.", "swarm", 1, device="sensor.scale",
    measured=(Measured("size", -1322.0, "g", 12.5, 3),), for_=("It was by day.",),
    against=("All of it left at once.",), unknown=("No bees are counted.",),
)
STOOD = replace(SWARM, stage=STANDS, told="2026-06-01T15:15:00.000Z")
BACK = replace(SWARM, stage=WITHDRAWN, told="2026-06-01T14:00:00.000Z", says="It came back.")
SUM = Finding(
    "day", STANDS, "apiary-7", "2026-06-01T00:00:00.000Z", "2026-06-02T00:00:00.000Z",
    "2026-06-02T06:00:00.000Z", "The hive lost 67 g.", "day", 1,
    measured=(Measured("net", -67.0, "g"),),
)


def enter(
    ledger, *found, readings="a", day=DAY, until="2026-06-03T00:00:00.000Z", is_whole=True,
    config="",
):
    looked = Looked(day.isoformat(), until, readings, is_whole, found, config)
    with ledger.transaction():
        return finding_days.enter(ledger, looked)


def stages(ledger, number):
    return [kept.found.stage for kept in findings.chain_of(ledger, number)]


def test_a_finding_is_dated_by_the_readings_and_keeps_its_day(ledger):
    [kept] = enter(ledger, SWARM)
    assert (kept.finding, kept.date, kept.readings) == (SWARM, DAY, "a")
    event = events.find(ledger, kept.number)
    assert event.at.utc_us == from_iso(SWARM.told)
    assert (event.facts["date"], event.facts["readings"]) == ("2026-06-01", "a")


def test_a_second_look_that_finds_the_same_enters_nothing(ledger):
    assert len(enter(ledger, SWARM, BACK, SUM)) == 3
    assert enter(ledger, SWARM, BACK, SUM) == []


def test_each_later_stage_revises_the_one_before(ledger):
    [first] = enter(ledger, SWARM)
    [later] = enter(ledger, SWARM, STOOD)
    assert later.finding == replace(STOOD, revises=first.number)
    assert stages(ledger, first.number) == stages(ledger, later.number) == [FIRST, STANDS]


def test_stages_that_are_found_together_are_the_same_chain(ledger):
    first, last = enter(ledger, SWARM, BACK)
    assert (first.finding.revises, last.finding.revises) == (None, first.number)


def test_a_finding_stays_if_the_config_no_longer_has_its_sensor(ledger):
    [first] = enter(ledger, SWARM, config="with a scale")
    assert enter(ledger, readings="b", config="without a scale") == []
    [gone] = enter(ledger, readings="b", config="with a scale")
    assert (gone.finding.stage, gone.finding.revises) == (WITHDRAWN, first.number)


def test_a_finding_that_other_readings_do_not_show_is_taken_back(ledger):
    [first, _] = enter(ledger, SWARM, SUM)
    [gone] = enter(ledger, SUM)
    assert gone.finding.stage == WITHDRAWN
    assert (gone.finding.says, gone.finding.revises) == (finding_days.GONE, first.number)
    assert enter(ledger, SUM) == []


def test_a_finding_is_not_taken_back_without_the_rule_that_made_it(ledger):
    enter(ledger, SWARM, SUM)
    assert enter(ledger, SUM, is_whole=False) == []


def test_a_look_by_an_earlier_time_takes_nothing_back(ledger):
    enter(ledger, SWARM, SUM)
    assert enter(ledger, SWARM, until="2026-06-02T05:59:59.999Z") == []


def test_the_stages_that_may_follow_are_known_after_a_restart(ledger):
    other = replace(SWARM, from_="2026-06-01T13:15:00.000Z")
    first, *_ = enter(ledger, SWARM, other, replace(other, stage=STANDS), SUM)
    assert finding_days.open_stages(ledger, from_iso(SWARM.told)) == [first]
    assert finding_days.open_stages(ledger, from_iso(SWARM.told) + 1000) == []


def test_a_finding_that_is_shown_again_is_in_force_again(ledger):
    enter(ledger, SWARM)
    enter(ledger)
    [again] = enter(ledger, SWARM)
    assert stages(ledger, again.number) == [FIRST, WITHDRAWN, FIRST]


def test_other_readings_change_the_last_stage_and_leave_it_the_last(ledger):
    enter(ledger, SWARM, STOOD)
    changed = [replace(each, says="1.4 kg left.") for each in (SWARM, STOOD)]
    entered = enter(ledger, *changed)
    assert [kept.finding.stage for kept in entered] == [FIRST, STANDS]
    assert enter(ledger, *changed) == []


def test_the_sum_of_a_day_knows_the_state_of_its_readings(ledger):
    enter(ledger, SUM)
    [again] = enter(ledger, SUM, readings="b")
    assert finding_days.sums(ledger, date(2026, 5, 1), date(2026, 6, 30)) == {DAY: again}
    assert finding_days.sums(ledger, date(2026, 6, 2), date(2026, 6, 30)) == {}


# The days that are due

NOW_US = from_iso("2026-06-10T07:00:00.000Z")
TODAY = date(2026, 6, 10)


def measure(ledger, *days, value=1.0, sensor="sensor.scale"):
    """A reading at noon of each of these days of June, and the sums of their hours."""
    found = []
    for day in days:
        at = from_iso(f"2026-06-{day:02}T12:00:00.000Z")
        stamp = Stamp(at, 1.0, Quality.SYNCHRONISED)
        found.append(Reading(sensor, "weight", "g", value, None, stamp))
    with ledger.transaction():
        readings.keep(ledger, 1, found)
        while hours.reckon(ledger, NOW_US):
            pass


def due(ledger):
    return [day.day for day in finding_days.due(ledger, TODAY, UTC)]


def look_at(ledger, *days):
    """Enter the sums of days as they are now."""
    for number in days:
        day = date(2026, 6, number)
        begin = f"{day.isoformat()}T00:00:00.000Z"
        state = finding_days.states(ledger, day, day, UTC)[day].readings
        told = f"{(day + timedelta(days=1)).isoformat()}T06:00:00.000Z"
        enter(ledger, replace(SUM, from_=begin, until=begin, told=told), day=day, readings=state)


def test_the_days_with_readings_are_due_until_they_have_their_sum(ledger):
    assert (due(ledger), finding_days.is_behind(ledger, TODAY, UTC)) == ([], False)
    measure(ledger, 7, 9, 10)
    assert (due(ledger), finding_days.is_behind(ledger, TODAY, UTC)) == ([7, 9], True)
    look_at(ledger, 7, 9)
    assert (due(ledger), finding_days.is_behind(ledger, TODAY, UTC)) == ([], False)


@pytest.mark.parametrize("day", ["zzzz", 20260609, None, {"a": 1}, "2999-01-01"])
def test_a_damaged_sum_hides_no_missed_day(ledger, day):
    measure(ledger, 9)
    with ledger.transaction():
        number = findings.enter(ledger, SUM, date=day, readings="")
    assert number
    assert finding_days.is_behind(ledger, TODAY, UTC)
    look_at(ledger, 9)
    assert not finding_days.is_behind(ledger, TODAY, UTC)


def test_a_new_day_has_the_day_before_it_looked_at_again(ledger):
    measure(ledger, 7, 8)
    look_at(ledger, 7, 8)
    measure(ledger, 9)
    assert due(ledger) == [8, 9]


def test_a_day_whose_readings_changed_is_due_with_those_after_it(ledger):
    measure(ledger, 6, 7, 8, 9)
    look_at(ledger, 6, 7, 8, 9)
    measure(ledger, 8, sensor="sensor.other")
    assert due(ledger) == [7, 8, 9]


def test_a_day_whose_readings_were_dated_elsewhere_is_due_once_more(ledger):
    measure(ledger, 5, 8)
    look_at(ledger, 5, 8)
    ledger.db.execute("DELETE FROM readings WHERE utc_us < ?", (NOW_US - 4 * 86_400_000_000,))
    ledger.db.execute("DELETE FROM hours WHERE hour < ?", (NOW_US // 3_600_000_000 - 4 * 24,))
    assert due(ledger) == [5, 8]
    enter(ledger, replace(SUM, from_="2026-06-05T00:00:00.000Z"), day=date(2026, 6, 5), readings="")
    assert due(ledger) == []


def test_readings_that_were_deleted_to_save_space_change_no_day(ledger):
    measure(ledger, 8, 9)
    look_at(ledger, 8, 9)
    ledger.db.execute("DELETE FROM readings")
    ledger.db.execute("UPDATE hours SET thinned = 1")
    assert due(ledger) == []


def test_a_day_that_lacks_a_rule_is_due_for_another_version_alone(ledger):
    measure(ledger, 9)
    day = date(2026, 6, 9)
    state = finding_days.states(ledger, day, day, UTC)[day].readings
    enter(ledger, SUM, day=day, readings=finding_days.with_defects(state))
    assert due(ledger) == []
    enter(ledger, SUM, day=day, readings=f"{state} without a rule in 0.0.1")
    assert due(ledger) == [9]


def test_a_day_of_thinned_readings_keeps_its_findings(ledger):
    measure(ledger, 8, 9)
    ledger.db.execute("UPDATE hours SET thinned = 1 WHERE hour < ?", (NOW_US // 3600e6 - 24,))
    assert due(ledger) == [9]


def test_the_days_are_those_of_the_zone(ledger):
    measure(ledger, 8)
    assert [day.day for day in finding_days.due(ledger, TODAY, ZoneInfo("Pacific/Kiritimati"))] \
        == [9]


def test_the_beekeepers_word_is_kept_with_the_swarm(ledger):
    swarm, day = enter(ledger, SWARM, SUM)
    with ledger.transaction():
        said = finding_days.enter_label(ledger, swarm.number, "yes")
        refused = finding_days.enter_label(ledger, day.number, "yes")
        unknown = finding_days.enter_label(ledger, 4711, "yes")
    assert said.outcome is Outcome.DONE
    assert (refused.outcome, refused.reason) == (Outcome.FAILED, "no-such-finding")
    assert unknown.reason == "no-such-finding"
    [told] = [one for one in findings.between(ledger, 0, LATEST_US) if one.label]
    assert (told.finding, told.label) == (swarm.number, "yes")


@pytest.mark.parametrize("facts", ["'{}'", "NULL", "'{\"date\": 5}'", "'[]'", "'{'"])
def test_a_damaged_sum_is_left_out(ledger, facts):
    _, day = enter(ledger, SWARM, SUM)
    ledger.db.execute(f"UPDATE events SET facts = {facts} WHERE event = ?", (day.number,))
    assert finding_days.sums(ledger, DAY, DAY) == {}
    assert len(enter(ledger, SWARM, SUM)) == 1
