"""Drivers that other packages bring: installed beside beemon, found by their entry points."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.devices import BrokenDriverError, UnknownDriverError, load, module, settings_for
from beemon.devices._base import Measurement, Sensor
from tests.hive import Hive
from tests.plugins import install

SCALE = """
from beemon.devices._base import Measurement, Sensor, SensorSettings as Settings

class Driver(Sensor):
    def read(self):
        return [Measurement("weight", 30_000.0, "g")]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def test_a_package_adds_a_driver(site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_a\n", hive_scale_a=SCALE)
    scale = load("sensor", "sensor.scale", {"driver": "scale"})
    assert isinstance(scale, Sensor)
    assert scale.read() == [Measurement("weight", 30_000.0, "g")]


def test_it_is_of_its_kind_only(site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_b\n", hive_scale_b=SCALE)
    with pytest.raises(UnknownDriverError, match='unknown camera driver "scale"'):
        module("camera", "scale")


def test_a_wrong_word_is_held_against_those_of_packages_too(site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_c\n", hive_scale_c=SCALE)
    with pytest.raises(UnknownDriverError, match='did you mean "scale"'):
        module("sensor", "scael")


def test_a_package_cannot_take_the_place_of_a_driver_of_beemons_own(site: Path) -> None:
    install(site, "[beemon.sensors]\nkernel = hive_scale_d\n", hive_scale_d=SCALE)
    assert module("sensor", "kernel").__name__ == "beemon.devices.sensors.kernel"


def test_one_that_cannot_be_loaded_is_a_problem_of_the_config_that_names_it(site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_e\n", hive_scale_e="import no_such_thing")
    with pytest.raises(BrokenDriverError, match="hive-scale cannot be loaded: No module named"):
        module("sensor", "scale")
    _, [problem] = settings_for("sensor", "sensor.scale", {"driver": "scale"}, str)
    assert "hive-scale cannot be loaded" in problem.message


@pytest.mark.process
def test_the_service_reads_it_like_any_other(tmp_path: Path, site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_f\n", hive_scale_f=SCALE)
    with Hive(tmp_path, '[sensor.hive]\ndriver = "scale"\n', PYTHONPATH=str(site)) as hive:
        assert hive.do("read")["readings"] == {"sensor.hive weight": 30_000.0}
        hive.stop()
