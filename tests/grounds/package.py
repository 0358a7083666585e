"""beemon's own package: built from this working tree, and installed into a container."""

import re
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.grounds.container import Container
from tests.grounds.deadline import within
from tests.grounds.tree import PROJECT


@cache
def package() -> Path:
    """The .deb, built twice, compared, and checked by lintian."""
    subprocess.run([PROJECT / "scripts/build-deb", "--twice"], check=True)
    return PROJECT / "dist/beemon.deb"


def higher_version(deb: Path, place: Path) -> Path:
    """The same package with a later version number."""
    subprocess.run(["dpkg-deb", "--raw-extract", deb, place / "later"], check=True)
    control = place / "later/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^(Version: .*)", r"\1+later", control.read_text()))
    target = place / "later.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", place / "later", target], check=True)
    return target


@dataclass(frozen=True)
class Installation:
    """A machine as it is after ``apt install ./beemon.deb``, and how it came to be so."""

    release: str
    recommends: bool
    transcript: str
    """What apt said on a terminal at which nobody sat."""
    seconds_until_active: float
    layers: tuple[Path, ...]


def install(machine: Container, recommends: bool) -> tuple[str, float]:
    """apt's words on a terminal without a human, and how long until the service was active."""
    machine.put("/root/beemon.deb", package())
    option = f"APT::Install-Recommends={'true' if recommends else 'false'}"
    said = on_terminal(machine, f"cd /root && apt install -y -o {option} ./beemon.deb")
    return said, seconds_until(machine, "systemctl", "is-active", "beemon")


def on_terminal(machine: Container, command: str) -> str:
    """What a command says on a terminal where no key is ever pressed."""
    script = ["script", "--quiet", "--return", "--command", command, "/dev/null"]
    return machine.run(*script, timeout=300).stdout


def seconds_until(machine: Container, *command: str) -> float:
    """How long it takes until a command succeeds inside."""
    start = time.monotonic()
    within(30, lambda: machine.run(*command, check=False).returncode == 0, str(command))
    return time.monotonic() - start
