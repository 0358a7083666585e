"""beemon's own package: built from this working tree, and installed into a container."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.grounds import container
from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.tree import PROJECT


@cache
def package() -> Path:
    """The .deb, built twice, compared, and checked by lintian; once for all of pytest's workers."""
    deb, run = PROJECT / "dist/beemon.deb", os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    deb.parent.mkdir(exist_ok=True)
    with (deb.parent / ".built").open("a+", encoding="utf-8") as built:
        fcntl.flock(built, fcntl.LOCK_EX)
        built.seek(0)
        if not run or built.read() != run:
            subprocess.run([PROJECT / "scripts/build-deb", "--twice"], check=True)
            built.truncate(0)
            built.write(run)
    return deb


LAST_WITH_CONFFILE = "396ad87e0df904e0c8e571969ea7ef0afa60a591"
"""The last commit of 0.1.0, whose config dpkg owned."""


@cache
def earlier_package(commit: str) -> Path:
    """The .deb of a commit of this project, built by its own script, and kept."""
    kept = container._runs().parent / "packages" / f"{commit}.deb"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="beemon-earlier-") as place:
            _build(commit, place)
            fresh = shutil.copy(Path(place, "dist/beemon.deb"), f"{kept}.{os.getpid()}")
        Path(fresh).rename(kept)
    return kept


def _build(commit: str, place: str) -> None:
    script = """
        git -c safe.directory='*' archive "$1" | tar --extract --directory "$2"
        cd "$2"
        git init --quiet
        git add --all
        git -c user.name=test -c user.email=test@localhost commit --quiet --message="$1"
        scripts/build-deb
    """
    subprocess.run(["bash", "-euc", script, "-", commit, place], cwd=PROJECT, check=True)


def has_commit(commit: str) -> bool:
    """Whether this clone has it; one without its history has not."""
    command = ["git", "-c", "safe.directory=*", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, check=False).returncode == 0


def higher_version(deb: Path, place: Path) -> Path:
    """The same package with a later version number, which beemon also gives as its own."""
    subprocess.run(["dpkg-deb", "--raw-extract", deb, place / "later"], check=True)
    _add_later(place / "later/DEBIAN/control", r"(?m)^(Version: .*)")
    _add_later(place / "later/usr/lib/python3/dist-packages/beemon/__init__.py",
               r'(?m)^(__version__ = ".*)(?=")')
    target = place / "later.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", place / "later", target], check=True)
    return target


def _add_later(file: Path, version: str) -> None:
    changed, count = re.subn(version, r"\1+later", file.read_text())
    assert count == 1, file
    file.write_text(changed)


def ask(machine: Container, request: str) -> dict[str, Any]:
    """The object that the service replies with, asked as any client asks."""
    said = machine.shell(f"printf '%s\\n' '{request}' | nc -N 127.0.0.1 8080")
    word, _, payload = said.partition(" ")
    assert word == "OK", said
    answer: dict[str, Any] = json.loads(payload)
    return answer


@dataclass(frozen=True)
class Installation:
    """A machine as it is after ``apt install ./beemon.deb``, and how it came to be so."""

    release: str
    transcript: str
    """What apt said on a terminal at which nobody sat."""
    seconds_until_active: float
    layers: tuple[Path, ...]


def install(machine: Container, recommends: bool) -> tuple[str, float]:
    """apt's words on a terminal without a human, and how long until the service was active."""
    machine.put("/root/beemon.deb", package())
    said = apt(machine, "install ./beemon.deb", recommends)
    return said, seconds_until(machine, "systemctl", "is-active", "beemon")


def apt(machine: Container, words: str, recommends: bool = False) -> str:
    """What apt says when asked this by somebody who then goes away."""
    option = f"APT::Install-Recommends={'true' if recommends else 'false'}"
    return on_terminal(machine, f"cd /root && apt -y -o {option} {words}")


def on_terminal(machine: Container, command: str) -> str:
    """What a command says on a terminal where no key is ever pressed."""
    script = ["script", "--quiet", "--return", "--command", command, "/dev/null"]
    return machine.run(*script, timeout=500).stdout


def seconds_until(machine: Container, *command: str) -> float:
    """How long it takes until a command succeeds inside."""
    start = time.monotonic()
    until(lambda: machine.run(*command, check=False).returncode == 0, str(command))
    return time.monotonic() - start
