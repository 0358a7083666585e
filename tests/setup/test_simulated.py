"""`beemon setup --simulated`: a whole hive without hardware, in force at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.cli import main as cli
from beemon.setup import files, simulated
from beemon.setup.candidates import toml_of
from tests.hive import Hive

EXAMPLE = Path(__file__).parents[2] / "debian/examples/simulated.toml"
LINE = ["setup", "--yes", "--simulated", "--config"]


@pytest.fixture
def main(tmp_path: Path) -> Path:
    file = tmp_path / "beemon.toml"
    file.write_text('[hive]\nname = "hive"\n')
    return file


def written(main: Path) -> Path:
    return main.parent / "conf.d/simulated.toml"


def test_the_example_is_what_setup_writes():
    devices = (*simulated.HIVE, simulated.SYSTEM)
    assert EXAMPLE.read_text() == simulated.HEADER + toml_of(devices)


def test_a_dry_run_prints_the_file_and_writes_nothing(main, capsys):
    assert cli.main([*LINE, str(main), "--dry-run"]) == 0
    assert "[microphone.brood]\n" in capsys.readouterr().out
    assert [*main.parent.iterdir()] == [main]


def test_without_a_service_nothing_is_left_behind(main, capsys):
    assert cli.main([*LINE, str(main)]) == 1
    assert "nothing answers on" in capsys.readouterr().err
    assert not written(main).exists()


def test_a_config_with_a_problem_is_left_as_it_is(main, capsys):
    main.write_text('[hive]\nnam = "hive"\n')
    assert cli.main([*LINE, str(main)]) == 1
    assert 'beemon.toml:2' in capsys.readouterr().err
    assert not written(main).exists()


def test_a_name_that_another_device_has_is_left_to_it(main, capsys):
    main.write_text('[sensor.entrance]\ndriver = "beams"\nouter = 17\ninner = 27\n')
    assert cli.main([*LINE, str(main), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "[sensor.entrance]" not in told
    assert "sensor.entrance" not in told  # nor does the scale name it


def test_a_file_that_a_person_edited_is_left_alone(main, capsys):
    written(main).parent.mkdir()
    written(main).write_text("# mine\n")
    assert cli.main([*LINE, str(main), "--dry-run"]) == 0
    assert capsys.readouterr().out == ""


# With a service

@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path, devices="") as running:
        yield running


def test_the_hive_is_in_force_and_each_device_delivered(hive, capsys):
    assert cli.main([*LINE, str(hive.config)]) == 0
    told = capsys.readouterr().out
    for words in (
        "microphone.brood: 5.0 s, level -", "camera.entrance: a picture of 640 x 480, brightness ",
        "sensor.brood: humidity ", "sensor.scale: weight ", "sensor.entrance: bees_in ",
        "sensor.system: ",
    ):
        assert words in told
    assert {*hive.ask("devices")["devices"]} == {
        *(one.name for one in simulated.HIVE), "sensor.system"
    }
    file = written(hive.config)
    assert file.stat().st_mode & 0o777 == 0o640
    assert files.is_own(file.read_text())
    before = file.stat()
    assert cli.main([*LINE, str(hive.config)]) == 0
    assert "wrote" not in capsys.readouterr().out
    assert file.stat() == before
