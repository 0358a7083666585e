"""A board with real pins: an emulated arm64 machine whose GPIO chip Debian's kernel drives.

    output = run("python3 /beemon/tests/board/check_gpio.py", folder, seconds=300)

On its lines is lgpio, as on a Raspberry Pi. The machine has one button, on line 3; who touches
``/exchange/press`` in the guest has it pressed, and sees the file go. The rest is as in ``guest``.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from functools import cache
from pathlib import Path

from tests.grounds.guest import BOOT_SECONDS, initrd, kernel, machine, modules_of
from tests.grounds.tree import tree

QEMU = "qemu-system-aarch64"
TOOLS = [QEMU, "cpio", "depmod", "mmdebstrap"]
SYSTEM = ["bash", "busybox-static", "coreutils", "kmod", "linux-image-arm64", "python3"]
PURE = ["colorzero", "gpiozero", "sdnotify"]
"""What the service needs and is the same on every machine: it is taken from this one."""


def missing() -> str | None:
    """What this machine lacks to emulate one, or None."""
    if os.geteuid() != 0:
        return "only root can make a board's tree"
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    absent += [name for name in PURE if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def run(script: str, folder: Path, seconds: float) -> str:
    """Boot the board, run the script on it, and return its output."""
    _fetch_packages(folder / "site")
    (folder / "script").write_text(
        "busybox mount -t debugfs debug /sys/kernel/debug\n"
        "export PYTHONPATH=/exchange/site:/beemon/tests/board:/beemon\n"
        f"export GPIOZERO_PIN_FACTORY=board STATE_DIRECTORY=/tmp/state\ncd /tmp\n{script}"
    )
    output, status, monitor = (folder / name for name in ("output", "status", "monitor"))
    board = subprocess.Popen(_command(folder, monitor), stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + seconds + BOOT_SECONDS
    while board.poll() is None and time.monotonic() < deadline:
        if (folder / "press").exists():
            _press(monitor)
            (folder / "press").unlink()
        time.sleep(0.2)
    board.kill()
    board.wait()
    said = output.read_text(errors="replace") if output.exists() else "it did not boot"
    assert status.exists(), f"the board did not come to an end:\n{said[-8000:]}"
    assert status.read_text().strip() == "0", f"the script failed:\n{said[-8000:]}"
    return said


def _press(monitor: Path) -> None:
    """QEMU's power button is the board's only one."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(monitor))
        line.recv(4096)
        line.sendall(b"system_powerdown\n")
        time.sleep(0.2)


def _fetch_packages(site: Path) -> None:
    """The Python packages that the board needs beside Debian's."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(site)]
    pip += ["--only-binary=:all:", "--platform=manylinux_2_34_aarch64", "--python-version=311"]
    subprocess.run([*pip, "lgpio==0.2.2.0"], check=True, capture_output=True)
    for wheel in site.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(site)
    for name in PURE:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.submodule_search_locations is not None
        shutil.copytree(found.submodule_search_locations[0], site / name)


def _command(folder: Path, monitor: Path) -> list[str]:
    root = _root()
    return [
        QEMU, "-M", "virt", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi", "-smp", "2",
        "-m", "1024", "-serial", f"file:{folder / 'console'}",
        "-monitor", f"unix:{monitor},server,nowait", "-append", "console=ttyAMA0 quiet panic=-1",
        *machine(root, folder, _initrd(root)),
    ]


@cache
def _root() -> Path:
    """Debian's files for the board, unpacked; nothing of it was run."""
    root = tree("bookworm", tuple(SYSTEM), architecture="arm64")
    if not (root / "bin/sh").is_symlink():
        (root / "bin/sh").symlink_to("bash")
    return root


@cache
def _initrd(root: Path) -> Path:
    subprocess.run(["depmod", "-b", root, kernel(root)], check=True)
    modules = modules_of(root, (), "-d", str(root))
    return initrd(root, root / "bin/busybox", [Path(module) for module in modules])
