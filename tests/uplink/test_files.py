"""Files of the config: whether the user of the uplink can read them, on a planted machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beemon.base.options import RawTable
from beemon.uplink.destinations import find_unreadable_files

UPLINK, GROUP = 4711, 4712
FILE = "/etc/beemon/token"
OPTIONS = {
    "influx": {"url": "http://127.0.0.1:9/write", "token_file": FILE},
    "mqtt": {"broker": "127.0.0.1", "tls": True, "ca": FILE},
    "alerts": {"urls_file": FILE},
    "upload": {"remote": "nas:hives", "config_file": FILE},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with the package's users, and the file, which the uplink can read."""
    folder = tmp_path / "etc/beemon"
    folder.mkdir(parents=True)
    for path in (folder, folder.parent):
        path.chmod(0o755)
    (tmp_path / "etc/passwd").write_text(
        f"root:x:0:0::/root:/bin/sh\n\nbad line\nbeemon-uplink:x:{UPLINK}:{UPLINK}::/:/bin/false\n"
    )
    groups = f"root:x:0:\nbeemon:x:{GROUP}:\nmore:x:4713:beemon-uplink\n"
    (tmp_path / "etc/group").write_text(groups)
    plant(tmp_path, 0o640)
    return tmp_path


def plant(root: Path, mode: int, *, user: int = 0, group: int = GROUP, name: str = FILE) -> Path:
    file = root / name.lstrip("/")
    file.parent.mkdir(exist_ok=True, mode=0o755)
    file.write_text("secret\n")
    file.chmod(mode)
    os.chown(file, user, group)
    return file


def problems(root: Path, table: str = "influx", **changes: object) -> str:
    lines = {(): "beemon.toml:1", **{(name,): f"beemon.toml:{name}" for name in OPTIONS[table]}}
    raw = RawTable(table, {**OPTIONS[table], **changes}, lines)
    return "\n".join(f"{one.where}: {one}" for one in find_unreadable_files({table: raw}, root))


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@needs_root
@pytest.mark.parametrize("table", OPTIONS)
def test_a_file_that_the_uplink_can_read_is_no_problem(root, table):
    assert problems(root, table) == ""


@needs_root
@pytest.mark.parametrize(("mode", "user", "group"), [
    (0o400, UPLINK, 0), (0o640, 0, 4713), (0o440, 1, GROUP),
])
def test_the_uplink_may_read_as_its_user_and_by_each_of_its_groups(root, mode, user, group):
    plant(root, mode, user=user, group=group)
    assert problems(root) == ""


@needs_root
@pytest.mark.parametrize(("mode", "user", "group"), [
    (0o600, 0, GROUP), (0o640, 0, 0), (0o040, UPLINK, GROUP),
])
def test_a_file_of_others_is_found_with_its_option_and_the_remedy(root, mode, user, group):
    plant(root, mode, user=user, group=group)
    assert problems(root) == (
        f"beemon.toml:token_file: the user beemon-uplink cannot read {FILE}; run: "
        f"sudo chown root:beemon {FILE}; sudo chmod 640 {FILE}"
    )


@needs_root
@pytest.mark.parametrize(("table", "making"), [
    ("influx", f"sudo install -m 640 -g beemon /dev/null {FILE}; then write in it"),
    ("mqtt", f"sudo ls -l {FILE}"),
    ("upload", f"sudo rclone --config {FILE} config; sudo chown root:beemon {FILE}; "
               f"sudo chmod 640 {FILE}"),
])
def test_a_missing_file_is_found_with_the_command_that_makes_it(root, table, making):
    (root / FILE.lstrip("/")).unlink()
    assert problems(root, table).endswith(f"{FILE} does not exist; run: {making}")


@needs_root
def test_everybody_may_read_a_certificate_but_no_secret(root):
    plant(root, 0o644)
    assert problems(root, "mqtt") == ""
    assert f"everybody can read {FILE}, which holds a secret" in problems(root)


@needs_root
def test_a_closed_folder_on_the_way_is_found(root):
    (root / "etc/beemon").chmod(0o700)
    assert "cannot enter /etc/beemon, and so not read" in problems(root)


@needs_root
def test_a_folder_that_the_unit_hides_is_found(root):
    plant(root, 0o640, name="/home/token")
    assert "the unit of the uplink hides /home/token" in problems(root, token_file="/home/token")


def test_a_named_pipe_is_no_file(root):
    (root / FILE.lstrip("/")).unlink()
    os.mkfifo(root / FILE.lstrip("/"), 0o640)
    assert f"{FILE} is not a file" in problems(root)


def test_without_the_package_a_file_only_has_to_be_there(root):
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    plant(root, 0o600, group=os.getgid(), user=os.getuid())
    assert problems(root) == ""
    (root / FILE.lstrip("/")).unlink()
    assert "does not exist" in problems(root)
