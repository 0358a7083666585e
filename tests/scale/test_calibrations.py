"""Calibrations: steps become lines, in order, and what earlier runs kept goes on."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Sampled
from beemon.ledger import quarantine
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import Ledger
from beemon.scale.calibrations import (
    CONTINUED_SECONDS,
    Calibrations,
    Step,
    Told,
    UncalibratedError,
    kept_calibrations,
)

NOON_US = 1_780_315_200_000_000


def sampled(grams: float, spread: float = 1e-5, **more: Any) -> Sampled:
    """What a cell that says 42 counts a gram says under a load."""
    raw = 42 * grams - 213_400
    one = Sampled("bridge", "mV/V", raw / 2e6, raw, 5.0, 30.0, spread, 30)
    return replace(one, **more)


class Hive:
    """Calibrations whose clock is turned by hand, and the ledger's rows that came of them."""

    def __init__(self) -> None:
        self.kept: list[Made] = []
        self.seconds = 0.0
        self.restart()

    def restart(self) -> None:
        self.calibrations = Calibrations(self.kept[-1:], self.now)

    def now(self) -> Stamp:
        return Stamp(NOON_US + round(self.seconds * 1e6), self.seconds, Quality.SYNCHRONISED)

    def step(self, name: str, on_it: float, grams: float | None = None, tolerance: float = 0.0):
        step = Step("sensor.scale", name, grams, tolerance)
        return self.take(step, sampled(on_it))

    def take(self, step: Step, *measured: Sampled) -> Told:
        made, told = self.calibrations.take_step(len(self.kept) + 1, step, measured)
        self.kept.append(made)
        return told

    def weigh(self, grams: float) -> float:
        return self.calibrations.of("sensor.scale")["bridge"].value(sampled(grams).raw)


@pytest.fixture
def hive() -> Hive:
    return Hive()


def refused(hive: Hive, *step: Any) -> str:
    with pytest.raises(UncalibratedError) as caught:
        hive.step(*step)
    return caught.value.reason


def test_zero_and_weight_make_a_calibration_and_zero_alone_none(hive):
    assert hive.step("zero", 0).factor is None
    assert hive.calibrations.of("sensor.scale") == {}
    assert hive.calibrations.last_made("sensor.scale") is None
    facts = hive.step("weight", 10_000, 10_000, 5)
    assert facts.factor == pytest.approx(1 / 42)
    assert facts.grams == pytest.approx(10_000)
    assert facts.uncertainty == pytest.approx(5 / 3**0.5, rel=0.02)
    assert hive.weigh(34_000) == pytest.approx(34_000)
    assert hive.calibrations.last_made("sensor.scale") == "2026-06-01T12:00:00.000Z"


def test_each_calibration_names_its_job_and_keeps_its_points(hive):
    hive.step("zero", 0)
    hive.step("weight", 10_000, 10_000)
    first, second = hive.kept
    assert (first.quantity, first.facts["factor"], first.facts["step"]) == ("weight", None, "zero")
    assert second.facts["job"] == 2
    assert set(second.facts["points"]) == {"zero", "weight"}
    assert second.facts["points"]["weight"]["grams"] == 10_000
    assert hive.calibrations.of("sensor.scale")["bridge"].job == 2


def test_what_was_kept_goes_on_after_a_restart_in_the_middle_and_at_the_end(hive):
    hive.step("zero", 0)
    hive.restart()
    hive.step("weight", 10_000, 10_000)
    before = hive.calibrations.of("sensor.scale")
    hive.restart()
    assert hive.calibrations.of("sensor.scale") == before
    assert hive.calibrations.of("sensor.other") == {}


def test_a_new_zero_keeps_the_factor(hive):
    hive.step("zero", 0)
    hive.step("weight", 10_000, 10_000)
    hive.seconds = 1e7
    hive.step("zero", 250)
    assert hive.weigh(10_250) == pytest.approx(10_000)


def test_standing_changes_nothing_until_something_is_added(hive):
    hive.step("zero", 0)
    hive.step("weight", 10_000, 11_000)  # somebody misread the weight
    hive.seconds = 1e7
    hive.step("standing", 38_000)
    assert hive.weigh(10_000) == pytest.approx(11_000)
    hive.step("added", 43_000, 5000)
    assert hive.weigh(10_000) == pytest.approx(10_000)


@pytest.mark.parametrize("step", ["weight", "added"])
def test_a_step_needs_the_one_before_it_and_not_one_of_yesterday(hive, step):
    first = {"weight": "zero", "added": "standing"}[step]
    assert refused(hive, step, 10_000, 10_000) == "no-zero"
    hive.step(first, 0)
    hive.seconds = CONTINUED_SECONDS + 1
    assert refused(hive, step, 10_000, 10_000) == "no-zero"


def test_what_was_refused_changes_nothing(hive):
    hive.step("zero", 0)
    hive.step("weight", 10_000, 10_000)
    before = hive.calibrations.of("sensor.scale")
    assert refused(hive, "weight", 0, 10_000) == "not-moved"
    assert refused(hive, "added", 43_000, 5000) == "no-zero"
    assert hive.calibrations.of("sensor.scale") == before


def test_a_scale_that_moves_by_itself_is_refused(hive):
    with pytest.raises(UncalibratedError, match="wait until the wind") as caught:
        hive.take(Step("sensor.scale", "zero"), sampled(0, spread=0.002))
    assert caught.value.reason == "unsteady"


def test_one_converter_is_needed_and_no_more(hive):
    for measured in ([], [sampled(0), sampled(0, quantity="other")]):
        with pytest.raises(UncalibratedError) as caught:
            hive.take(Step("sensor.scale", "zero"), *measured)
        assert caught.value.reason == "not-a-scale"


def test_the_config_has_the_last_word(hive):
    step = Step("sensor.scale", "zero", is_in_config=lambda quantity: quantity == "bridge")
    with pytest.raises(UncalibratedError, match="remove it there") as caught:
        hive.take(step, sampled(0))
    assert caught.value.reason == "config-calibrates"


def test_another_converter_begins_anew(hive):
    hive.step("zero", 0)
    hive.take(Step("sensor.scale", "zero"), sampled(0, quantity="voltage0", unit="V", spread=0.0))
    assert hive.calibrations.of("sensor.scale") == {}
    assert hive.kept[-1].facts["of"] == "voltage0"


def test_a_ledger_that_turns_out_to_be_damaged_is_marked_for_the_next_start(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.prepare()
    ledger.close()
    assert kept_calibrations(tmp_path) == []
    (tmp_path / "ledger.db").write_bytes(b"no ledger" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        kept_calibrations(tmp_path)
    assert quarantine.marked(tmp_path) is not None
