"""A machine that is well, below a folder, with programs of its own; tests plant faults in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from beemon import __version__
from beemon.doctor import run
from beemon.doctor.findings import Finding
from beemon.doctor.machine import Machine

MODEL = "Raspberry Pi 4 Model B Rev 1.4\0"
WELL = {
    "proc/device-tree/model": MODEL,
    "proc/meminfo": "MemTotal:        1000000 kB\nMemAvailable:     600000 kB\n",
    "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc/swaps": "Filename\t\tType\t\tSize\n/dev/zram0 partition 100 0 100\n",
    "proc/self/mountinfo": "20 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw\n",
    "proc/sys/kernel/tainted": "1024\n",
    "proc/net/tcp": "  sl\n   0: 0100007F:1F90 00000000:0000 0A 00:00 00:00 00 0 0 4711 1\n",
    "proc/net/route": "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                      "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\n",
    "proc/net/wireless": "Inter-| sta-|\n face | tus |\n wlan0: 0000   60.  -50.  -256        0\n",
    "etc/resolv.conf": "nameserver 192.168.1.1\n",
    "etc/hostname": "hive\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 hive\n",
    "etc/timezone": "Europe/Berlin\n",
    "etc/passwd": "beemon:x:990:990::/:/bin/false\n",
    "etc/group": "audio:x:29:beemon\nvideo:x:44:beemon\ngpio:x:993:beemon\ni2c:x:994:beemon\n",
    "etc/apt/apt.conf.d/50unattended-upgrades":
        '// Unattended-Upgrade::Automatic-Reboot "true";\n',
    "usr/share/zoneinfo/Europe/Berlin": "TZif",
    "usr/share/zoneinfo/Europe/Paris": "TZif",
    "boot/firmware/config.txt": "[all]\ndtparam=i2c_arm=on\ndtoverlay=i2c-sensor,bme280\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "sys/class/thermal/thermal_zone0/temp": "48000\n",
    "sys/block/mmcblk0/device/life_time": "0x01 0x02\n",
    "sys/block/mmcblk0/device/pre_eol_info": "0x01\n",
    "sys/fs/ext4/mmcblk0p2/errors_count": "0\n",
    "sys/class/net/wlan0/operstate": "up\n",
    "sys/class/net/wlan0/device/x": "",
    "sys/class/net/wlan0/wireless/x": "",
    "sys/bus/i2c/devices/i2c-1/name": "bcm2835\n",
    "sys/bus/usb/devices/1-1/power/control": "on\n",
    "sys/bus/usb/devices/1-1:1.0/bInterfaceClass": "0e\n",
    "dev/watchdog0": "",
    "etc/NetworkManager/NetworkManager.conf": "",
}
KERNEL = "[    1.0] Booting Linux on physical CPU 0x0\n"
PROGRAMS = {
    "journalctl": f"printf '%s' '{KERNEL}'",
    "timedatectl": "case $* in *,*) ;; *--value*) echo yes;; *set-ntp*) echo $* >>$LOG;;"
                   " *) echo NTP=yes; echo NTPSynchronized=yes;; esac",
    "iw": "case $* in *set*) echo $* >>$LOG;; *) echo Power save: off;; esac",
    "systemctl": "case $* in *show*) echo 14s;; *) echo $* >>$LOG;; esac",
    "usermod": "echo usermod $* >>$LOG", "udevadm": "echo udevadm $* >>$LOG",
    "hwclock": "echo hwclock $* >>$LOG",
    "getent": "exit 2",
    "vcgencmd": "echo throttled=0x0",
    "rpicam-hello": "echo 'Available cameras'; echo '0 : imx708 [4608x2592]'",
}
CONFIG = '[hive]\nname = "apiary-7"\n'


class Planted:
    """The machine, and ways to plant faults in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._programs = folder / "root", folder / "bin"
        self.log = folder / "log"
        self.status: dict[str, Any] | None = {
            "clock": "synchronised", "zone": "Europe/Berlin", "version": __version__,
            "devices": {"sensor.a": {"state": "running"}},
        }
        self.archive: Path | None = None
        self.replies: dict[str, dict[str, Any]] = {}
        self._programs.mkdir()
        self.config = self.root / "etc/beemon/beemon.toml"
        for name, content in {**WELL, "etc/beemon/beemon.toml": CONFIG}.items():
            self.plant(name, content)
        (self.root / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
        for name, script in PROGRAMS.items():
            self.program(name, script)
        monkeypatch.setenv("PATH", f"{self._programs}:/usr/bin:/bin")
        monkeypatch.setenv("LOG", str(self.log))
        clock = self.plant("sys/class/rtc/rtc0/since_epoch", "0")
        clock.write_text(f"{int(clock.stat().st_mtime)}\n")

    def plant(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def program(self, name: str, script: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def without(self, name: str) -> None:
        (self.root / name).unlink()

    def kernel(self, *lines: str) -> None:
        told = "".join(f"[   10.0] {line}\n" for line in lines)
        self.program("journalctl", f"cat <<'END'\n{KERNEL}{told}END")

    @property
    def machine(self) -> Machine:
        return Machine(self.config, self._ask, self.archive, self.root)

    def _ask(self, query: str) -> Mapping[str, Any]:
        if self.status is None:
            raise OSError("the service cannot be reached")
        return self.replies.get(query, self.status)

    def findings(self, check: str) -> list[Finding]:
        [result] = run.run(self.machine, [check])
        return list(result.findings)

    def states(self, check: str) -> list[str]:
        return [one.state.value for one in self.findings(check)]

    def told(self, check: str) -> str:
        return "; ".join(one.what for one in self.findings(check) if one.state != "ok")

    def fix(self, check: str) -> str:
        """What was mended, or why not; fails unless a second look finds nothing."""
        [result] = run.run(self.machine, [check], fix=True)
        return result.fixed or f"NOT {result.not_fixed}"

    @property
    def done(self) -> str:
        """The programs that changed something."""
        return self.log.read_text() if self.log.exists() else ""
