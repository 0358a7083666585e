"""A small disk of its own, so that what reaches it can be counted."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512  # the unit of Documentation/block/stat.rst, whatever the disk has
MEGABYTES = 512
BLOCK = 4096  # as on any card; a file system this small would take less


@dataclass(frozen=True)
class Disk:
    """An ext4 on a loop device."""

    folder: Path
    device: str

    def bytes_written(self) -> int:
        """What the file system, its journal and all, has written to the device so far."""
        self.write_back()
        figures = Path(f"/sys/block/{self.device}/stat").read_text().split()
        return int(figures[6]) * SECTOR


    def write_back(self) -> None:
        """Have the kernel write what it holds, as it does by itself within half a minute."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(folder):
                raise OSError(ctypes.get_errno(), "syncfs")
        finally:
            os.close(folder)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A fresh disk, mounted as Raspberry Pi OS mounts its card. Root alone can do that."""
    image, mount = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(MEGABYTES << 20)
    lazy = "lazy_itable_init=0,lazy_journal_init=0"  # else it is still being made while we measure
    _run("mkfs.ext4", "-q", "-F", "-b", str(BLOCK), "-E", lazy, str(image))
    mount.mkdir(exist_ok=True)
    _run("mount", "-o", "loop,noatime", str(image), str(mount))
    try:
        source = _run("findmnt", "--noheadings", "--output", "SOURCE", str(mount)).strip()
        yield Disk(mount, Path(source).name)
    finally:
        _run("umount", str(mount))
        image.unlink()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
