"""The configs that the package brings: each can be used as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from beemon.config import settings as config
from beemon.config.settings import KINDS, Settings
from beemon.devices.ask import resolve_devices

DEBIAN = Path(__file__).parents[1] / "debian"
FIRST = "beemon.toml"
EXAMPLES = sorted(path.name for path in (DEBIAN / "examples").iterdir())


def loaded(path: Path) -> Settings:
    settings = config.load(path)
    assert resolve_devices(settings.devices)[1] == []
    return settings


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_may_be_the_config_or_a_part_of_it(tmp_path, name):
    alone = loaded(DEBIAN / "examples" / name)
    shutil.copy(DEBIAN / FIRST, tmp_path / FIRST)
    (tmp_path / "conf.d").mkdir()
    shutil.copy(DEBIAN / "examples" / name, tmp_path / "conf.d" / name)
    assert set(loaded(tmp_path / FIRST).devices) == {*alone.devices, "sensor.system"}


def test_the_first_config_needs_no_hive_hardware():
    assert list(loaded(DEBIAN / FIRST).devices) == ["sensor.system"]


def test_the_simulated_hive_has_every_kind_of_device_and_nothing_real():
    devices = loaded(DEBIAN / "examples/simulated.toml").devices.values()
    assert {device.kind for device in devices} == set(KINDS)
    assert {device.table["driver"] for device in devices} == {"simulated", "system"}


def test_the_example_shows_each_kind_of_device_and_nothing_simulated():
    devices = loaded(DEBIAN / "examples/beemon.toml").devices.values()
    assert {device.kind for device in devices} == set(KINDS)
    assert "simulated" not in {device.table["driver"] for device in devices}
