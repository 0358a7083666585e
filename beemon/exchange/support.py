"""Support bundle: one file for those who help, without anything that is private.

Nothing is sent. Each file in it has a largest size, so that the whole stays below 5 MB.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from beemon import __version__
from beemon.base.facts import Json, JsonObject
from beemon.base.progress import Progress
from beemon.exchange.redaction import Redactor
from beemon.storage import staging

MOST_BYTES = 4_600_000
"""The largest size of the content, even before it is compressed."""
_COMMAND_SECONDS = 30.0
_OF_HARDWARE = re.compile(
    r"(?i)usb|mmc|ext4|f2fs|\bi2c|\bspi|w1_|w1-|snd|alsa|bcm2|v4l|uvc|unicam|imx\d|\bov\d|voltage"
    r"|thrott|oom|out of memory|watchdog|\brtc|gpio|i/o error|hwmon|thermal|iio|brcmf|taint"
    r"|segfault|hung|call trace"
)

Ask = Callable[[str], JsonObject]
"""Returns the service's reply to a query. Raises ``OSError`` if it cannot be reached."""
Text = Callable[[], str | JsonObject]


@dataclass(frozen=True)
class Source:
    """The machine and its service, from which a bundle is collected.

    ``root`` is the root of the file system, ``config`` the config file. ``doctor`` returns the
    results of ``beemon doctor`` as JSON.
    """

    config: Path
    ask: Ask
    root: Path = Path("/")
    doctor: Callable[[], JsonObject] | None = None

    def at(self, path: str) -> Path:
        """A path of the machine."""
        return self.root / path.lstrip("/")


@dataclass(frozen=True)
class Item:
    """One file of a bundle: its name, its text, and its largest size in bytes.

    Of a longer text the end is kept, as the newest lines of a log are there.
    """

    name: str
    text: Text
    most: int = 100_000


def write(source: Source, output: Path, progress: Progress) -> dict[str, int]:
    """Write the bundle; return the size of each file in it.

    Raises ``OSError`` and :class:`~beemon.base.progress.StoppedError`; then there is no bundle.
    """
    redactor, sizes = redactor_for(source), {}
    with staging.file(output) as folder, tarfile.open(folder / output.name, "w:gz") as tar:
        for item in items(source):
            progress.tell(f"collecting {item.name}")
            text = _bounded(_text_of(item, redactor), item.most).decode("utf-8", "replace")
            content = _bounded(redactor.redact(text), item.most)
            sizes[item.name] = len(content)
            info = tarfile.TarInfo(f"beemon-support/{item.name}")
            info.size, info.mtime = len(content), int(time.time())
            tar.addfile(info, io.BytesIO(content))
    return sizes


def _text_of(item: Item, redactor: Redactor) -> str:
    try:
        found = item.text()
        return found if isinstance(found, str) else _as_text(found, redactor)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"(not available: {error})\n"


def _as_text(reply: JsonObject, redactor: Redactor) -> str:
    """A reply as JSON. Its texts are redacted before JSON quotes what is in them."""
    return json.dumps(_redacted(reply, redactor), indent=1, ensure_ascii=False)


def _redacted(value: Json, redactor: Redactor) -> Json:
    if isinstance(value, str):
        return redactor.redact(value)
    if isinstance(value, Mapping):
        return {redactor.redact(name): _redacted(each, redactor) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_redacted(each, redactor) for each in value]
    return value


def _bounded(text: str, most: int) -> bytes:
    content = text.encode("utf-8", "replace")
    if len(content) <= most:
        return content
    cut = content[len(content) - most:]
    return b"(cut)\n" + cut[cut.find(b"\n") + 1:]


def items(source: Source) -> Iterator[Item]:
    """The files of a bundle."""
    yield Item("README.txt", lambda: README)
    yield Item("versions.txt", lambda: _versions(source))
    for name, query in QUERIES.items():
        yield Item(f"service/{name}.json", partial(_reply, source, query), 200_000)
    if source.doctor is not None:
        yield Item("doctor.json", source.doctor, 200_000)
    for name, command in COMMANDS.items():
        yield Item(f"{name}.txt", partial(run, *command), MOST_OF.get(name, 60_000))
    yield Item("kernel.txt", _kernel, 300_000)
    yield Item("devices.txt", lambda: _devices(source), 60_000)
    for name in FILES:
        yield Item(f"files{name}", partial(_file, source.at(name)), 20_000)
    for path in _configs(source.config):
        yield Item(f"config/{path.relative_to(source.config.parent)}", partial(_file, path), 40_000)


README = """\
This is a support bundle of beemon, for those who help you. It holds no sound, no pictures and no
passwords. It holds no position of the hive. Addresses, names of machines, networks and users, and
serial numbers are replaced by numbers. A program cannot know everything that is private. Look
through the files before you send them.

service/: the replies of the service, such as its status.
doctor.json: the result of `beemon doctor`.
journal.txt: the log of the last 7 days.
units.txt: the units of systemd.
unit-state.txt: their state.
kernel.txt: the messages of the kernel about the hardware.
devices.txt: the names of the devices in /dev and /sys.
config/: the config.
files/: some files of the system.
"""
QUERIES = {
    "version": "version", "status": "status", "devices": "devices", "jobs": "jobs 200",
    "events": "events 14d", "completeness": "completeness 7d", "budget": "budget",
}
"""The queries whose replies are in a bundle, by the name of the file."""
_UNITS = ("beemon.service", "beemon-web.service", "beemon-web.socket", "beemon-uplink.service")
COMMANDS = {
    "journal": (
        "journalctl", "--unit=beemon", "--unit=beemon-web", "--unit=beemon-uplink", "--since=-7d",
        "--lines=15000", "--no-pager", "--output=short-iso", "--no-hostname",
    ),
    "units": ("systemctl", "--no-pager", "cat", *_UNITS),
    "unit-state": ("systemctl", "--no-pager", "--full", "--lines=0", "status", *_UNITS),
    "failed-units": ("systemctl", "--no-pager", "--failed"),
    "packages": (
        "dpkg-query", "--show", "beemon", "python3", "python3-*", "libcamera*", "alsa-utils",
        "systemd", "raspi-firmware", "rpi-eeprom", "linux-image-*",
    ),
    "package-files": ("dpkg", "--verify", "beemon"),
    "package-audit": ("dpkg", "--audit"),
    "disks": ("df", "--human-readable", "--print-type"),
    "inodes": ("df", "--inodes"),
    "memory": ("free", "--mebi"),
    "throttled": ("vcgencmd", "get_throttled"),
    "clock": ("timedatectl", "show"),
    "cameras": ("rpicam-hello", "--list-cameras"),
    "processes": ("ps", "-u", "beemon", "-o", "pid,ppid,stat,pcpu,pmem,rss,etime,comm"),
}
"""The programs whose output is in a bundle, by the name of the file."""
MOST_OF = {"journal": 1_200_000, "packages": 60_000}
FILES = (
    "/boot/firmware/config.txt", "/boot/firmware/cmdline.txt", "/boot/config.txt",
    "/proc/asound/cards", "/proc/modules", "/proc/mounts", "/proc/loadavg", "/proc/meminfo",
    "/etc/debian_version",
)


def run(*command: str) -> str:
    """The output of a program and its errors. Raises ``OSError`` if there is no such program."""
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=_COMMAND_SECONDS,
        check=False, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return f"{done.stdout}{done.stderr}"


def _reply(source: Source, query: str) -> JsonObject:
    return _without_notes(source.ask(query))


def _without_notes(reply: JsonObject) -> JsonObject:
    """A reply without the notes of inspections, which are private texts."""
    events = reply.get("events")
    if not isinstance(events, list):
        return reply
    kept = [
        {name: value for name, value in event.items() if name not in ("message", "note", "facts")}
        if isinstance(event, Mapping) and event.get("kind") == "inspection" else event
        for event in events
    ]
    return {**reply, "events": kept}


def _versions(source: Source) -> str:
    told = [f"beemon {__version__}", f"python {sys.version}"]
    told += [" ".join((os.uname().sysname, os.uname().release, os.uname().version,
                       os.uname().machine))]
    for path in ("/etc/os-release", "/proc/device-tree/model"):
        with suppress(OSError):
            told.append(source.at(path).read_text("utf-8", "replace").strip("\0\n"))
    return "\n".join((*told, ""))


def _kernel() -> str:
    """The messages of the kernel about hardware that a hive uses."""
    try:
        told = run("journalctl", "--dmesg", "--boot", "--no-pager", "--output=short-iso",
                   "--no-hostname", "--lines=20000")
    except OSError:
        told = run("dmesg")
    return "\n".join(line for line in told.splitlines() if _OF_HARDWARE.search(line))


def _devices(source: Source) -> str:
    folders = (
        "/dev/v4l/by-id", "/dev/snd", "/dev/snd/by-id", "/dev/snd/by-path",
        "/sys/class/video4linux",
        "/sys/bus/i2c/devices", "/sys/bus/w1/devices", "/sys/bus/iio/devices", "/sys/class/hwmon",
        "/sys/bus/usb/devices", "/sys/class/rtc", "/sys/class/watchdog",
    )
    told = []
    for folder in folders:
        told.append(f"{folder}:")
        with suppress(OSError):
            told += [f"  {path.name}{_link(path)}" for path in sorted(source.at(folder).iterdir())]
    for pattern in ("gpiochip*", "i2c-*", "spidev*", "video*", "media*", "rtc*", "watchdog*"):
        nodes = sorted(source.at("/dev").glob(pattern))
        told += [f"/dev/{path.name} {_mode(path)}" for path in nodes]
    return "\n".join((*told, ""))


def _link(path: Path) -> str:
    return f" -> {path.readlink()}" if path.is_symlink() else ""


def _mode(path: Path) -> str:
    found = path.stat()
    return f"{found.st_mode & 0o777:o} {found.st_uid}:{found.st_gid}"


def _configs(config: Path) -> list[Path]:
    return [path for path in (config, *sorted((config.parent / "conf.d").glob("*.toml")))
            if path.is_file()]


def _file(path: Path) -> str:
    return path.read_text("utf-8", "replace")


# Values that are known to be private

_OPTION = re.compile(r"(?m)^\s*(latitude|longitude)\s*=\s*([-+]?\d+(?:\.\d+)?)")
_ADDRESS = re.compile(r"(?m)^\s*(?:host_address|public_url|address|hosts)\s*=\s*(.+)$")
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")
_TOKEN_FILE = re.compile(r"(?m)^\s*\w*(?:token|password|secret|key)\w*_file\s*=\s*[\"']([^\"']+)")
_SSIDS = re.compile(r"(?m)^\s*(?:ssid|id)\s*=\s*\"?([^\"\n]+)\"?")
_KEYS = re.compile(r"(?m)^\s*(?:psk|password|wep-key\d|private_key_passwd)\s*=\s*\"?([^\"\n]+)\"?")
_CPU_SERIAL = re.compile(r"(?m)^Serial\s*:\s*(\w+)")


def redactor_for(source: Source) -> Redactor:
    """A redactor that knows the private values of this machine."""
    config = "\n".join(_read(path) for path in _configs(source.config))
    token_files = [source.at(path) for path in _TOKEN_FILE.findall(config)]
    tokens = [_read(path).strip() for path in (*token_files, source.at("/etc/beemon/token"))]
    wireless = "\n".join(_read(path) for path in _networks(source))
    return Redactor(
        secrets=[*tokens, *_KEYS.findall(wireless)],
        networks=_SSIDS.findall(wireless),
        hosts=[*_hosts(source), *_hosts_of(config)],
        users=_users(source),
        serials=_serials(source),
        places=[float(value) for _, value in _OPTION.findall(config)],
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # there is none, or this user may not read it: then no output holds it either
        return ""


def _networks(source: Source) -> Iterator[Path]:
    for pattern in ("NetworkManager/system-connections/*", "wpa_supplicant/*.conf",
                    "netplan/*.yaml", "iwd/*"):
        with suppress(OSError):
            yield from sorted(source.at("/etc").glob(pattern))


def _hosts(source: Source) -> list[str]:
    names = [_read(source.at("/etc/hostname")).strip()]
    if source.root == Path("/"):
        names += [socket.gethostname()]
    for line in _read(source.at("/etc/hosts")).splitlines():
        names += [name for name in line.partition("#")[0].split()[1:]
                  if not name.startswith(("ip6-", "localhost"))]
    return [*names, *(name.partition(".")[0] for name in names)]


def _hosts_of(config: str) -> list[str]:
    found = (quoted for line in _ADDRESS.findall(config) for quoted in _QUOTED.findall(line))
    names = (re.sub(r"^\w+://|[/:].*$", "", value) for value in found)
    return [name for name in names if re.search(r"[A-Za-z]", name)]


def _users(source: Source) -> list[str]:
    rows = (line.split(":") for line in _read(source.at("/etc/passwd")).splitlines())
    return [row[0] for row in rows if len(row) > 2 and row[2].isdigit()
            and 1000 <= int(row[2]) < 60_000]


def _serials(source: Source) -> list[str]:
    found = _CPU_SERIAL.findall(_read(source.at("/proc/cpuinfo")))
    found += [_read(source.at("/proc/device-tree/serial-number")).strip("\0\n")]
    found += [_read(source.at("/etc/machine-id")).strip()]
    for pattern in ("sys/bus/usb/devices/*/serial", "sys/block/*/device/serial",
                    "sys/block/*/device/cid"):
        found += [_read(path).strip() for path in sorted(source.root.glob(pattern))]
    return found
