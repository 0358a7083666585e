"""The scales' watch: what happened to a hive becomes one event, with what else is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Calibration, Reading
from beemon.base.status import WeightStep
from beemon.base.sun import Place
from beemon.config.settings import DeviceSettings, Weighing
from beemon.ledger import calibrations, events, inspections
from beemon.ledger import readings as series
from beemon.ledger.calibrations import Made
from beemon.ledger.looks import Looks
from beemon.scale import watch
from beemon.scale.watch import KIND, LOOK_SECONDS, Scales
from tests.book import HOUR, MINUTE, NOON, SECOND, Book

WEIGHING = Weighing(rain="sensor.rain", lid="sensor.lid", entrance="sensor.entrance")


DEVICES = {
    "sensor.scale": DeviceSettings(
        name="sensor.scale", kind="sensor", table={}, lines={}, weighing=WEIGHING
    )
}
OTHER_SIDE = Place(52.5, -166.6)
"""Where it is night at this noon."""


class Apiary:
    """A ledger with a scale's readings, and the watch over it."""

    def __init__(self, folder: Path) -> None:
        self.book = Book(folder)
        self.book.start_without_account(NOON - 4 * HOUR)
        self.told: dict[str, WeightStep] = {}
        self.light: list[int] = []
        self.scales = Scales(
            DEVICES, Place(52.5, 13.4), self.write, Looks(self.write),
            self.told.__setitem__, self.light.append,
        )

    def write(self, write, written) -> None:
        with self.book.ledger.transaction() as ledger:
            result = write(ledger)
        written(result)

    def keep(
        self, sensor: str, quantity: str, minute: int, value: float,
        calibration: Calibration | None = None,
    ) -> None:
        at = Stamp(NOON + minute * MINUTE, minute * 60.0 + 20_000, Quality.SYNCHRONISED)
        reading = Reading(sensor, quantity, "g", value, None, at, uncertainty=5.0,
                          calibration=calibration)
        with self.book.ledger.transaction() as ledger:
            series.keep(ledger, 1, [reading])

    def weigh(self, change: float, begin: int = 0, minutes: int = 15) -> None:
        """Four hours around noon, in which so much comes or goes."""
        for minute in range(-120, 120):
            share = min(max((minute - begin) / minutes, 0.0), 1.0)
            self.keep("sensor.scale", "weight", minute, 35_000 + minute % 3 + share * change)

    def look(self, after: float = 0.0) -> list[str]:
        """What is entered when it is two hours past noon, or later."""
        seconds = 7200.0 + after
        at = Stamp(NOON + round(seconds * SECOND), 20_000 + seconds, Quality.SYNCHRONISED)
        self.scales.look_for_steps(at)
        return [event.facts["step"] for event in events.since(self.book.ledger, 0, 99, KIND)]


@pytest.fixture
def apiary(tmp_path: Path) -> Iterator[Apiary]:
    apiary = Apiary(tmp_path)
    yield apiary
    apiary.book.ledger.close()


def test_a_swarm_becomes_one_event_however_often_it_is_looked(apiary, caplog):
    apiary.weigh(-2000)
    assert apiary.look() == ["swarm"]
    assert apiary.look(after=LOOK_SECONDS) == ["swarm"]
    assert apiary.look(after=2 * LOOK_SECONDS) == ["swarm"]
    [event] = events.since(apiary.book.ledger, 0, 99, KIND)
    assert event.device == "sensor.scale"
    assert event.at.utc_us == pytest.approx(NOON, abs=5 * MINUTE)
    assert event.at.monotonic == pytest.approx(20_000 + (event.at.utc_us - NOON) / 1e6)
    assert event.facts["grams"] == pytest.approx(-2000, abs=20)
    assert event.message.startswith("sensor.scale: swarm candidate: -2.00 kg ± 0.")
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "swarm candidate" in record.getMessage()


def test_status_is_told_of_it_and_again_after_a_restart(apiary):
    apiary.weigh(-2000)
    apiary.look()
    assert apiary.told["sensor.scale"].step == "swarm"
    apiary.told.clear()
    apiary.scales._next_look = 0.0
    apiary.look()
    assert apiary.told["sensor.scale"].grams == pytest.approx(-2000, abs=20)


def test_a_hive_that_lost_half_of_its_weight_for_an_hour_is_told_once(apiary):
    apiary.weigh(-20_000, begin=30)
    apiary.look(after=-3600.0)
    assert apiary.light == []
    apiary.look()
    apiary.look(after=LOOK_SECONDS)
    [light_us] = apiary.light
    assert light_us == pytest.approx(NOON + 60 * MINUTE, abs=MINUTE)


@pytest.mark.parametrize(("change", "begin"), [(-20_000, 75), (-15_000, 30)])
def test_one_that_is_light_for_less_or_not_by_half_is_not_told(apiary, change, begin):
    apiary.weigh(change, begin=begin)
    apiary.look()
    assert apiary.light == []


def test_it_is_not_looked_more_often_than_needed(apiary):
    assert apiary.look() == []
    apiary.weigh(-2000)
    assert apiary.look(after=LOOK_SECONDS - 1) == []
    assert apiary.look(after=LOOK_SECONDS) == ["swarm"]


@pytest.mark.parametrize(
    ("quality", "kind"), [(Quality.UNSURE, "swarm"), (Quality.SYNCHRONISED, "loss")]
)
def test_by_an_unsure_clock_it_might_be_day(apiary, quality, kind):
    apiary.weigh(-2000)
    apiary.scales.change(DEVICES, OTHER_SIDE)
    apiary.scales.look_for_steps(Stamp(NOON + 2 * HOUR, 27_200.0, quality))
    [event] = events.since(apiary.book.ledger, 0, 99, KIND)
    assert (event.facts["step"], event.at.quality) == (kind, quality)


def test_who_said_to_be_at_the_hive_was_no_swarm(apiary):
    apiary.weigh(-2000)
    with apiary.book.ledger.transaction() as ledger:
        inspections.enter_begin(ledger, "", Stamp(NOON - MINUTE, 19_940.0, Quality.SYNCHRONISED))
        inspections.enter_end(
            ledger, "", Stamp(NOON + 20 * MINUTE, 21_200.0, Quality.SYNCHRONISED)
        )
    assert apiary.look() == ["inspection"]


def test_a_lid_that_was_off_was_no_swarm(apiary):
    apiary.weigh(-2000)
    for minute in range(-120, 120, 5):
        apiary.keep("sensor.lid", "contact", minute, float(not 0 <= minute <= 15))
    assert apiary.look() == ["inspection"]


@pytest.mark.parametrize(("out", "kind"), [(500.0, "swarm"), (0.0, "loss")])
def test_counters_tell_a_swarm_from_a_loss(apiary, out, kind):
    apiary.weigh(-2000)
    for minute in range(-120, 120, 5):
        apiary.keep("sensor.entrance", "bees_out", minute, 100.0 + out)
        apiary.keep("sensor.entrance", "bees_in", minute, 100.0)
    assert apiary.look() == [kind]


@pytest.mark.parametrize(("rain", "kinds"), [(0.0, []), (0.5, ["rain"])])
def test_a_rain_gauge_tells_rain(apiary, rain, kinds):
    apiary.weigh(500, minutes=40)
    for minute in range(-120, 120, 5):
        apiary.keep("sensor.rain", "rain", minute, rain)
    assert apiary.look() == kinds


def test_another_calibration_is_no_step(apiary):
    for minute in range(-120, 120):
        used = Calibration(0.0, 1.0 if minute < 0 else 0.9)
        apiary.keep("sensor.scale", "weight", minute, (40_000 + minute % 3) * used.factor, used)
    assert apiary.look() == []


def test_who_calibrates_the_scale_puts_weights_on_it(apiary):
    apiary.weigh(5000, minutes=1)
    facts = {"job": 7, "zero": 0.0, "factor": 1.0, "points": {}}
    made = Made("sensor.scale", "weight", NOON + 10 * MINUTE, Quality.SYNCHRONISED, facts)
    with apiary.book.ledger.transaction() as ledger:
        calibrations.enter(ledger, made)
    assert apiary.look() == []


def test_the_sun_is_asked_where_the_hive_stands():
    noon, midnight = NOON / 1e6, NOON / 1e6 + 12 * 3600
    for place in (Place(52.5, 13.4), None):
        is_day = watch.day_at(place)
        assert is_day(noon)
        assert not is_day(midnight)
    north = watch.day_at(Place(78.0, 15.6))
    assert north(midnight)
