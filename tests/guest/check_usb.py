"""A USB sound card for real: the kernel's USB port without hardware, a gadget, the udev rule.

The card has MIDI alone, for dummy_hcd carries no isochronous transfers: a sound card to the kernel
and to udev, in which nothing can be recorded. What records is an arecord that fails until the card
was bound anew.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beemon.devices import _usb, load
from tests.hive import Hive, until

GADGET = Path("/sys/kernel/config/usb_gadget/hive")
SYSFS = Path("/sys")
SOON = 60.0  # an emulated machine is slow, not wrong
ARECORD = """#!/bin/sh
# Fails like a card that hangs, until it has another device number than at first.
[ "$(stat -c %i {card}/id)" != {inode} ] || {{
    echo "arecord: set_params:1407: Unable to install hw params" >&2
    exit 1
}}
while :; do head -c 4000 /dev/urandom; sleep 0.2; done
"""
AS_BEEMON = ["setpriv", "--reuid=beemon", "--regid=beemon", "--clear-groups", "--no-new-privs"]


@pytest.fixture(autouse=True)
def plugged() -> Iterator[None]:
    """The gadget is plugged in, and udev has had its say."""
    if not GADGET.exists():
        make()
    (GADGET / "UDC").write_text("dummy_udc.0")
    until(card, SOON)
    settle()
    yield
    (GADGET / "UDC").write_text("\n")
    until(lambda: card() is None, SOON)


def make() -> None:
    function, config = GADGET / "functions/midi.usb0", GADGET / "configs/c.1"
    for folder in (GADGET, GADGET / "strings/0x409", function, config):
        folder.mkdir()
    (GADGET / "idVendor").write_text("0x1d6b")
    (GADGET / "idProduct").write_text("0x0104")
    (GADGET / "strings/0x409/product").write_text("Hive microphone")
    (config / "midi.usb0").symlink_to(function)


def settle() -> None:
    subprocess.run(["udevadm", "settle"], check=True)


def card() -> Path | None:
    """The card that is a USB device; the gadget's own side is one as well."""
    for folder in SYSFS.glob("class/sound/card*"):
        if _usb.device_of(folder):
            return folder.resolve()
    return None


def there() -> Path:
    found = card()
    assert found is not None
    return found


def microphone() -> Any:
    name = (there() / "id").read_text().strip()
    return load("microphone", "microphone.m", {"driver": "alsa", "card": f"CARD={name}"})


def as_beemon(code: str) -> subprocess.CompletedProcess[str]:
    """Run as the user that the service runs as."""
    whole = f"from pathlib import Path\nfrom beemon.devices import _usb\n{code}"
    return subprocess.run(
        [*AS_BEEMON, sys.executable, "-c", whole], capture_output=True, text=True, check=False
    )


def test_the_card_s_usb_device_is_found() -> None:
    usb = microphone().usb()
    assert (usb / "product").read_text() == "Hive microphone\n"
    listed = Path("/proc/asound/cards").read_text()
    [port] = re.findall(r"at (usb-[^,\s]+)", listed)
    assert load("microphone", "microphone.m", {"driver": "alsa", "card": port}).usb() == usb


def test_it_is_bound_anew_by_the_service_s_user() -> None:
    device, before = microphone(), (there() / "id").stat().st_ino
    usb, name = device.usb(), (there() / "id").read_text()
    began = time.monotonic()
    done = as_beemon(f"""
usb = Path({str(usb)!r})
_usb.bind_anew(lambda: usb if list(usb.glob("*/sound/card*/id")) else None)
""")
    assert done.returncode == 0, done.stderr
    print(f"{usb.name} was bound anew in {time.monotonic() - began:.1f} s")
    assert device.usb() == usb
    assert (there() / "id").read_text() == name
    assert (there() / "id").stat().st_ino != before


def test_without_the_udev_rule_it_says_what_would_allow_it() -> None:
    usb = microphone().usb()
    os.chown(usb / "authorized", 0, 0)
    refused = as_beemon(f"_usb.bind_anew(lambda: Path({str(usb)!r}))")
    assert "NotAllowedError: the service has no permission to write to" in refused.stderr
    assert "sudo udevadm trigger --action=add --subsystem-match=usb" in refused.stderr
    assert (usb / "authorized").read_text() == "1\n"
    subprocess.run(
        ["udevadm", "trigger", "--action=add", "--subsystem-match=usb", "--settle"], check=True
    )
    allowed = as_beemon(f"_usb.bind_anew(lambda: Path({str(usb)!r}))")
    assert allowed.returncode == 0, allowed.stderr


def test_it_may_do_that_to_no_other_device() -> None:
    mine = microphone().usb()
    others = [f for f in SYSFS.glob("bus/usb/devices/*/authorized") if f.parent.resolve() != mine]
    assert others
    for switch in others:
        refused = as_beemon(f"Path({str(switch)!r}).write_text('1')")
        assert "PermissionError" in refused.stderr, switch


def test_what_a_killed_worker_left_without_drivers_gets_them_back() -> None:
    usb = microphone().usb()
    code = f"from pathlib import Path; from beemon.devices import _usb\n" \
           f"_usb.bind_anew(lambda: Path({str(usb)!r}), away_seconds=600)"
    worker = subprocess.Popen([*AS_BEEMON, sys.executable, "-c", code])
    until(lambda: (usb / "authorized").read_text() == "0\n", SOON)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert card() is None
    assert as_beemon("_usb.let_back(Path('/sys'))").returncode == 0
    until(card, SOON)


def test_the_service_binds_it_anew_where_nothing_else_helps(tmp_path: Path) -> None:
    """As a whole: errors, a new worker twice, the USB device bound anew, and it records."""
    device = microphone()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "arecord").write_text(ARECORD.format(
        card=f"{device.usb()}/*/sound/card*", inode=(there() / "id").stat().st_ino
    ))
    (programs / "arecord").chmod(0o755)
    table = f'[microphone.m]\ndriver = "alsa"\ncard = "{device.settings.card}"\nrate = 8000\n'
    hive = Hive(tmp_path, table, PATH=f"{programs}:{os.environ['PATH']}")
    hive.begin()
    until(hive.answers, SOON)
    began, asked = time.monotonic(), 0
    while (job := hive.do("record microphone.m 1"))["outcome"] != "done":
        assert time.monotonic() - began < 3 * SOON, hive.said()
        asked += job["reason"] != "back-off"
        time.sleep(0.2)
    status = hive.ask("status")["devices"]["microphone.m"]
    print(f"it records after {asked} failures and {time.monotonic() - began:.1f} s: {status}")
    assert status["recovery"]["restarts"] == 3
    assert status["recovery"]["rebound"] == 1
    assert "given_up" not in status["recovery"]
    assert hive.said().count("was rebound") == 1
    hive.stop()
