"""Why an archive cannot be opened, and the command that mends it."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beemon.ledger.access import mount_of, remedy, trouble

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user may enter, as pytest's own is not, nor every TMPDIR."""
    folder = Path(tempfile.mkdtemp(prefix="beemon-access-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may do everything, so that these tests are somebody else where they run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def told(archive: Path, code: int = errno.EACCES) -> str:
    with somebody_else():
        return remedy(archive, OSError(code, os.strerror(code)))


def test_the_trouble_says_which_file_and_what_to_do(tmp_path):
    full = trouble(OSError(errno.ENOSPC, "No space left on device", "/srv/bees/lock"), tmp_path)
    assert (full.about, full.says) == (
        "ledger", "the archive cannot be opened: No space left on device: /srv/bees/lock"
    )
    assert full.remedy == f"make space on its disk: df -h {tmp_path}"


def test_a_link_to_a_disk_that_is_not_mounted(folder):
    (folder / "archive").symlink_to("/srv/usb/bees")
    assert "archive is a link to /srv/usb/bees, which does not exist; mount its disk" in told(
        folder / "archive")


def test_a_folder_that_is_not_there(folder):
    said = told(folder / "the disk/bees")
    assert said.startswith("mount its disk, or make the folder: sudo install -d -o ")
    assert said.endswith(f"-m 750 '{folder}/the disk/bees'")


@pytest.mark.parametrize(("mode", "said"), [
    (0o600, "enter it: sudo chmod o+x "),
    (0, "choose a folder below /srv, /mnt or /media"),
])
def test_a_folder_on_the_way_that_is_closed(folder, mode, said):
    (folder / "pi/bees").mkdir(parents=True)
    (folder / "pi").chmod(mode)
    try:
        assert said in told(folder / "pi/bees")
    finally:
        (folder / "pi").chmod(0o755)


@pytest.mark.parametrize("mode", [0, 0o500])
def test_a_folder_of_somebody_elses(folder, mode):
    (folder / "bees").mkdir()
    (folder / "bees").chmod(mode)
    try:
        assert told(folder / "bees").endswith(f": {folder}/bees/")
        assert "sudo chown -R " in told(folder / "bees")
    finally:
        (folder / "bees").chmod(0o755)


def test_a_file_in_it_that_is_somebody_elses(folder):
    (folder / "ledger.db").touch(mode=0o400)
    folder.chmod(0o777)
    assert "sudo chown -R " in told(folder)


def test_a_file_in_its_place(folder):
    (folder / "bees").touch()
    assert told(folder / "bees") == f"{folder}/bees is a file; set another path under [archive]"


def test_a_folder_in_which_nothing_is_in_the_way(folder):
    folder.chmod(0o777)
    (folder / "lost+found").mkdir(mode=0o500)
    assert told(folder) == ""


@pytest.mark.parametrize(("code", "said"), [
    (errno.ENOSPC, "make space on its disk: df -h /srv/bees"),
    (errno.EIO, "its disk is failing; see: journalctl -k"),
])
def test_a_disk_that_is_full_or_fails_whatever_else_is_in_the_way(code, said):
    assert told(Path("/srv/bees"), code) == said


MOUNTS = """\
21 1 8:1 / / rw,relatime master:1 - ext4 /dev/sda1 rw
22 21 8:1 / / ro,relatime master:1 - ext4 /dev/sda1 rw
23 22 8:2 / /srv/my\\040disk rw,noatime - vfat /dev/sdb1 ro,uid=0,gid=0
"""


def test_a_unit_that_may_not_write_is_told_from_a_disk_that_cannot_be_written():
    root = mount_of(Path("/data/bees"), MOUNTS)
    assert (root.point, root.kind) == (Path("/"), "ext4")
    assert ("ro" in root.options, "ro" in root.disk_options) == (True, False)
    disk = mount_of(Path("/srv/my disk/bees"), MOUNTS)
    assert (disk.point, disk.kind) == (Path("/srv/my disk"), "vfat")
    assert ("ro" in disk.options, "ro" in disk.disk_options) == (False, True)
