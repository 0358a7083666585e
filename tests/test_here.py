"""What is done with an archive without the service, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from beemon import cli
from tests.hive import Hive

Out = pytest.CaptureFixture[str]


def test_a_check_beside_the_running_service_finds_nothing(tmp_path: Path, capsys: Out) -> None:
    with Hive(tmp_path) as hive:
        hive.do("record microphone.brood 1")
        hive.do("snapshot camera.entrance")
        hive.ask("record camera.entrance 10")
        assert cli.main(["archive", "check", "--full", "--config", str(hive.config)]) == 0
    assert "2 recordings" in (out := capsys.readouterr().out)
    assert out.endswith("3 jobs: nothing is wrong.\n")


def test_what_is_wrong_is_listed_and_exits_1(tmp_path: Path, capsys: Out) -> None:
    assert cli.main(["archive", "check", "--path", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("ledger.db: there is none; ")
    assert out.endswith(": 1 finding.\n")
    assert cli.main(["archive", "check", "--json", "--path", str(tmp_path)]) == 1
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert finding["word"] == "no-ledger"


def test_an_archive_that_nothing_names_is_asked_for(tmp_path: Path, capsys: Out) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text("[archive\n")
    assert cli.main(["archive", "check", "--config", str(config)]) == 1
    assert "name the archive with --path DIR" in capsys.readouterr().err
