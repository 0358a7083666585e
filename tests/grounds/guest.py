"""A machine with Debian's own kernel for a test: emulated, so that it has kernel modules.

    output = run("modprobe snd-aloop; arecord -l", folder, seconds=60)

The guest runs one script and ends. It sees the project under ``/beemon`` and shares ``folder``
as ``/exchange``; what it changes elsewhere is gone afterwards. It has no network.
"""

import gzip
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.grounds.tree import PROJECT, depends, tree

INIT = Path(__file__).with_name("guest-init")
QEMU = "qemu-system-x86_64"
TOOLS = [QEMU, "busybox", "cpio", "mmdebstrap"]
SYSTEM = ["i2c-tools", "kmod", "linux-image-amd64", "mount", "python3-pytest", "udev", "util-linux"]
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay"]
"""What the kernel needs before it can see the shared folders."""
CAMERAS = ("python3-av", "v4l-utils")
"""What most guests have besides, for all of them to boot one tree."""
ONE = ("-accel", "tcg,thread=single")
TWO = ("-accel", "tcg,thread=multi", "-smp", "2")
UNHURRIED = (*ONE, "-icount", "shift=2")
OWN_TIME = (*ONE, "-icount", "shift=2,sleep=off")
"""The processors of a guest: one; two, which take half as much time again, to be kept in step; or
one whose clock counts its instructions (4 ns each) and what it sleeps, so that it does not see that
this machine is busy; or such a one that skips what it would sleep."""
FIRST = ("nice", "-n", "-5")
"""Before what else the machine does: what is emulated is slow as it is."""
KERNEL = "console=ttyS0 quiet panic=-1 no_timer_check"
"""What the kernel is told. Without the last word it counts the timer's interrupts at its start, and
panics where this machine was too busy to deliver them in time."""
BOOT_SECONDS = 120
"""What a boot may take on a loaded machine; on an idle one it takes some ten seconds."""


@cache
def missing() -> str | None:
    """What this machine lacks to boot one, or None."""
    if os.geteuid() != 0:
        return "only root can make a guest's tree"
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else None


def run(
    script: str, folder: Path, seconds: float, packages: tuple[str, ...] = CAMERAS,
    hardware: tuple[str, ...] = (), release: str = "bookworm", processor: Sequence[str] = ONE,
) -> str:
    """Boot a guest, run the script in it, and return its output.

    ``packages`` are there besides what beemon depends on, ``hardware`` is more of what qemu
    emulates, ``release`` is Debian's, ``processor`` is :data:`ONE`, :data:`TWO`,
    :data:`UNHURRIED` or :data:`OWN_TIME`; ``folder`` is shared with the guest as ``/exchange``.
    Fails where the script fails, or does not end within ``seconds`` after the boot.
    """
    (folder / "script").write_text(script)
    command = [*_command(folder, guest_tree(packages, release), processor), *hardware]
    boot = subprocess.run(
        command, stdin=subprocess.DEVNULL, text=True,
        errors="replace", capture_output=True, timeout=seconds + BOOT_SECONDS, check=False,
    )
    output = folder / "output"
    said = output.read_text(errors="replace") if output.exists() else boot.stdout + boot.stderr
    status = folder / "status"
    assert status.exists(), f"the guest did not come to an end:\n{said[-8000:]}"
    assert status.read_text().strip() == "0", f"the script failed:\n{said[-8000:]}"
    return said


def _command(folder: Path, root: Path, processor: Sequence[str]) -> list[str]:
    return [
        *FIRST, QEMU, *processor, "-cpu", "max", "-m", "1024",
        "-serial", "stdio", "-monitor", "none", "-append", KERNEL,
        *machine(root, folder, _initrd(root)),
    ]


def machine(root: Path, folder: Path, initrd: Path) -> list[str]:
    """The options of any emulated machine: what it boots, what it shares, no network."""
    shares = {"tree": (root, "on"), "project": (PROJECT, "on"), "exchange": (folder, "off")}
    return [
        "-display", "none", "-no-reboot", "-nic", "none",
        "-kernel", str(root / "boot" / f"vmlinuz-{kernel(root)}"), "-initrd", str(initrd),
        *(word for name, (path, is_read_only) in shares.items() for word in (
            "-fsdev", f"local,id={name},path={path},security_model=none,readonly={is_read_only}",
            "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}",
        )),
    ]


def guest_tree(packages: tuple[str, ...], release: str) -> Path:
    """Debian with a kernel, and all that beemon depends on."""
    return tree(release, (*SYSTEM, *depends(), *packages))


def kernel(root: Path) -> str:
    """The version of the tree's kernel."""
    [version] = [folder.name for folder in (root / "lib/modules").iterdir()]
    return version


@cache
def _initrd(root: Path) -> Path:
    modules = [root / name.lstrip("/") for name in modules_of(root, ["chroot", str(root)])]
    return initrd(root, Path(shutil.which("busybox") or ""), modules)


def initrd(root: Path, busybox: Path, modules: list[Path]) -> Path:
    """The first files of a machine, packed: busybox, modules in their order, the init script."""
    image, stage = root.with_suffix(".initrd"), root.with_suffix(".stage")
    shutil.rmtree(stage, ignore_errors=True)
    for name in ("bin", "modules", "proc", "sys", "dev", "tree", "memory", "root"):
        (stage / name).mkdir(parents=True)
    shutil.copy(busybox, stage / "bin/busybox")
    shutil.copy(INIT, stage / "init")
    for number, module in enumerate(modules):
        shutil.copy(module, stage / "modules" / f"{number:03}.ko")
    names = "\n".join(str(path.relative_to(stage)) for path in sorted(stage.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=stage, input=names.encode(),
        stdout=subprocess.PIPE, check=True,
    )
    image.write_bytes(gzip.compress(packed.stdout, 1))
    shutil.rmtree(stage)
    return image


def modules_of(root: Path, prefix: Sequence[str] = (), *where: str) -> list[str]:
    """The module files in the order in which they must be loaded, as modprobe says it."""
    files: dict[str, None] = {}
    for module in MODULES:
        command = [*prefix, "modprobe", *where, "--set-version", kernel(root)]
        command += ["--show-depends", module]
        listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        words = map(str.split, listed.splitlines())  # others are "builtin" in the kernel
        files |= dict.fromkeys(file for kind, file in words if kind == "insmod")
    return list(files)
