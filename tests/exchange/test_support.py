"""A support bundle holds nothing that is private, wherever it was."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from beemon.base.facts import JsonObject
from beemon.base.progress import Progress
from beemon.cli import main as cli
from beemon.exchange import support
from beemon.exchange.redaction import Redactor
from beemon.exchange.support import MOST_BYTES, Source

SECRETS = {
    "token": "Zm9vYmFyLXRva2VuLTEyMzQ1Njc4",
    "password": "correct-horse-battery",
    "page": "$scrypt$n=16384$c2FsdA$aGFzaGhhc2hoYXNo",
    "key": "w1f1-s3cr3t-k3y",
    "network": "Meadow Lane 12",
    "url": "beeuser:hunter2pass",
    "latitude": "48.137154",
    "longitude": "-11.576124",
    "rounded": "48.14",
    "mac": "b8:27:eb:12:34:56",
    "ip": "192.168.178.42",
    "ipv6": "fd12:3456:789a::17",
    "host": "hilltop-hive-7",
    "mail": "jane.doe@example.org",
    "user": "janedoe",
    "serial": "10000000abcdef12",
    "usb": "A1B2C3D4E5",
    "one-wire": "0316a2793d01",
    "machine": "0123456789abcdef0123456789abcdef",
    "note": "the queen has a blue dot",
}
LINES = f"""
Nov 01 beemon[1]: token: {SECRETS["token"]}
Nov 01 beemon[1]: refused: auth {SECRETS["token"]}
Nov 01 beemon[1]: password={SECRETS["password"]} psk="{SECRETS["key"]}" for "{SECRETS["network"]}"
Nov 01 beemon[1]: {{"password": "{SECRETS["password"]}", "lat": {SECRETS["latitude"]}}}
Nov 01 beemon[1]: Authorization: Bearer {SECRETS["password"]}
Nov 01 beemon[1]: see rtsp://{SECRETS["url"]}@{SECRETS["host"]}.local/?{SECRETS["password"]}
Nov 01 beemon[1]: the page: http://{SECRETS["ip"]}/#code={SECRETS["password"]}
Nov 01 beemon[1]: sun at {SECRETS["latitude"]}, {SECRETS["longitude"]}, or {SECRETS["rounded"]} N
Nov 01 {SECRETS["host"]} dhcp: {SECRETS["ip"]} and {SECRETS["ipv6"]} for {SECRETS["mac"]}
Nov 01 wlan0: SSID "{SECRETS["network"]}" joined, hash {SECRETS["page"]}
Nov 01 sshd: {SECRETS["user"]} <{SECRETS["mail"]}> in /home/{SECRETS["user"]}/bees
Nov 01 usb 1-1: SerialNumber: {SECRETS["usb"]}; w1 28-{SECRETS["one-wire"]}; {SECRETS["serial"]}
Nov 01 usb-046d_HD_Webcam_{SECRETS["usb"]}-video-index0 on {SECRETS["machine"]}
Nov 01 mmc0: I/O error, dev mmcblk0, sector 1234
"""
CONFIG = f"""
[hive]
name = "apiary-7"
latitude = {SECRETS["latitude"]}
longitude = {SECRETS["longitude"]}
[server]
host_address = "{SECRETS["ip"]}"
token_file = "/etc/beemon/token"
[camera.entrance]
driver = "v4l2"
url = "http://{SECRETS["url"]}@{SECRETS["host"]}/video"
password = "{SECRETS["password"]}"
# old password: {SECRETS["password"]}
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A machine with secrets in every place, and programs that print them."""
    root = tmp_path / "root"
    files = {
        "etc/beemon/beemon.toml": CONFIG,
        "etc/beemon/conf.d/more.toml": f'[web]\npublic_url = "https://{SECRETS["host"]}/bees"\n',
        "etc/beemon/token": SECRETS["token"],
        "etc/hostname": SECRETS["host"],
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {SECRETS['host']}.lan {SECRETS['host']}\n",
        "etc/passwd": f"root:x:0:0::/root:/bin/sh\n{SECRETS['user']}:x:1000:1000::/home:/bin/sh\n",
        "etc/machine-id": SECRETS["machine"],
        "etc/NetworkManager/system-connections/x.nmconnection":
            f"[wifi]\nssid={SECRETS['network']}\n[wifi-security]\npsk={SECRETS['key']}\n",
        "proc/cpuinfo": f"Model: Raspberry Pi 4\nSerial\t\t: {SECRETS['serial']}\n",
        "sys/bus/usb/devices/1-1/serial": SECRETS["usb"],
        f"dev/v4l/by-id/usb-046d_HD_Webcam_{SECRETS['usb']}-video-index0": "",
        f"sys/bus/w1/devices/28-{SECRETS['one-wire']}": "",
        "boot/firmware/config.txt": f"dtparam=i2c_arm=on\n# {SECRETS['host']} {SECRETS['key']}\n",
        "proc/mounts": f"//{SECRETS['ip']}/x /mnt cifs username={SECRETS['user']},password="
                       f"{SECRETS['password']} 0 0\n",
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "lines").write_text(LINES)
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in {command[0] for command in support.COMMANDS.values()}:
        (programs / program).write_text(f"#!/bin/sh\n/bin/cat {tmp_path / 'lines'}\n")
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))

    def ask(query: str) -> JsonObject:
        inspection = {"kind": "inspection", "message": SECRETS["note"], "note": SECRETS["note"]}
        return {"query": query, "said": LINES, "latitude": 48.137154, "place": [48.14, -11.58],
                "events": [inspection, {"kind": "start", "message": LINES}]}

    return Source(root / "etc/beemon/beemon.toml", ask, root, lambda: {"said": LINES})


def unpacked(file: Path) -> dict[str, str]:
    with tarfile.open(file) as tar:
        return {info.name: tar.extractfile(info).read().decode() for info in tar}


@pytest.mark.process
def test_no_secret_is_in_any_file(source: Source, tmp_path: Path) -> None:
    sizes = support.write(source, tmp_path / "bundle.tar.gz", Progress())
    found = unpacked(tmp_path / "bundle.tar.gz")
    assert len(found) == len(sizes) > 25
    leaks = {
        (name, what)
        for name, text in found.items() for what, secret in SECRETS.items()
        if secret.lower() in (name + text).lower()
    }
    assert leaks == set()
    journal = found["beemon-support/journal.txt"]
    assert "mmc0: I/O error, dev mmcblk0, sector 1234" in journal
    assert "I/O error" in found["beemon-support/kernel.txt"]
    assert "driver = \"v4l2\"" in found["beemon-support/config/beemon.toml"]
    assert "dtparam=i2c_arm=on" in found["beemon-support/files/boot/firmware/config.txt"]
    assert "wlan0" in journal


@pytest.mark.process
def test_the_bundle_is_bounded_and_for_its_owner_alone(source: Source, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text(LINES * 2000)
    sizes = support.write(source, tmp_path / "bundle.tar.gz", Progress())
    assert sum(sizes.values()) <= MOST_BYTES
    assert sum(item.most for item in support.items(source)) <= MOST_BYTES
    assert (tmp_path / "bundle.tar.gz").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        support.write(source, tmp_path / "bundle.tar.gz", Progress())


@pytest.mark.process
def test_what_is_missing_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(query: str) -> JsonObject:
        raise OSError("the service cannot be reached")

    monkeypatch.setenv("PATH", str(tmp_path))
    bare = Source(tmp_path / "none.toml", ask, tmp_path)
    support.write(bare, tmp_path / "bundle.tar.gz", Progress())
    found = unpacked(tmp_path / "bundle.tar.gz")
    assert "cannot be reached" in found["beemon-support/service/status.json"]
    assert "not available" in found["beemon-support/journal.txt"]


def test_an_address_by_which_anybody_could_say_that_the_hive_is_well_is_a_secret():
    text = 'ping_url = "https://hc-ping.example/QmVlc0JlZXNCZWVzQmVl/hive"\n'
    assert Redactor().redact(text) == "ping_url = <secret>\n"


@pytest.mark.parametrize("text", [
    "exit status 0, 12:34:56, 2026-11-28T10:00:00Z",
    "127.0.0.1:8080 and ::1 are this machine",
    "35.07 °C, weight 29.812 kg, -61.2 dBFS",
    'token_file = "/etc/beemon/token"',
    "https://127.0.0.1/",
    "beemon 0.2.0+g12ab34c, python 3.11.2, kernel 6.12.25",
    "microphone.brood: done in 10.2 s",
    "DEVICE=/dev/i2c-1 0x76 mmcblk0p2 gpiochip0",
])
def test_what_identifies_nobody_stays(text: str) -> None:
    assert Redactor(places=[48.137154]).redact(text) == text


def test_the_same_address_gets_the_same_number() -> None:
    redactor = Redactor(hosts=["hilltop"])
    assert redactor.redact("10.0.0.1 10.0.0.2 10.0.0.1 hilltop HILLTOP.local") == \
        "<ip-1> <ip-2> <ip-1> <host-1> <host-1>.local"


@pytest.mark.process
def test_the_bundle_is_made_as_typed(
    source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.tar.gz"
    assert cli.main(["support-bundle", "-o", str(output), "--config", str(source.config)]) == 0
    told = capsys.readouterr().out
    assert "journal.txt (" in told
    assert '"check": "disk_errors"' in unpacked(output)["beemon-support/doctor.json"]
    assert f"Look at it before you send it: tar -xzOf {output}" in " ".join(told.split())
    assert cli.main(["support-bundle", "-o", str(output)]) == 1
