"""A Debian 13 with libcamera's virtual camera, which sees the simulated hive entrance.

    with machine(folder) as debian:
        check(debian, "check_camera.py")

Real there: libcamera 0.4, its Python bindings, picamera2 from PyPI, Debian's PyAV and its x264.
What a virtual camera lacks is made up from below: ``tests/virtual/modules`` and ``udmabuf.c``.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.grounds import container
from tests.grounds.container import Container
from tests.grounds.tree import PROJECT, furnished

VIRTUAL = PROJECT / "tests/virtual"
WHEELS = ["picamera2", "simplejpeg", "videodev2", "libarchive-c"]
"""What neither Debian nor the stand-ins have."""
WIDTH, HEIGHT, PICTURES = 640, 480, 20
CONFIG = f"""%YAML 1.1
---
"Virtual0":
  supported_formats:
  - width: {WIDTH}
    height: {HEIGHT}
    frame_rates: [15, 30]
  frames:
    path: "/hive/"
  location: "CameraLocationFront"
  model: "hive"
"""
ENVIRONMENT = {
    "LD_PRELOAD": "/tools/udmabuf.so",
    "PYTHONPATH": "/beemon/tests/virtual/modules:/wheels:/beemon",
    "PYTHONDONTWRITEBYTECODE": "1",
    # libcamera 0.4 leaves each frame's status as it finds it in memory, where 0 means success:
    # glibc is to give out memory full of zeros (mallopt(3), M_PERTURB)
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=255",
}


@cache
def missing() -> str | None:
    """What this machine lacks for it, or None."""
    if not shutil.which("cc"):
        return "not installed: cc"
    return container.missing()


@contextmanager
def machine(folder: Path) -> Iterator[Container]:
    """One that is booted; ``folder`` is for what it is given."""
    binds = [f"{PROJECT}:/beemon", f"{_wheels()}:/wheels"]
    for name, make in (("tools", _make_tools), ("hive", _draw)):
        make(folder / name)
        binds.append(f"{folder / name}:/{name}")
    with Container(furnished("trixie"), binds=binds) as debian:
        debian.put("/usr/share/libcamera/pipeline/virtual/virtual.yaml", CONFIG)
        yield debian


def check(debian: Container, name: str, timeout: float = 300) -> str:
    """The output of the checks in that file of tests/virtual, which pass."""
    options = ["-p", "no:cacheprovider", "-c", "/dev/null", "--confcutdir=/beemon/tests/virtual"]
    return run(debian, "-m", "pytest", *options, "-q", "-s", f"/beemon/tests/virtual/{name}",
               timeout=timeout)


def run(debian: Container, *python: str, timeout: float = 300) -> str:
    """The output of Python there, with the camera."""
    environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    return debian.run("env", *environment, "python3", *python, timeout=timeout).stdout


def drop_in() -> str:
    """For the installed service, which has its own modules."""
    own = {**ENVIRONMENT, "PYTHONPATH": "/beemon/tests/virtual/modules:/wheels"}
    return "[Service]\n" + "".join(f"Environment={name}={value}\n" for name, value in own.items())


def _make_tools(folder: Path) -> None:
    folder.mkdir()
    library = folder / "udmabuf.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, VIRTUAL / "udmabuf.c"], check=True)


def _draw(folder: Path) -> None:
    import av

    from beemon.devices.cameras._jpeg import jpeg
    from beemon.devices.cameras.simulated.entrance import Entrance

    folder.mkdir()
    entrance = Entrance(WIDTH, HEIGHT, 1)
    for number in range(PICTURES):
        picture = av.VideoFrame.from_ndarray(entrance.picture(number / 4), format="rgb24")
        (folder / f"{number}.jpg").write_bytes(jpeg(picture))


@cache
def _wheels() -> Path:
    """The packages from PyPI for that Debian's Python, unpacked."""
    folder = container._runs().parent / "wheels"
    if not folder.exists():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        only = ["--only-binary=:all:", "--python-version", "3.13", "--platform", "any"]
        only += ["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        subprocess.run([*pip, fresh, *only, *WHEELS], check=True)
        fresh.rename(folder)
    return folder
