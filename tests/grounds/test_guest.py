"""What only a kernel with its modules can show: a guest runs the checks of tests/guest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.grounds import guest

pytestmark = [pytest.mark.ground("guest"), pytest.mark.timeout(900)]

PYTEST = "python3 -m pytest -p no:cacheprovider --confcutdir=/beemon/tests/guest -c /dev/null -q"


def test_the_kernels_sensor_drivers(tmp_path: Path) -> None:
    guest.run(
        "modprobe i2c-dev; modprobe i2c-stub chip_addr=0x76,0x48\n"
        "modprobe bmp280-i2c; modprobe lm75; modprobe sht3x\n"
        f"{PYTEST} /beemon/tests/guest/check_sensors.py",
        tmp_path, seconds=120,
    )


def test_the_kernels_driver_of_an_accelerometer(tmp_path: Path) -> None:
    """Debian 12's kernel has no trigger by a timer."""
    guest.run(
        "mount -t configfs none /sys/kernel/config\n"
        "modprobe i2c-dev; modprobe i2c-stub chip_addr=0x18\n"
        "modprobe st_accel_i2c; modprobe iio-trig-hrtimer\n"
        f"{PYTEST} /beemon/tests/guest/check_accelerometer.py",
        tmp_path, seconds=300, packages=(), release="trixie", processor=guest.OWN_TIME,
    )


def test_a_usb_device_is_bound_anew(tmp_path: Path) -> None:
    guest.run(
        "modprobe dummy_hcd; modprobe usb_f_midi; modprobe snd-usb-audio\n"
        "mount -t configfs none /sys/kernel/config\n"
        "echo beemon:x:900: >>/etc/group\n"
        "echo beemon:x:900:900::/:/bin/sh >>/etc/passwd\n"
        "cp /beemon/debian/beemon.udev /usr/lib/udev/rules.d/60-beemon.rules\n"
        "/lib/systemd/systemd-udevd --daemon\n"
        f"{PYTEST} -s /beemon/tests/guest/check_usb.py",
        tmp_path, seconds=400, processor=guest.UNHURRIED,
    )


def test_setup_finds_a_card_a_camera_and_a_chip(tmp_path: Path) -> None:
    guest.run(
        "modprobe i2c-dev; modprobe i2c-stub chip_addr=0x48,0x76; modprobe lm75\n"
        "modprobe snd-aloop; modprobe vivid n_devs=1\n"
        "/lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle\n"
        f"{PYTEST} -s /beemon/tests/guest/check_setup.py",
        tmp_path, seconds=400, processor=guest.UNHURRIED,
    )


@pytest.mark.long
def test_a_camera(tmp_path: Path) -> None:
    guest.run(
        f"modprobe vivid n_devs=1; {PYTEST} -s /beemon/tests/guest/check_camera.py",
        tmp_path, seconds=400, processor=guest.TWO,
    )


USB_CARDS = (
    "-audiodev", "none,id=nobody", "-device", "qemu-xhci,id=usb",
    "-device", "usb-hub,bus=usb.0,port=1",
    "-device", "usb-audio,audiodev=nobody,bus=usb.0,port=1.2",
    "-device", "usb-audio,audiodev=nobody,bus=usb.0,port=2",
)
"""Two of one make; they only play, which is enough to be found."""


SHORT = "" if "BEEMON_LONG" in os.environ else "-k 'unplugged or swap'"


@pytest.mark.timeout(1800)
def test_a_sound_card(tmp_path: Path) -> None:
    """It comes and goes; with BEEMON_LONG two of them also count for ten minutes, and fail."""
    said = guest.run(
        "modprobe snd-aloop enable=1,1 id=Loopback,Second; modprobe xhci-pci\n"
        "modprobe snd-usb-audio\n"
        f"export BEEMON_LONG={os.environ.get('BEEMON_LONG', '')}\n"
        f"{PYTEST} -s /beemon/tests/guest/check_microphone.py {SHORT}",
        tmp_path, seconds=1300, hardware=USB_CARDS,
    )
    print(said)
