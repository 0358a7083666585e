"""A scale is calibrated at the hive: over a real client, by the running service."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from beemon.base import clock
from beemon.base.clock import Quality, Stamp
from beemon.base.moments import US_PER_HOUR
from beemon.base.readings import Reading
from beemon.devices.sensors.simulated import outside_temperature, weight
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger
from tests.hive import Hive, until

SCALE = """
[sensor.scale]
driver = "simulated"
quantities = ["bridge"]
load_file = "{folder}/load"
"""


class Yard:
    """A service with a scale, and what lies on it."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.put(0)
        self.hive = Hive(folder, SCALE.format(folder=folder) + more)

    def put(self, grams: float) -> None:
        (self.folder / "load").write_text(str(grams))

    def reading(self) -> dict[str, Any]:
        """The scale's one reading, taken now."""
        assert self.hive.do("read sensor.scale")["outcome"] == "done"
        readings = {r["quantity"]: r for r in self.hive.ask("readings")["readings"]}
        return readings.get("weight") or readings["bridge"]


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path)
    with yard.hive:
        yield yard


def test_a_scale_is_calibrated_with_a_known_weight_and_stays_so(yard: Yard) -> None:
    hive = yard.hive
    assert yard.reading()["quantity"] == "bridge"
    assert hive.do("calibrate sensor.scale zero")["outcome"] == "done"
    yard.put(10_000)
    done = hive.do("calibrate sensor.scale weight 10kg 5g")
    assert done["outcome"] == "done"
    assert done["grams"] == pytest.approx(10_000, abs=3)
    yard.put(34_000)
    first = yard.reading()
    assert (first["quantity"], first["unit"]) == ("weight", "g")
    assert first["value"] == pytest.approx(34_000, abs=30)
    assert first["raw"] == pytest.approx(-213_400 + 34_000 * 42, abs=10_000)
    assert first["uncertainty"] == pytest.approx(10.0, abs=3)  # 34/10 of 5 g / sqrt 3
    assert hive.stop() == 0
    with hive:
        assert yard.reading()["calibration"] == first["calibration"]
        kept = hive.ask("calibrations sensor.scale")["calibrations"]
        assert [one["step"] for one in kept] == ["zero", "weight"]
        assert kept[-1]["calibration"] == first["calibration"]
    ledger = sqlite3.connect(hive.archive / "ledger.db")
    raws = ledger.execute("SELECT raw, value FROM readings ORDER BY utc_us").fetchall()
    assert all(raw is not None for raw, _ in raws)


KERNEL = """
[sensor.scale]
driver = "kernel"
device = "nau7802"
sysfs = "{folder}/sys"
samples = 5
"""


def test_a_converter_of_the_kernels_is_calibrated_alike(tmp_path: Path) -> None:
    device = tmp_path / "sys/bus/iio/devices/iio:device0"
    device.mkdir(parents=True)
    raw = device / "in_voltage0_raw"
    for file, text in (("name", "nau7802"), ("in_voltage_scale", "0.000196"), (raw.name, "90000")):
        (device / file).write_text(f"{text}\n")
    hive = Hive(tmp_path, KERNEL.format(folder=tmp_path))
    with hive:
        assert hive.do("calibrate sensor.scale zero")["outcome"] == "done"
        raw.write_text("510000\n")
        assert hive.do("calibrate sensor.scale weight 10kg")["outcome"] == "done"
        raw.write_text("300000\n")
        hive.do("read sensor.scale")
        [weighed] = hive.ask("readings")["readings"][-1:]
        assert (weighed["quantity"], weighed["value"]) == ("weight", pytest.approx(5000))
        assert weighed["raw"] == 300_000


class TestUnderLoad:
    def test_the_standing_hive_is_not_lifted(self, yard: Yard) -> None:
        hive = yard.hive
        assert hive.do("calibrate sensor.scale zero")["outcome"] == "done"
        yard.put(38_000)
        assert hive.do("calibrate sensor.scale standing")["outcome"] == "done"
        yard.put(43_000)
        added = hive.do("calibrate sensor.scale added 5kg 2g")
        assert added["outcome"] == "done"
        assert added["grams"] == pytest.approx(43_000, abs=40)
        assert yard.reading()["value"] == pytest.approx(43_000, abs=40)

    def test_nor_need_its_scale_ever_have_been_empty(self, yard: Yard) -> None:
        yard.put(38_000)
        yard.hive.do("calibrate sensor.scale standing 38kg 1kg")
        yard.put(43_000)
        added = yard.hive.do("calibrate sensor.scale added 11.023lb")
        assert added["grams"] == pytest.approx(43_000, abs=40)
        assert added["uncertainty"] == pytest.approx(1000 / 3**0.5, rel=0.02)

    def test_but_then_somebody_must_say_what_it_weighs(self, yard: Yard) -> None:
        yard.put(38_000)
        yard.hive.do("calibrate sensor.scale standing")
        yard.put(43_000)
        job = yard.hive.do("calibrate sensor.scale added 5kg")
        assert (job["outcome"], job["reason"]) == ("failed", "no-zero")
        assert yard.reading()["quantity"] == "bridge"


class TestRefused:
    def test_a_weight_that_moved_nothing(self, yard: Yard) -> None:
        yard.hive.do("calibrate sensor.scale zero")
        job = yard.hive.do("calibrate sensor.scale weight 10kg")
        assert (job["outcome"], job["reason"]) == ("failed", "not-moved")
        assert "accurate to ±" in job["message"]

    def test_a_weight_before_the_zero(self, yard: Yard) -> None:
        job = yard.hive.do("calibrate sensor.scale weight 10kg")
        assert (job["outcome"], job["reason"]) == ("failed", "no-zero")

    def test_what_the_config_calibrates(self, tmp_path: Path) -> None:
        given = '[sensor.scale.calibration.bridge]\nquantity = "weight"\nunit = "g"\nfactor = 2.0\n'
        yard = Yard(tmp_path, given)
        with yard.hive as hive:
            job = hive.do("calibrate sensor.scale zero")
            assert (job["outcome"], job["reason"]) == ("failed", "config-calibrates")
            assert yard.reading()["quantity"] == "weight"

    def test_what_counts_or_has_no_converter(self, tmp_path: Path) -> None:
        yard = Yard(tmp_path, '[sensor.air]\ndriver = "simulated"\n')
        with yard.hive as hive:
            assert hive.do("calibrate sensor.air zero")["reason"] == "not-a-scale"

    def test_a_scale_that_does_not_answer(self, tmp_path: Path) -> None:
        yard = Yard(tmp_path)
        (tmp_path / "load").unlink()
        with yard.hive as hive:
            job = hive.do("calibrate sensor.scale zero")
            assert (job["outcome"], job["reason"]) == ("failed", "device-error")

    def test_a_drift_that_has_no_temperature(self, yard: Yard) -> None:
        assert yard.hive.do("calibrate sensor.scale temperature")["reason"] == "no-temperature"

    def test_a_drift_without_nights(self, tmp_path: Path) -> None:
        weighing = '[sensor.scale.weighing]\ntemperature = "sensor.scale"\n'
        yard = Yard(tmp_path, weighing)
        with yard.hive as hive:
            job = hive.do("calibrate sensor.scale temperature")
            assert (job["outcome"], job["reason"]) == ("failed", "no-fit")
            assert "0 whole nights" in job["message"] or "the clock is unsure" in job["message"]


DRIFTING = """
[sensor.hive]
driver = "simulated"
[sensor.hive.weighing]
temperature = "sensor.hive outside_temperature"
"""


def test_a_drift_is_fitted_and_taken_out_beside_the_weight(tmp_path: Path) -> None:
    (tmp_path / clock.CONFIRMED).touch()  # as where systemd says that the clock is right
    hive = Hive(tmp_path, DRIFTING, RUNTIME_DIRECTORY=str(tmp_path))
    _fill(hive.archive)
    with hive:
        job = hive.do("calibrate sensor.hive temperature")
        assert job["outcome"] == "done"
        assert job["slope"] == pytest.approx(15, abs=1)
        hive.do("read sensor.hive")
        said = {r["quantity"]: r for r in hive.ask("readings")["readings"]}
        weight, beside = said["weight"], said["weight_compensated"]
        warmth = said["outside_temperature"]["value"]
        assert beside["raw"] == weight["value"]
        drift = job["slope"] * (warmth - job["reference"])
        assert beside["value"] == pytest.approx(weight["value"] - drift, abs=0.01)
        [kept] = hive.ask("calibrations")["calibrations"]
        assert beside["calibration"] == kept["calibration"]
        assert hive.stop() == 0
        with hive:
            hive.do("read sensor.hive")
            quantities = [r["quantity"] for r in hive.ask("readings")["readings"]]
            assert "weight_compensated" in quantities


@contextmanager
def _ledger(archive: Path) -> Iterator[Ledger]:
    """What an earlier run left behind."""
    archive.mkdir(parents=True)
    ledger = Ledger(archive)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
        yield ledger
    ledger.close()


def _fill(archive: Path) -> None:
    """Twenty days of a scale that drifts by 15 g/K."""
    at = clock.stamp()
    with _ledger(archive) as ledger:
        for hours in range(1, 20 * 24):
            then = Stamp(at.utc_us - hours * US_PER_HOUR, 0.0, Quality.SYNCHRONISED)
            warm = outside_temperature(1, then.utc_us / 1e6)
            grams = weight(1, then.utc_us / 1e6) + 15 * warm
            series.keep(ledger, 1, [
                Reading("sensor.hive", "weight", "g", grams, None, then),
                Reading("sensor.hive", "outside_temperature", "°C", warm, None, then),
            ])


def test_a_swarm_that_the_ledger_tells_of_is_an_event_and_seen_in_status(tmp_path: Path) -> None:
    hive = Hive(tmp_path, '[sensor.hive]\ndriver = "simulated"\n[sensor.hive.weighing]\n')
    at = clock.stamp()
    with _ledger(hive.archive) as ledger:
        for minutes in range(40, 240):
            then = Stamp(at.utc_us - minutes * 60_000_000, 0.0, Quality.SYNCHRONISED)
            grams = 35_000 + minutes % 3 - 2000 * min(max((120 - minutes) / 15, 0.0), 1.0)
            series.keep(ledger, 1, [Reading("sensor.hive", "weight", "g", grams, None, then)])
    with hive:
        [event] = until(lambda: hive.ask("events 1d weight")["events"])
        assert event["facts"]["step"] in ("swarm", "loss")  # by night
        assert event["facts"]["grams"] == pytest.approx(-2000, abs=20)
        step = until(lambda: hive.ask("status")["devices"]["sensor.hive"].get("step"))
        assert step["grams"] == event["facts"]["grams"]
        assert event["message"].removeprefix("sensor.hive: ") in hive.said()
