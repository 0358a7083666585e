"""The config of the uplink's process: a wrong one never ends what works."""

from __future__ import annotations

import pytest

from beemon.cli.uplink import Source
from beemon.config import settings as config

GOOD = '[influx]\nurl = "http://metrics.example/write"\n'
OTHER = '[influx]\nurl = "http://metrics.example/other"\n'


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    file = tmp_path / "beemon.toml"
    file.write_text(GOOD)
    return file


def keep(file) -> None:
    """What the recorder does when it puts a config in force."""
    (file.parent / "state").mkdir(exist_ok=True)
    config.keep_last_good(config.load(file))


def test_a_config_that_becomes_wrong_is_told_once_and_ends_nothing(file, caplog):
    source = Source(file)
    source.load()
    file.write_text("[influx\n")
    assert not source.has_changed()
    assert not source.has_changed()
    assert caplog.text.count("stays in use") == 1
    file.write_text(OTHER)
    assert source.has_changed()


def test_a_change_while_the_config_is_read_is_not_missed(file):
    source = Source(file)
    file.write_text(OTHER)
    source.load()
    assert source.has_changed()


def test_with_a_wrong_config_the_last_good_one_of_the_recorder_is_used(file):
    keep(file)
    file.write_text("[influx\n")
    source = Source(file)
    assert source.load().uplink["influx"].value == {"url": "http://metrics.example/write"}
    assert not source.has_changed()
    file.write_text(OTHER)
    assert source.has_changed()


def test_a_config_that_a_power_cut_emptied_is_not_taken_for_one_without_a_destination(file):
    keep(file)
    file.write_text("")
    source = Source(file)
    assert source.load().uplink
    keep(file)  # it was intended: the recorder was reloaded
    assert source.has_changed()


def test_a_config_that_was_never_good_is_refused(file):
    file.write_text("[influx\n")
    with pytest.raises(config.ConfigError):
        Source(file).load()
