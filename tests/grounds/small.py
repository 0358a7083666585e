"""A small disk for a test: an ext4 of some megabytes in a file, mounted by loop.

    with SmallDisk(tmp_path) as disk:
        disk.fill()
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.grounds.deadline import until

MEGABYTES = 64


def missing() -> str | None:
    """What this machine lacks for one, or None."""
    if os.geteuid() != 0:
        return "only root can mount a disk"
    if absent := [tool for tool in ("mkfs.ext4", "mount", "fiu-run") if not shutil.which(tool)]:
        return f"not installed: {', '.join(absent)}"
    return None if Path("/dev/loop-control").exists() else "no loop devices"


class SmallDisk:
    """Mounted at ``path`` while inside. Nothing of it is kept for root (``-m 0``)."""

    def __init__(self, folder: Path, *, inodes: int | None = None) -> None:
        self.image = folder / "disk.img"
        self.path = folder / "disk"
        self._inodes = [] if inodes is None else ["-N", str(inodes)]

    def __enter__(self) -> SmallDisk:
        self.path.mkdir()
        with self.image.open("wb") as file:
            file.truncate(MEGABYTES * 1_000_000)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", *self._inodes, self.image)
        self.mount()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("umount", "--lazy", self.path)

    def mount(self, options: str = "errors=remount-ro") -> None:
        _run("mount", "-o", f"loop,{options}", self.image, self.path)

    def unmount(self) -> None:
        """Once nobody has anything open in it: then it is another disk that is mounted next."""
        until(self._is_unmounted, "the end of all who use the disk")

    def _is_unmounted(self) -> bool:
        command = ["umount", self.path]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def remount(self, options: str) -> None:
        _run("mount", "-o", f"remount,{options}", self.path)

    def repair(self) -> None:
        """What a boot does for a disk that failed.

        It is done to a copy: a mount namespace of somebody else's may still hold the failed one.
        """
        os.sync()
        self.image = Path(shutil.copy(self.image, self.image.with_suffix(".repaired")))
        subprocess.run(["fsck.ext4", "-p", self.image], check=False, capture_output=True)

    def fail(self) -> None:
        """Have the kernel find an error in it: it makes the disk read-only, files open or not."""
        device = Path(f"/sys/dev/block/{_device_numbers(self.path)}").resolve().name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("a test")

    def fill(self) -> None:
        """A file that takes all the space there is, and what is given up for it as well."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (1_000_000, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
            with contextlib.suppress(OSError):
                os.fsync(file.fileno())

    def use_up_inodes(self) -> None:
        """Empty files for every inode there is."""
        self.filler.mkdir(exist_ok=True)
        number = len(list(self.filler.iterdir()))
        with contextlib.suppress(OSError):
            while True:
                number += 1
                (self.filler / str(number)).touch()

    def clear(self) -> None:
        """Give all of that back."""
        if self.filler.is_dir():
            shutil.rmtree(self.filler)
        else:
            self.filler.unlink(missing_ok=True)

    @property
    def filler(self) -> Path:
        return self.path / "filler"


def _device_numbers(path: Path) -> str:
    number = path.stat().st_dev
    return f"{os.major(number)}:{os.minor(number)}"


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=60)
