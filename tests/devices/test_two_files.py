"""A new sensor costs two files: the driver and its test. Nothing else has to know of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
GUIDE = PROJECT / "beemon/devices/README.md"
ABOUT_ALL_DRIVERS = (
    "tests/devices/test_contract.py", "tests/test_documents.py", "tests/test_examples.py",
    "tests/test_imports.py",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project with the driver of the guide and its test, and no other change."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".*cache", ".venv", ".git"))
    driver, test = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (folder / "beemon/devices/sensors/scale.py").write_text(driver)
    (folder / "tests/devices/test_sensors_scale.py").write_text(test)
    return folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.process
def test_a_driver_and_its_test_pass_all_that_is_asked_of_drivers(copy: Path) -> None:
    tests = ("tests/devices/test_sensors_scale.py", *ABOUT_ALL_DRIVERS)
    told = run(copy, "-m", "pytest", "-v", "-m", "not process and not ground", *tests)
    assert "test_sensors_scale.py::TestScale::test_it_measures PASSED" in told
    assert "test_contract.py::test_each_option_says_what_it_means[sensor.scale] PASSED" in told


@pytest.mark.process
def test_the_manual_of_the_config_has_the_driver(copy: Path) -> None:
    page = run(copy, "-m", "scripts.manual", "debian/beemon.toml.5")
    part = page.partition("\n.SS sensor: scale\n")[2].partition("\n.SS ")[0]
    assert 'path = "/run/scale/weight"' in part
    assert "The file that holds the weight in grams." in part
