"""Drivers that other packages bring: installed beside beemon, found by their entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from beemon.devices import BrokenDriverError, UnknownDriverError, load, module, settings_for
from beemon.devices._base import Measurement, Sensor
from tests.hive import Hive, until
from tests.plugins import install

SCALE = """
from beemon.devices._base import Measurement, Sensor, SensorSettings as Settings

class Driver(Sensor):
    def read(self):
        return [Measurement("weight", 30_000.0, "g")]
"""

DEFECT = """
class Settings(Settings):
    def __init__(self, **options):
        options["port"]
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


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_thing", "cannot be loaded: No module named 'no_such_thing'"),
        ("raise RuntimeError('not a Pi')", "cannot be loaded: RuntimeError: not a Pi"),
        ("a b", "cannot be loaded: SyntaxError: invalid syntax"),
        ("Settings = int", "cannot be used: hive_scale_e has no Settings of the class Common"),
        (SCALE.replace("Driver(Sensor)", "Scale"), "cannot be used: hive_scale_e has no Driver"),
    ],
)
def test_one_that_cannot_be_loaded_is_a_problem_of_the_config_that_names_it(
    site: Path, source: str, said: str
) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_e\n", hive_scale_e=source)
    sys.modules.pop("hive_scale_e", None)
    with pytest.raises(BrokenDriverError, match=said):
        module("sensor", "scale")
    _, [problem] = settings_for("sensor", "sensor.scale", {"driver": "scale"}, str)
    assert said in problem.message


def test_a_defect_of_its_settings_is_a_problem_too(site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_g\n", hive_scale_g=SCALE + DEFECT)
    _, [problem] = settings_for("sensor", "sensor.scale", {"driver": "scale"}, str)
    assert problem.message == "its driver has a defect: KeyError: 'port'"


@pytest.mark.process
def test_the_service_reads_it_like_any_other(tmp_path: Path, site: Path) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_f\n", hive_scale_f=SCALE)
    with Hive(tmp_path, '[sensor.hive]\ndriver = "scale"\n', PYTHONPATH=str(site)) as hive:
        assert hive.do("read")["readings"] == {"sensor.hive weight": 30_000.0}
        hive.stop()


@pytest.mark.process
def test_one_that_is_gone_after_an_upgrade_stops_no_other_device(
    tmp_path: Path, site: Path
) -> None:
    install(site, "[beemon.sensors]\nscale = hive_scale_h\n", hive_scale_h=SCALE)
    devices = (
        '[sensor.hive]\ndriver = "scale"\n[sensor.hive.schedule]\ninterval = "1s"\n'
        '[sensor.air]\ndriver = "simulated"\n'
    )
    with Hive(tmp_path, devices, PYTHONPATH=str(site)) as hive:
        hive.do("read sensor.hive")
        hive.stop()
        (site / "hive_scale_h.py").write_text("import gone\n")
        hive.begin()
        until(lambda: "the other devices go on" in hive.said())
        until(hive.answers)
        assert hive.do("read sensor.air")["outcome"] == "done"
        failed = hive.do("read sensor.hive")
        assert failed["reason"] == "missing-library"
        assert "hive-scale cannot be loaded: No module named 'gone'" in failed["message"]
        assert hive.ask("status")["state"] == "degraded"
        (site / "hive_scale_h.py").write_text(SCALE)
        assert until(lambda: hive.do("read sensor.hive")["outcome"] == "done")
        hive.stop()
