"""The power profile: which stage the values ask for, in a time that the test tells."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.status import PowerStage
from beemon.config.power import PowerSettings, SavingSettings, StageSettings
from beemon.orchestrator.profile import Profile

FULL, SAVING, NO_VIDEO, SENSORS_ONLY = PowerStage
BATTERY = PowerSettings(
    sensor="sensor.battery", quantity="voltage", hold=120.0,
    stages={
        SAVING: SavingSettings(below=12.2, until=12.5),
        NO_VIDEO: StageSettings(below=12.0, until=12.4),
        SENSORS_ONLY: StageSettings(below=11.8, until=12.2),
    },
)
HEAT = PowerSettings(
    sensor="sensor.system", quantity="cpu_temperature", hold=120.0,
    stages={NO_VIDEO: StageSettings(above=80.0, until=70.0)},
)


def stages(profile: Profile, values: Iterable[float], since: float = 1000.0) -> list[PowerStage]:
    """The stage after each of these values, which come once a minute."""
    found = []
    for minute, value in enumerate(values):
        profile.take(value, since + 60 * minute)
        found.append(profile.stage)
    return found


@pytest.fixture
def profile() -> Profile:
    """That of a battery that was full when the service started."""
    profile = Profile(BATTERY)
    profile.take(13.0, 0.0)
    return profile


def test_a_full_battery_saves_nothing(profile):
    assert stages(profile, [13.0, 12.2, 12.6]) == [FULL] * 3


def test_a_stage_begins_when_its_condition_has_held(profile):
    assert stages(profile, [12.1, 12.1, 12.1]) == [FULL, FULL, SAVING]


def test_one_wild_value_changes_nothing(profile):
    assert stages(profile, [12.1, 3.0, 13.0, 12.1, 12.1, 12.1]) == [FULL] * 5 + [SAVING]


def test_it_ends_only_above_its_second_threshold(profile):
    assert stages(profile, [12.1] * 3 + [12.3] * 9)[-1] is SAVING
    assert stages(profile, [12.6] * 3, 9000.0) == [SAVING, SAVING, FULL]


def test_an_empty_battery_enters_the_stage_that_saves_most(profile):
    assert stages(profile, [11.0] * 3)[-1] is SENSORS_ONLY


def test_the_stages_follow_a_battery_down_and_up_again(profile):
    down = stages(profile, [v for v in (12.1, 11.9, 11.7) for _ in range(3)])
    assert down[2::3] == [SAVING, NO_VIDEO, SENSORS_ONLY]
    up = stages(profile, [v for v in (12.1, 12.3, 12.45, 12.6) for _ in range(3)], 9000.0)
    assert up[2::3] == [SENSORS_ONLY, NO_VIDEO, SAVING, FULL]


def test_values_that_come_too_seldom_still_need_two(profile):
    profile.take(12.1, 3600.0)
    assert profile.stage is FULL
    profile.take(12.1, 7200.0)
    assert profile.stage is SAVING


def test_the_first_value_begins_a_stage_at_once():
    assert stages(Profile(BATTERY), [11.5]) == [SENSORS_ONLY]


def test_the_first_value_ends_no_stage():
    profile = Profile(BATTERY, SENSORS_ONLY)
    assert stages(profile, [13.0, 13.0, 13.0]) == [SENSORS_ONLY, SENSORS_ONLY, FULL]


def test_a_stage_that_was_left_over_brings_those_before_it():
    profile = Profile(BATTERY, NO_VIDEO)
    assert profile.stage is NO_VIDEO
    assert stages(profile, [12.45] * 3)[-1] is SAVING


def test_a_stage_that_the_config_has_not_becomes_the_next_milder_one():
    only_saving = PowerSettings(
        sensor="sensor.battery", quantity="voltage", stages={SAVING: BATTERY.stages[SAVING]}
    )
    assert Profile(only_saving, SENSORS_ONLY).stage is SAVING
    assert Profile(HEAT, SAVING).stage is FULL


def test_heat_begins_above_and_ends_below():
    profile = Profile(HEAT)
    assert stages(profile, [60.0, 81.0, 81.0, 81.0]) == [FULL, FULL, FULL, NO_VIDEO]
    assert stages(profile, [75.0, 69.0, 69.0, 69.0], 9000.0) == [NO_VIDEO] * 3 + [FULL]


@given(st.lists(st.floats(10.0, 14.0), max_size=60))
def test_a_value_between_both_thresholds_never_changes_a_stage(values):
    profile = Profile(BATTERY)
    for minute, value in enumerate(values):
        before = profile.stage
        profile.take(value, 60.0 * minute)
        if profile.stage.includes(before) and profile.stage is not before:
            assert value < BATTERY.stages[profile.stage].threshold
        elif profile.stage is not before:
            assert value > BATTERY.stages[before].until
