"""Debian system trees, made once and kept: a container is a copy on write of one."""

import re
import subprocess
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]

SYSTEM = ["dbus", "netcat-openbsd", "systemd-sysv", "tzdata", "udev"]
"""What a small Debian that boots has; tzdata is there on every one, and would ask where we are."""
USED = ["openssl", "python3-av", "python3-segno"]
"""What beemon uses where it is there."""
CAMERA = ["libcamera0.4", "python3-jsonschema", "python3-libcamera", "python3-piexif",
          "python3-pil", "python3-prctl", "python3-pytest", "python3-tqdm"]
"""What picamera2 and its checks need with a virtual camera, which Debian 12's libcamera has not."""


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


def furnished(release: str) -> Path:
    """A Debian that boots with what beemon depends on, and most of what it can use.

    It is for what looks at no installation of these packages: that takes longer than most tests.
    """
    packages = [*SYSTEM, *depends(), *USED, *(CAMERA if release == "trixie" else ())]
    return tree(release, tuple(dict.fromkeys(packages)), ("mosquitto", "python3-paho-mqtt"))


def depends() -> list[str]:
    """The packages that beemon's own package depends on, by name."""
    control = (PROJECT / "debian/control").read_text()
    field = re.search(r"^Depends:((?:.|\n )*)", control, re.MULTILINE)
    assert field, "debian/control has no Depends"
    relations = (relation.split("(")[0].strip() for relation in field[1].split(","))
    return [name for name in relations if name and not name.startswith("$")]
