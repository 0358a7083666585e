"""Debian system trees, made once and kept: a container is a copy on write of one."""

import re
import subprocess
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]

SYSTEM = ["dbus", "netcat-openbsd", "systemd-sysv", "tzdata", "udev"]
"""What a small Debian that boots has; tzdata is there on every one, and would ask where we are."""


@cache
def tree(
    release: str,
    packages: tuple[str, ...] = (),
    downloads: tuple[str, ...] = (),
    architecture: str = "",
) -> Path:
    """A tree of that release with these packages in it, and others ready to install.

    Of another architecture they are unpacked alone.
    """
    command = [str(PROJECT / "scripts/debian-tree"), release]
    command += [",".join(packages), ",".join(downloads), architecture]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Path(made.stdout.strip())


def bare(release: str) -> Path:
    """A small Debian that boots; what beemon wants can be installed without a network."""
    others = ("apprise", "autopkgtest", "dpkg-dev", "mosquitto", "openssl", "polkitd",
              "python3-av", "python3-paho-mqtt", "python3-segno")
    return tree(release, tuple(SYSTEM), (*depends(), *others))


def depends() -> list[str]:
    """The packages that beemon's own package depends on, by name."""
    control = (PROJECT / "debian/control").read_text()
    field = re.search(r"^Depends:((?:.|\n )*)", control, re.MULTILINE)
    assert field, "debian/control has no Depends"
    relations = (relation.split("(")[0].strip() for relation in field[1].split(","))
    return [name for name in relations if name and not name.startswith("$")]
