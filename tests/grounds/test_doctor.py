"""The doctor's fixes of what only a kernel with hardware has: one guest that systemd runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grounds import guest
from tests.grounds.test_guest import PYTEST

pytestmark = [pytest.mark.ground("guest"), pytest.mark.long, pytest.mark.timeout(900)]

PACKAGES = ("dbus", "dosfstools", "dphys-swapfile", "iw", "network-manager", "systemd-sysv",
            "systemd-timesyncd")
HARDWARE = ("-rtc", "clock=vm", "-audiodev", "none,id=nobody", "-device", "qemu-xhci,id=usb",
            "-device", "usb-audio,audiodev=nobody,bus=usb.0,port=1", "-device", "i6300esb")
UNIT = """\
[Unit]
After=multi-user.target
[Service]
Environment=PYTHONPATH=/beemon PYTHONDONTWRITEBYTECODE=1 HOME=/root LANG=C.UTF-8
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/bin/sh -c '/bin/sh -eu /exchange/script >/exchange/output 2>&1; \
echo $? >/exchange/status; sync; echo o >/proc/sysrq-trigger'
"""
INIT = f"""\
mkdir -p /var.new
modprobe ext4; modprobe loop
truncate -s 192M /var.img
mkfs.ext4 -q -F /var.img
mount -o loop /var.img /var.new
cp -a /var/. /var.new
mount --move /var.new /var
echo CONF_SWAPSIZE=16 >>/etc/dphys-swapfile
cat >/etc/systemd/system/checks.service <<'END'
{UNIT}END
for unit in NetworkManager NetworkManager-wait-online dphys-swapfile e2scrub_reap; do
    rm -f /etc/systemd/system/*.wants/$unit.service
done
ln -s ../checks.service /etc/systemd/system/multi-user.target.wants/
rm -f /etc/systemd/system/timers.target.wants/*
exec /lib/systemd/systemd
"""
"""Debian is started by systemd, with a disk for what must be on one: a swap file."""
HANG = """\
echo 0 >/exchange/status
sync
kill -SEGV 1
sleep 120
echo "nothing restarted the machine after its first process hung"
exit 1
"""
"""Only the watchdog can end the guest now; before that, its checks have succeeded."""


def test_each_fix_mends_the_thing_itself(tmp_path: Path) -> None:
    (tmp_path / "init").write_text(INIT)
    # In its own time 14 s are enough for a machine that does not hang, however busy this one is.
    print(guest.run(
        "modprobe mac80211_hwsim radios=1; modprobe i6300esb; modprobe i2c-dev\n"
        "export PYTHONUNBUFFERED=1\n"
        f"{PYTEST} -s --durations=0 /beemon/tests/guest/check_doctor.py\n{HANG}",
        tmp_path, seconds=600, packages=PACKAGES, hardware=HARDWARE, processor=guest.UNHURRIED,
    ))
