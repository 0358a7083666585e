"""The config's watch: what on disk is not what runs, and what to do about it."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from beemon.config import settings as config
from beemon.config.settings import ConfigError, ServerSettings, Settings
from beemon.server.config_watch import LOOK_SECONDS, ConfigWatch
from beemon.server.latest import LatestState
from tests.hive import Hive, until

SENSOR = '[sensor.a]\ndriver = "simulated"\n'


class Service:
    """A config on disk, and the one that runs."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "beemon.toml"
        self.file.write_text(SENSOR)
        self.running = config.load(self.file)
        self.board = LatestState()
        self.watch = ConfigWatch(self.running, lambda: self.running, self.board)

    def write(self, text: str) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.file)

    def said(self) -> str:
        """What the watch notes; nothing if all is well."""
        self.watch.look()
        return "; ".join(map(str, self.board.troubles))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_the_config_that_runs_is_no_trouble(service):
    assert service.said() == ""


def test_a_config_that_was_changed_is_a_trouble_until_it_runs(service):
    service.write(SENSOR.replace("sensor.a", "sensor.b"))
    assert "was changed but is not in use yet" in service.said()
    assert f"beemon config check --config {service.file}; sudo systemctl reload beemon" in (
        service.said()
    )
    service.running = config.load(service.file)
    assert service.said() == ""


def test_a_config_that_was_changed_back_is_none(service):
    service.write("")
    assert service.said()
    service.write(SENSOR)
    assert service.said() == ""


def test_a_comment_changes_nothing(service):
    service.write("# my first sensor\n" + SENSOR)
    assert service.said() == ""


@pytest.mark.parametrize(("text", "what"), [
    ("[hive", "is not TOML"), ("[hive]\nnane = 1", "nane"),
])
def test_a_wrong_config_is_told_with_its_place_and_since_when(service, text, what):
    service.write(text)
    said = service.said()
    assert re.search(
        r"the config on disk has been wrong since 20\S+ \d\d:\d\d:\d\d(Z| [+-]\d\d:\d\d), so", said
    )
    assert str(service.file) in said
    assert what in said
    assert said == service.said()


def test_a_config_that_is_gone_is_wrong(service):
    service.file.unlink()
    assert "cannot be read" in service.said()


def test_a_file_that_is_added_counts(service, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/10.toml").write_text('[hive]\nname = "other"\n')
    assert "not in use yet" in service.said()


def test_what_is_no_file_is_told_and_not_waited_for(service, tmp_path):
    (tmp_path / "conf.d").mkdir()
    os.mkfifo(tmp_path / "conf.d/10.toml")
    assert "10.toml" in service.said()


def test_another_archive_wants_a_restart(service):
    service.write(SENSOR + '[archive]\npath = "/srv/bees"\n')
    assert service.said().endswith("sudo systemctl restart beemon")


def test_a_server_that_a_reload_cannot_change_wants_a_restart(service):
    server = ServerSettings(listening_port=8081)
    service.write(SENSOR + "[server]\nlistening_port = 8081\n")
    service.running = dataclasses.replace(service.running, server=server)
    assert "[server] in the config was changed" in service.said()
    assert service.said().endswith("sudo systemctl restart beemon")


def test_a_last_good_config_is_a_trouble_until_the_one_on_disk_is_taken(service, monkeypatch,
                                                                       tmp_path):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    config.keep_last_good(service.running)
    service.write("")  # as a power cut leaves it
    with pytest.raises(ConfigError) as caught:
        config.load_at_start(service.file)
    service.running = config.load_last_good(service.file, caught.value)
    assert "so the last good one is used" in service.said()
    assert "was cut short" in service.said()
    service.write(SENSOR.replace("sensor.a", "sensor.b"))
    assert "was changed but is not in use yet" in service.said()
    service.running = config.load(service.file)
    assert service.said() == ""


def test_a_config_that_was_mended_after_the_start_is_not_said_to_be_wrong(service):
    service.write("[hive")
    service.running = dataclasses.replace(service.running, fallback="it is not TOML")
    assert "has been wrong since" in service.said()
    service.write(SENSOR.replace("sensor.a", "sensor.b"))
    assert "was changed but is not in use yet" in service.said()


def test_a_reload_has_it_look_at_once(service):
    service.watch.start()
    service.write(SENSOR + "sped = ")
    service.watch.look_soon()
    until(lambda: service.board.troubles, LOOK_SECONDS / 2)
    service.watch.stop()


def test_without_a_config_there_is_nothing_to_look_at():
    board = LatestState()
    watch = ConfigWatch(Settings(), Settings, board)
    watch.start()
    watch.stop()
    assert board.troubles == []


@pytest.mark.process
def test_a_running_service_tells_of_a_refused_reload_until_it_is_mended(tmp_path):
    with Hive(tmp_path, SENSOR) as hive:
        hive.write(SENSOR + "sped = 2\n")
        assert hive.do("reload")["outcome"] == "failed"
        until(lambda: "config" in hive.troubles())
        hive.write(SENSOR)
        until(lambda: "config" not in hive.troubles())
