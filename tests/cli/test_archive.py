"""What is done with an archive without the service, as it is typed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.cli import archive as here
from beemon.cli import main as cli
from beemon.cli.places import packaged_archive
from beemon.exchange.layouts import LAYOUTS
from tests import seasons
from tests.hive import Hive

Out = pytest.CaptureFixture[str]


@pytest.mark.process
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
    assert out.startswith("ledger.db: it does not exist; ")
    assert out.endswith(": 1 finding.\n")
    assert cli.main(["archive", "check", "--json", "--path", str(tmp_path)]) == 1
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert finding["word"] == "no-ledger"


def test_an_archive_that_nothing_names_is_asked_for(tmp_path: Path, capsys: Out) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text("[archive\n")
    assert cli.main(["archive", "check", "--config", str(config)]) == 1
    assert "name the archive with --path DIR" in capsys.readouterr().err


def test_the_packaged_services_archive_is_found_from_a_shell(tmp_path: Path) -> None:
    assert packaged_archive(tmp_path) is None
    (tmp_path / "var/lib/beemon").mkdir(parents=True)
    assert packaged_archive(tmp_path) == tmp_path / "var/lib/beemon"


@pytest.mark.parametrize("link", [True, False])
def test_the_packaged_services_archive_is_named_even_if_it_is_gone(
    tmp_path: Path, link: bool
) -> None:
    if link:
        (tmp_path / "var/lib").mkdir(parents=True)
        (tmp_path / "var/lib/beemon").symlink_to("/away/beemon")
    else:
        (tmp_path / "var/cache/beemon").mkdir(parents=True)
    assert packaged_archive(tmp_path) == tmp_path / "var/lib/beemon"


@pytest.mark.process
def test_a_day_is_exported_beside_the_running_service(tmp_path: Path, capsys: Out) -> None:
    with Hive(tmp_path) as hive:
        hive.do("read")
        job = hive.do("record microphone.brood 1")
        day = job["ended"][:10]
        export = ["export", day, "--config", str(hive.config), "--output", str(tmp_path / "out")]
        assert cli.main(export) == 0
        assert hive.do("read")["outcome"] == "done"
    assert "manifest.json explains them" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert (manifest["hive"], manifest["format"]) == ("test-hive", "beemon csv")
    assert job["recording"] in (tmp_path / "out/recordings.csv").read_text()


def test_what_is_exported_twice_needs_another_name(tmp_path: Path, capsys: Out) -> None:
    seasons.make(tmp_path / "archive")
    export = ["export", "2026-06-01", "--path", str(tmp_path / "archive")]
    export += ["--output", str(tmp_path / "out"), "--format", "appmais"]
    assert cli.main(export) == 0
    assert cli.main(export) == 1
    assert "name another folder with --output" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["tomorrow"], ["2026-06-01", "--timezone", "Mars/Olympus"]])
def test_an_export_of_no_period_is_wrong_usage(
    wrong: list[str], tmp_path: Path, capsys: Out
) -> None:
    assert cli.main(["export", *wrong, "--path", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("beemon: ")


def test_a_period_is_on_the_clocks_of_the_export(tmp_path: Path, capsys: Out) -> None:
    seasons.make(tmp_path / "archive")
    export = ["export", "2026-06-01T06:30", "2026-06-01T01:30Z", "--timezone", "Asia/Kolkata",
              "--path", str(tmp_path / "archive"), "--output"]
    assert cli.main([*export, str(tmp_path / "local")]) == 0
    said = capsys.readouterr().out
    assert "from 2026-06-01 06:30:00 +05:30 until 2026-06-01 07:00:00 +05:30; manifest" in said
    assert cli.main([*export, str(tmp_path / "utc"), "--utc"]) == 0
    said = capsys.readouterr().out
    assert "from 2026-06-01 01:00:00Z until 2026-06-01 01:30:00Z; manifest" in said
    assert cli.main([*export, str(tmp_path / "none"), "--timezone", "UTC"]) == 2
    assert "2026-06-01T01:30Z is not later than 2026-06-01T06:30" in capsys.readouterr().err


def test_a_folder_is_named_after_the_local_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seasons.make(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    zones = ["Pacific/Kiritimati", "Etc/GMT+12"]  # they never have the same date
    for zone in zones:
        assert cli.main(["export", "today", "--timezone", zone, "--path", "archive"]) == 0
    assert len([*tmp_path.glob("*-csv")]) == len(zones)


def test_an_export_of_nothing_says_so(tmp_path: Path, capsys: Out) -> None:
    seasons.make(tmp_path / "archive")
    export = ["export", "2020-06-01", "--path", str(tmp_path / "archive"), "--output"]
    for form in ("csv", "appmais"):
        assert cli.main([*export, str(tmp_path / form), "--format", form]) == 0
        assert "the database holds nothing from that time" in capsys.readouterr().out
    export[1] = "2026-06-01"
    assert cli.main([*export, str(tmp_path / "some")]) == 0
    assert "holds nothing" not in capsys.readouterr().out
    assert cli.main([*export, str(tmp_path / "none"), "--device", "sensor.brod"]) == 2
    assert 'did you mean "sensor.brood"?' in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_wrong_layout_is_answered_with_a_list_of_all(tmp_path: Path, capsys: Out) -> None:
    out = ["--path", str(tmp_path), "--output", str(tmp_path / "out")]
    assert cli.main(["export", "2026-06-01", "--layout", "xls", *out]) == 2
    told = capsys.readouterr().err
    assert 'there is no layout "xls"' in told
    assert all(f"  {layout.name}" in told and layout.summary in told for layout in LAYOUTS.values())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("asked", [[], ["--position"]])
def test_an_export_has_the_position_only_if_the_owner_asks(
    asked: list[str], tmp_path: Path
) -> None:
    seasons.make(tmp_path / "archive")
    config = tmp_path / "beemon.toml"
    config.write_text("[hive]\nlatitude = 48.1\nlongitude = 11.5\n")
    options = ["--config", str(config), "--path", str(tmp_path / "archive"), *asked]
    assert cli.main(["export", "2026-06-01", "--output", str(tmp_path / "out"), *options]) == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    expected = (48.1, 11.5) if asked else (None, None)
    assert (manifest["latitude"], manifest["longitude"]) == expected


def test_an_archive_without_a_ledger_cannot_be_exported(tmp_path: Path, capsys: Out) -> None:
    assert cli.main(["export", "2026-06-01", "--path", str(tmp_path)]) == 1
    told = f"no archive is in {tmp_path}; name another folder: --path DIR"
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all users may enter. Other runs of pytest keep theirs closed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.process
def test_who_may_only_read_an_archive_can_check_and_export_it(open_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    archive, out = open_folder / "archive", open_folder / "out"
    seasons.make(archive)
    archive.chmod(0o755)
    out.mkdir()
    out.chmod(0o777)
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "export", "2026-06-01", "--path", str(archive),
         "--output", str(out / "root's"), str(out / "june")],
        capture_output=True, text=True, check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (out / "june/readings.csv").stat().st_uid == 65534


AS_NOBODY = """
import os, sys
from beemon.cli import main as cli
from beemon.repair import check
*export, first, second = sys.argv[1:]  # the last two are folders
cli.main([*export, first])  # loads all that this user may not be able to
os.setgid(65534)
os.setuid(65534)
sys.exit(cli.main([*export, second]) or cli.main(["archive", "check", *export[2:4]]))
"""


def test_the_ledger_is_rebuilt_as_typed(tmp_path: Path, capsys: Out) -> None:
    seasons.make(tmp_path)
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    assert cli.main(["archive", "rebuild", "--path", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("2 recordings were added")
    assert cli.main(["archive", "check", "--full", "--path", str(tmp_path)]) == 0


def test_root_writes_in_no_archive_of_another_user(tmp_path: Path, capsys: Out) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root could")
    os.chown(tmp_path, 65534, 65534)
    assert cli.main(["archive", "rebuild", "--path", str(tmp_path)]) == 1
    assert "sudo -u nobody" in capsys.readouterr().err
    command = ["import", "appmais", str(tmp_path), "--timezone", "UTC", "--path", str(tmp_path)]
    assert cli.main(command) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_a_rebuild_beside_a_running_service_is_refused(tmp_path: Path, capsys: Out) -> None:
    with Hive(tmp_path) as hive:
        assert cli.main(["archive", "rebuild", "--config", str(hive.config)]) == 1
        assert hive.process is not None
        assert f"(process {hive.process.pid})" in capsys.readouterr().err


def test_who_may_not_read_the_archive_is_told_which_group_may(tmp_path: Path) -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "ledger.db"))
    assert here.told(denied).startswith(f"{tmp_path}/ledger.db: Permission denied; join its group")
    assert "sudo adduser $USER beemon" in here.told(denied)


def test_a_sentence_of_our_own_is_told_as_it_is() -> None:
    assert here.told(PermissionError("run it as beemon")) == "run it as beemon"
