"""The table [power]: its stages, or everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.base.status import PowerStage
from beemon.config import settings as config
from beemon.config.power import HaltSettings, PowerSettings, SavingSettings, StageSettings
from beemon.config.settings import ConfigError

BATTERY = """
[sensor.battery]
driver = "simulated"
schedule = { interval = "1m" }
[power]
sensor = "sensor.battery"
quantity = "voltage"
"""
SAVING = """
[power.saving]
below = 12.2
until = 12.5
"""
NO_VIDEO = """
[power.no-video]
below = 12.0
until = 12.4
"""


def load(folder: Path, text: str) -> PowerSettings | None:
    (folder / "beemon.toml").write_text(text)
    return config.load(folder / "beemon.toml").power


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return [str(problem).partition("/beemon.toml:")[2] for problem in caught.value.problems]


def test_no_power_is_saved_without_the_table(tmp_path):
    assert load(tmp_path, BATTERY.partition("[power]")[0]) is None


def test_the_stages_are_in_order_whatever_the_order_in_the_file(tmp_path):
    assert load(tmp_path, BATTERY + NO_VIDEO + SAVING + "every = 3\n") == PowerSettings(
        sensor="sensor.battery", quantity="voltage", stages={
            PowerStage.SAVING: SavingSettings(below=12.2, until=12.5, every=3),
            PowerStage.NO_VIDEO: StageSettings(below=12.0, until=12.4),
        },
    )


def test_a_part_in_another_file_changes_one_threshold(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/winter.toml").write_text("[power.saving]\nbelow = 12.3\n")
    power = load(tmp_path, BATTERY + SAVING)
    assert power is not None
    assert power.stages[PowerStage.SAVING].below == 12.3


def test_a_stage_can_begin_above_a_value(tmp_path):
    power = load(tmp_path, BATTERY + "[power.no-video]\nabove = 80\nuntil = 70\n")
    assert power is not None
    stage = power.stages[PowerStage.NO_VIDEO]
    assert [stage.begins(value) for value in (80, 80.1)] == [False, True]
    assert [stage.ends(value) for value in (70, 69.9)] == [False, True]


def test_a_stage_below_a_value_ends_above_another(tmp_path):
    power = load(tmp_path, BATTERY + SAVING)
    assert power is not None
    stage = power.stages[PowerStage.SAVING]
    assert [stage.begins(value) for value in (12.2, 12.1)] == [False, True]
    assert [stage.ends(value) for value in (12.5, 12.6)] == [False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BATTERY, '5: needs a stage, such as [power.saving]'),
        (BATTERY.replace('quantity = "voltage"', "") + SAVING,
         '5: option "quantity" is missing: the quantity of the sensor that decides'),
        (BATTERY.replace('"sensor.battery"', '"sensor.batery"') + SAVING,
         '6: there is no device "sensor.batery"; did you mean "sensor.battery"?'),
        (BATTERY.replace('"sensor.battery"', '"camera.a"') + SAVING,
         '6: "sensor" must be a sensor such as "sensor.rain", not "camera.a"'),
        (BATTERY.replace("voltage", "state of charge") + SAVING,
         '7: "quantity" must be a quantity such as "voltage", not "state of charge"'),
        (BATTERY.replace('schedule = { interval = "1m" }', "") + SAVING,
         "2: [sensor.battery] needs a schedule, because [power] depends on it"),
        (BATTERY.replace('"1m"', '"12h"') + SAVING,
         "5: [sensor.battery] is read less often than the time of \"silence\""),
        (BATTERY + SAVING.replace("saving", "savin"),
         '9: unknown stage "savin"; did you mean "saving"?'),
        (BATTERY + 'hold = "2d"\n' + SAVING, '8: "hold" must be at most 1d, not "2d"'),
        (BATTERY + 'silence = "1s"\n' + SAVING,
         '8: "silence" must be between 1m and 7d, not "1s"'),
        (BATTERY + "[power.saving]\nbelow = 12\n",
         '8: option "until" is missing: the value at which the stage ends'),
        (BATTERY + "[power.saving]\nuntil = 12\n",
         '8: needs "below", the value at which the stage begins; or "above", if it begins at a '
         "high value, such as a temperature"),
        (BATTERY + "[power.saving]\nbelow = 12\nabove = 13\nuntil = 12.5\n",
         '8: needs either "below" or "above", not both'),
        (BATTERY + "saving = 3\n", "8: power.saving must be a table, [power.saving], not 3"),
        (BATTERY + "halt = true\n", "8: power.halt must be a table, [power.halt], not true"),
        (BATTERY + "[power.saving]\nbelow = 12\nuntil = 12\n",
         '8: "until" must be greater than "below", 12, not 12: otherwise the stage changes with '
         "every small change of the value"),
        (BATTERY + "[power.saving]\nabove = 70\nuntil = 71\n",
         '8: "until" must be less than "above", 70, not 71: otherwise the stage changes with '
         "every small change of the value"),
        (BATTERY + "[power.no-video]\nbelow = 12\nuntil = 12.5\nevery = 4\n",
         '11: unknown option "every"; known: above, below, until'),
        (BATTERY + SAVING + NO_VIDEO.replace("12.0", "12.3"),
         "13: [power.no-video] must begin below [power.saving], at 12.2, and end no later than it, "
         "at 12.5: it saves more"),
        (BATTERY + SAVING + NO_VIDEO.replace("12.4", "12.6"),
         "13: [power.no-video] must begin below [power.saving], at 12.2, and end no later than it, "
         "at 12.5: it saves more"),
        (BATTERY + SAVING + "[power.sensors-only]\nabove = 80\nuntil = 70\n",
         '12: [power.saving] and [power.sensors-only] must both have "below" or both "above"'),
    ],
)
def test_a_mistake_is_said_with_its_line(tmp_path, text, said):
    assert problems(tmp_path, text) == [said]


def test_a_halt_may_be_the_only_stage(tmp_path):
    found = load(tmp_path, BATTERY + '[power.halt]\nbelow = 11.6\nrest = "2h"\n')
    assert found
    assert found.halt == HaltSettings(below=11.6, rest=7200.0)
    assert not found.stages


@pytest.mark.parametrize(("halt", "problem"), [
    ("below = 12.1", "[power.halt] must begin below [power.no-video], 12"),
    ("above = 15.0", "[power.halt] must begin below [power.no-video], 12"),
    ('below = 11.6\nrest = "1m"', '"rest" must be between 10m and 7d, not "1m"'),
    ("below = 11.6\nuntil = 12.0", 'unknown option "until"'),
])
def test_a_halt_comes_after_every_stage_and_has_options_of_its_own(tmp_path, halt, problem):
    (said,) = problems(tmp_path, BATTERY + NO_VIDEO + f"[power.halt]\n{halt}\n")
    assert problem in said
