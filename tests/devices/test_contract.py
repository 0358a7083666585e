"""What holds for every driver's module, found by name; its behaviour is in ``contracts.py``."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from beemon.config import settings as config
from beemon.devices import PACKAGES, drivers, module, settings_for
from beemon.devices._base import Camera, CommonSettings, Microphone, Output, Sensor
from beemon.devices.ask import resolve_devices

BASES = {"camera": Camera, "microphone": Microphone, "sensor": Sensor, "output": Output}
ALL = [(kind, driver) for kind in PACKAGES for driver in drivers(kind)]
HEAVY = {"av", "gpiozero", "jeepney", "lgpio", "libcamera", "numpy", "picamera2", "soundfile"}

LOAD_ALL = """
import sys
from beemon.config import settings as config
from beemon.devices import PACKAGES, drivers, module, settings_for
for kind in PACKAGES:
    for driver in drivers(kind):
        module(kind, driver)
print(*sys.modules)
"""


@pytest.fixture(params=ALL, ids=".".join)
def named(request):
    return request.param


def test_it_defines_settings_and_a_driver_of_its_kind(named):
    found = module(*named)
    assert issubclass(found.Driver, BASES[named[0]])
    assert not inspect.isabstract(found.Driver)
    assert issubclass(found.Settings, CommonSettings)
    assert found.Settings.__dataclass_params__.frozen


def test_each_option_says_what_it_means(named):
    for field in dataclasses.fields(module(*named).Settings):
        assert field.metadata["doc"], field.name


@pytest.mark.parametrize("timeout", ["0s", "11m", "999999999d"])
def test_a_timeout_that_no_request_can_keep_to_or_pass_is_refused(named, timeout):
    kind, driver = named
    table = {"driver": driver, "timeout": timeout}
    _, problems = settings_for(kind, f"{kind}.x", table, lambda _: "")
    assert any("must be between 0.1s and 10m" in str(problem) for problem in problems)


def test_it_is_described(named):
    found = module(*named)
    assert found.__doc__
    assert found.Driver.__doc__


def test_its_part_of_the_manual_shows_an_example_that_can_be_used(named, tmp_path):
    told = inspect.getdoc(module(*named).Settings)
    shown = [inspect.cleandoc(part) for part in told.split("\n\n") if part.startswith("    [")]
    assert len(shown) == 1, "the docstring of its Settings has one indented table of the config"
    (tmp_path / "beemon.toml").write_text(shown[0])
    resolved, problems = resolve_devices(config.load(tmp_path / "beemon.toml").devices)
    assert problems == []
    assert [(one.kind, one.config.table["driver"]) for one in resolved.values()] == [named]


def test_it_has_a_test_file_that_holds_it_to_its_contract(named):
    kind, driver = named
    test = Path(__file__).with_name(f"test_{PACKAGES[kind]}_{driver}.py")
    assert f"({kind.capitalize()}Contract)" in test.read_text()


@pytest.mark.process
def test_loading_the_modules_loads_no_hardware_library():
    run = subprocess.run([sys.executable, "-c", LOAD_ALL], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert not HEAVY & set(run.stdout.split())
