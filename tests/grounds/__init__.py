"""Test grounds: what a test stands on when a plain process is not enough.

A test that needs one says so with ``@pytest.mark.ground("container")``; where this machine does
not have it, the test is skipped and the end of the run says why.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.grounds import board, browser, container, guest, small, virtual

VOICES = Path("/usr/share/sounds/alsa")


def alsa_missing() -> str | None:
    """What the ALSA ground lacks: `arecord` and the voices that its package brings."""
    there = shutil.which("arecord") and list(VOICES.glob("*.wav"))
    return None if there else "install alsa-utils"


MEDIA_FOLDERS = [
    VOICES,
    *map(Path, (
        "/usr/share/sounds/freedesktop", "/usr/share/sounds/sound-icons", "/usr/share/gem/examples",
        "/usr/share/help/C/gnome-help", "/usr/share/doc/opencv-doc/examples/data",
    )),
]
"""Where packages keep sounds and videos."""


def media_missing() -> str | None:
    """What recordings of others lack, but for the large ones (opencv-doc), which may be missing."""
    folders = dict(zip(
        ("alsa-utils", "sound-theme-freedesktop", "sound-icons", "gem-doc", "gnome-user-docs"),
        MEDIA_FOLDERS, strict=False,
    ))
    lacking = [package for package, folder in folders.items() if not folder.is_dir()]
    return f"install {' '.join(lacking)}" if lacking else None


def media_tools_missing() -> str | None:
    """What other people read recordings with."""
    lacking = [name for name in ("flac", "metaflac", "ffprobe") if shutil.which(name) is None]
    return f"install flac and ffmpeg (no {', '.join(lacking)})" if lacking else None


def picamera2_missing() -> str | None:
    """What running the real picamera2 over a stand-in for libcamera lacks."""
    lacking = [name for name in ("picamera2", "av") if importlib.util.find_spec(name) is None]
    return f"pip install picamera2 (no {', '.join(lacking)})" if lacking else None


def missing_package(name: str) -> str | None:
    """What a Python package lacks that is not there."""
    return None if importlib.util.find_spec(name) else f"pip install {name}"


def readers_missing() -> str | None:
    """What exports are read with elsewhere."""
    modules = ("duckdb", "pandas", "pyarrow")
    lacking = [name for name in modules if importlib.util.find_spec(name) is None]
    lacking += [] if shutil.which("soffice") else ["libreoffice-calc-nogui"]
    return f"not installed: {', '.join(lacking)}" if lacking else None


def bus_missing() -> str | None:
    """What a private D-Bus lacks."""
    return None if shutil.which("dbus-daemon") else "install dbus"


def load_missing() -> str | None:
    """What a load of 500 clients lacks: descriptors."""

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft in (resource.RLIM_INFINITY, -1) or soft >= 1024
    return None if enough else f"only {soft} descriptors (ulimit -n)"


def powercut_missing() -> str | None:
    """What cutting the power lacks: root, loop devices, the tools and the file systems."""
    if os.geteuid() != 0:
        return "only root can mount the disks that are cut off"
    tools = ["cc", "mkfs.ext4", "mkfs.xfs", "mount", "setpriv", "unshare"]
    if absent := [tool for tool in tools if not shutil.which(tool)]:
        return f"not installed: {', '.join(absent)}"
    devices = [Path("/dev/loop-control"), Path("/dev/fuse")]
    if absent := [str(device) for device in devices if not device.exists()]:
        return f"this machine has no {', '.join(absent)}"
    known = Path("/proc/filesystems").read_text().split()
    return None if {"ext4", "xfs"} <= set(known) else "this kernel has no ext4 or no XFS"


GROUNDS: dict[str, Callable[[], str | None]] = {
    "alsa": alsa_missing,
    "bus": bus_missing,
    "load": load_missing,
    "picamera2": picamera2_missing,
    "media": media_missing,
    "media-tools": media_tools_missing,
    "readers": readers_missing,
    "powercut": powercut_missing,
    "small-disk": small.missing,
    "container": container.missing,
    "guest": guest.missing,
    "board": board.missing,
    "virtual": virtual.missing,
    "browser": browser.missing,
}
"""By name: what this machine lacks for it, or None."""
