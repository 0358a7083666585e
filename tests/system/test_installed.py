"""A newer beemon is installed over the service that runs: the two never mix."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import beemon
from beemon.system import installed
from tests.hive import Hive, until

pytestmark = pytest.mark.process

DEVICES = """
[microphone.brood]
driver = "simulated"
[sensor.brood]
driver = "simulated"
"""


class Installation:
    """beemon's code in a folder of its own, as dpkg has it: each file is replaced by a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(Path(beemon.__file__).parent, folder / "beemon")

    def replace(self, name: str, text: str) -> None:
        new = self.folder / "beemon" / f"{name}.dpkg-new"
        new.write_text(text)
        new.rename(self.folder / "beemon" / name)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.chdir(tmp_path)  # where Python looks for what it runs with -m
    return Installation(tmp_path)


def test_what_runs_here_is_what_is_installed():
    assert not installed.is_replaced()


def test_no_worker_of_another_version_is_started(tmp_path, installation):
    with Hive(tmp_path, DEVICES) as hive:
        recording = hive.ask("record microphone.brood 60")["job"]
        until(lambda: list(hive.archive.glob("recordings/*/.*.part")))
        installation.replace("__init__.py", '__version__ = "99"\n')
        text = "raise SystemExit('code of the other version ran')\n"
        installation.replace("worker/worker.py", text)
        assert hive.ask("status")["running"]  # what runs goes on
        reading = hive.ask("read sensor.brood")["job"]
        assert hive.process.wait(20) == 0
        assert "another version of beemon was installed" in hive.said()
        assert "code of the other version ran" not in hive.said()
    assert_interrupted(tmp_path, installation, recording, reading)


LATE = """
import multiprocessing, pathlib, time
if multiprocessing.current_process().name == "beemon-sensors":
    pathlib.Path("started").touch()
    while not pathlib.Path("go on").exists():
        time.sleep(0.01)
"""


def test_one_that_ends_over_the_other_version_is_held_against_nobody(tmp_path, installation):
    worker = (tmp_path / "beemon/worker/worker.py").read_text()
    late = f"{worker}{LATE}    raise SystemExit('of both versions')"
    installation.replace("worker/worker.py", late)
    with Hive(tmp_path, DEVICES) as hive:
        reading = hive.ask("read sensor.brood")["job"]
        until((tmp_path / "started").exists, 20)
        installation.replace("__init__.py", '__version__ = "99"\n')
        (tmp_path / "go on").touch()
        assert hive.process.wait(20) == 0
    assert_interrupted(tmp_path, installation, reading)


def test_a_worker_during_whose_start_it_is_replaced_gets_no_work(tmp_path, installation):
    """What it imported may be of either version."""
    worker = (tmp_path / "beemon/worker/worker.py").read_text()
    installation.replace("worker/worker.py", worker + LATE)
    with Hive(tmp_path, DEVICES) as hive:
        reading = hive.ask("read sensor.brood")["job"]
        until((tmp_path / "started").exists, 20)
        installation.replace("__init__.py", '__version__ = "99"\n')
        (tmp_path / "go on").touch()
        assert hive.process.wait(20) == 0
    assert_interrupted(tmp_path, installation, reading)


def assert_interrupted(folder: Path, installation: Installation, *jobs: int) -> None:
    """Each job was stopped in order, and the version that is installed now goes on."""
    shutil.rmtree(installation.folder / "beemon")
    with Hive(folder, DEVICES) as hive:
        for job in jobs:
            ended = hive.ask(f"job {job}")
            assert (ended["outcome"], ended["reason"]) == ("interrupted", "stopping")
