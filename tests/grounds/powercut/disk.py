"""A disk whose state can be kept at any instant: ext4 images on an XFS that shares blocks.

All of it is in memory, in a mount namespace of its own: when the last process in that ends, the
mounts, the loop devices and the memory go with it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE_BYTES = 48 << 20
INODES = 192
"""Few, so that retention has something to do all the time, and not much has to be looked at."""
XFS_BYTES = 16 << 30  # sparse: what it may grow to is limited by the memory's mount
MEMORY = "5g"
UNMOUNT_SECONDS = 10.0

_FICLONE = 0x40049409
_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4
_FLAGS_OFFSET = 52  # of lo_flags in struct loop_info64, which has 232 bytes

CLOCK_MARK = Path("/run/systemd/timesync/synchronized")
"""Where it is, the clock can be believed: beemon accounts for slots by no other."""

_libc = ctypes.CDLL(None, use_errno=True)


def prepare(folder: Path) -> Path:
    """Mount the memory and the XFS below ``folder``; return where images go.

    ``/run`` becomes ours, too: what is said there of the clock is for the service alone.
    """
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    CLOCK_MARK.parent.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={MEMORY}", "tmpfs", folder)
    backing, images = folder / "xfs.img", folder / "images"
    images.mkdir()
    with backing.open("wb") as file:
        file.truncate(XFS_BYTES)
    _run("mkfs.xfs", "-q", "-m", "reflink=1", backing)
    _run("mount", "-o", "loop", backing, images)
    return images


def format_image(image: Path) -> None:
    """Make a new ext4, with a journal, as on a card."""
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    at_once = "lazy_itable_init=0,lazy_journal_init=0"
    _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-N", str(INODES), "-E", at_once, image)


def copy(image: Path, to: Path) -> None:
    """Keep an image as its device has it at this instant."""
    with image.open("rb") as source, to.open("wb") as target:
        fcntl.ioctl(target, _FICLONE, source.fileno())


@contextmanager
def mounted(image: Path, at: Path, options: str = "") -> Iterator[Path]:
    """The image's file system, its journal replayed. Raises ``OSError`` where it has none."""
    at.mkdir(exist_ok=True)
    with _loop_device(image) as device:
        mount(device, at, "ext4", options)
    try:
        yield at
    finally:
        unmount(at)


def mount(source: str, at: Path, kind: str, options: str) -> None:
    """mount(2). Raises ``OSError``."""
    if _libc.mount(source.encode(), bytes(at), kind.encode(), 0, options.encode()):
        raise _last_error(f"cannot mount {source}")


def unmount(at: Path) -> None:
    """Unmount it; processes that were killed a moment ago may still hold it."""
    end = time.monotonic() + UNMOUNT_SECONDS
    while _libc.umount2(bytes(at), 0):
        error = _last_error(f"cannot unmount {at}")
        if error.errno != errno.EBUSY or time.monotonic() > end:
            raise error
        time.sleep(0.005)


@contextmanager
def _loop_device(image: Path) -> Iterator[str]:
    """A loop device over an image, until nobody has it open or mounted."""
    with image.open("rb+") as file, Path("/dev/loop-control").open("rb") as control:
        for _ in range(100):
            device = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
            descriptor = os.open(device, os.O_RDWR)
            try:
                fcntl.ioctl(descriptor, _LOOP_CONFIGURE, _configuration(file.fileno()))
            except OSError as error:
                os.close(descriptor)
                if error.errno != errno.EBUSY:  # another process was faster
                    raise
                continue
            try:
                yield device
            finally:
                os.close(descriptor)
            return
    raise OSError(errno.EBUSY, "no loop device is free")


def _configuration(descriptor: int) -> bytes:
    """A struct loop_config: the file, the default block size, and to go by itself."""
    info = bytearray(232)
    struct.pack_into("I", info, _FLAGS_OFFSET, _LO_FLAGS_AUTOCLEAR)
    return struct.pack("II", descriptor, 0) + bytes(info) + bytes(64)


def _last_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
