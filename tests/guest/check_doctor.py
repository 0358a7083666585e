"""`beemon doctor --fix` on a kernel of Debian under systemd: each thing is broken and mended.

The radio is the kernel's simulated one, the sound card, the battery-backed clock and the watchdog
are emulated by qemu, the swap file is that of dphys-swapfile, and the time comes from a server of
this test on the loopback. config.txt lies on a FAT file system, as on a Raspberry Pi.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beemon.doctor import run
from beemon.doctor.machine import Machine
from tests.doctor.firmware import Firmware
from tests.hive import until

SOON = 120.0  # an emulated machine is slow, not wrong
BROKEN = ("battery_clock", "clock", "swap", "usb_suspend", "wifi_power")
RTC = Path("/sys/class/rtc/rtc0/since_epoch")
NETWORK_MANAGER = Path("/etc/NetworkManager/conf.d")
CONFIG = """
[sensor.air]
driver = "kernel"
device = "sht3x"
[sensor.battery]
driver = "mcp3008"
channel = 0
"""


def shell(script: str) -> str:
    ran = subprocess.run(["sh", "-euc", script], text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    assert ran.returncode == 0, f"{script}: {ran.stdout}"
    return ran.stdout.strip()


def doctor(*words: str) -> dict[str, dict[str, Any]]:
    """The result of each check, as typed."""
    ran = subprocess.run(
        [sys.executable, "-m", "beemon", "doctor", "--json", *words, "--config", "/etc/none.toml"],
        capture_output=True, text=True, check=False,
    )
    assert ran.stdout, ran.stderr
    print(time.monotonic(), ran.stdout)
    return {one["check"]: one for one in json.loads(ran.stdout)["checks"]}


def states(result: dict[str, Any]) -> set[str]:
    return {one["state"] for one in result["findings"]}


def wrong(results: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, one in results.items() if states(one) != {"ok"}}


# The things, broken and mended together

@pytest.fixture(scope="module")
def card() -> Path:
    """The sound card on USB."""
    found = until(lambda: sorted(Path("/sys/bus/usb/devices").glob("*:1.0/sound")), SOON)
    return Path("/sys/bus/usb/devices", found[0].parent.name.partition(":")[0])


@pytest.fixture(scope="module")
def broken(card: Path) -> dict[str, dict[str, Any]]:
    """What the doctor says about all of it."""
    shell("timedatectl set-ntp false")
    set_rtc("2019-05-01 10:00")
    (card / "power/control").write_text("auto")
    shell("iw dev wlan0 set power_save on")
    shell("systemctl enable --now dphys-swapfile")
    return doctor(*BROKEN)


def set_rtc(moment: str) -> None:
    shell(f"hwclock --utc --set --date '{moment}'")


@pytest.fixture(scope="module")
def mended(broken: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What it mended, while no clock is right yet."""
    return doctor("--fix", *BROKEN)


@pytest.fixture(scope="module")
def synchronised(mended: dict[str, dict[str, Any]]) -> Iterator[None]:
    """timesyncd has got the time from a server."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 123))
        threading.Thread(target=serve_time, args=(server,), daemon=True).start()
        shell("mkdir -p /etc/systemd/timesyncd.conf.d\n"
              "printf '[Time]\nNTP=127.0.0.1\n' >/etc/systemd/timesyncd.conf.d/own.conf\n"
              "systemctl restart systemd-timesyncd")
        until(lambda: is_synchronised(), SOON)
        yield


def is_synchronised() -> bool:
    return shell("timedatectl show --property=NTPSynchronized --value") == "yes"


def serve_time(server: socket.socket) -> None:
    """Answer as a time server of stratum 1 (RFC 5905, figure 8)."""
    while True:
        asked, client = server.recvfrom(1024)
        now = struct.pack(">Q", int((time.time() + 2_208_988_800) * 2**32))
        head = struct.pack(">BBbbII4s", 0b00_100_100, 1, 4, -20, 0, 0, b"GPS\0")
        server.sendto(head + now + asked[40:48] + now + now, client)


@pytest.fixture(scope="module")
def mended_again(synchronised: None) -> dict[str, dict[str, Any]]:
    """What is mended after the clock is right. The kernel sets the battery's each 11 min."""
    until(lambda: abs(int(RTC.read_text()) - time.time()) < 30, SOON)
    set_rtc("2025-01-01 10:00")
    return doctor("--fix", *BROKEN)


def test_each_is_told(broken: dict[str, dict[str, Any]], card: Path) -> None:
    told = {name: "; ".join(one["what"] for one in result["findings"] if one["state"] == "warning")
            for name, result in broken.items()}
    assert told == {
        "battery_clock": "the battery-backed clock has lost its time",
        "clock": "the clock is not synchronised; the clock is never set by the network",
        "swap": "memory is swapped to /var/swap",
        "usb_suspend": f"the kernel may suspend the sound card on USB port {card.name}",
        "wifi_power": "wlan0 saves power",
    }


def test_each_is_mended_but_the_clock_that_has_no_right_one_beside_it(
    mended: dict[str, dict[str, Any]], card: Path
) -> None:
    assert {name for name, one in mended.items() if one.get("fixed")} == \
        {*BROKEN} - {"battery_clock"}
    assert mended["battery_clock"]["not_fixed"] == "the system's own clock is not synchronised"
    assert RTC.read_text() < "1600000000"
    assert shell("iw dev wlan0 get power_save") == "Power save: off"
    assert (card / "power/control").read_text() == "on\n"
    assert len(Path("/proc/swaps").read_text().splitlines()) == 1
    assert shell("systemctl is-enabled dphys-swapfile || true") == "disabled"
    assert shell("systemctl is-active systemd-timesyncd") == "active"
    assert shell("systemctl is-enabled systemd-timesyncd") == "enabled"


def test_the_battery_clock_is_set_as_soon_as_the_time_is_known(
    mended_again: dict[str, dict[str, Any]]
) -> None:
    assert mended_again["battery_clock"]["fixed"] == "the battery-backed clock was set"
    assert abs(int(RTC.read_text()) - time.time()) < 30


def test_a_second_time_nothing_is_mended_and_nothing_changed(
    mended_again: dict[str, dict[str, Any]]
) -> None:
    assert {name for name, one in mended_again.items() if one.get("fixed")} == {"battery_clock"}
    before = files()
    last = doctor("--fix", *BROKEN)
    assert wrong(last) == set()
    assert not [one for one in last.values() if one.get("fixed") or one.get("not_fixed")]
    assert files() == before


def files() -> str:
    return shell("find /etc -printf '%p %s %C@\n' | sort")


def test_a_battery_clock_in_local_time_is_set_too(mended_again: dict[str, dict[str, Any]]) -> None:
    shell("ln -sf /usr/share/zoneinfo/Europe/Berlin /etc/localtime; hwclock --systohc --localtime")
    machine = Machine(Path("/etc/none.toml"), unreachable)
    [before] = run.run(machine, ["battery_clock"], fix=True)
    assert "is wrong by 3" in before.findings[0].what
    assert not [one for one in run.run(machine, ["battery_clock"]) if one.is_wrong]


def test_a_card_that_is_plugged_in_again_is_not_suspended_either(
    mended: dict[str, dict[str, Any]], card: Path
) -> None:
    (card / "power/control").write_text("auto")
    (card / "authorized").write_text("0")
    (card / "authorized").write_text("1")
    until(lambda: (card / "power/control").read_text() == "on\n", SOON)


def test_network_manager_reads_the_setting_last(mended: dict[str, dict[str, Any]]) -> None:
    NETWORK_MANAGER.joinpath("default-wifi-powersave-on.conf").write_text(
        "[connection]\nwifi.powersave = 3\n")
    assert "wifi.powersave=2" in shell("NetworkManager --print-config")


# Refused

def test_a_swap_file_of_the_owner_is_left(mended: dict[str, dict[str, Any]]) -> None:
    make_swap("/var/mine")
    [result] = run.run(Machine(Path("/etc/none.toml"), unreachable), ["swap"], fix=True)
    assert result.findings[0].what == "memory is swapped to /var/mine"
    assert result.not_fixed == "only the swap file of Raspberry Pi OS is switched off by this"
    shell("swapoff /var/mine")


def make_swap(name: str) -> None:
    shell(f"dd if=/dev/zero of={name} bs=1M count=4 status=none; chmod 600 {name}\n"
          f"mkswap {name}; swapon {name}")


def unreachable(query: str) -> dict[str, object]:
    raise OSError("there is no service")


def test_the_swap_file_of_debian_13_is_given_up_for_compressed_memory(
    mended: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """As rpi-swap has it: a main file, and others that count after it."""
    Path("/etc/rpi").mkdir()
    Path("/etc/rpi/swap.conf").write_text("[Main]\nMechanism=swapfile\n")
    make_swap("/var/swap")
    machine = Machine(Path("/etc/none.toml"), unreachable)
    [result] = run.run(machine, ["swap"], fix=True)
    assert "after: sudo reboot" in (result.fixed or "")
    assert "Mechanism=zram\n" in Path("/etc/rpi/swap.conf.d/zz-beemon.conf").read_text()
    shell("modprobe zram; echo 8M >/sys/block/zram0/disksize; mkswap /dev/zram0\n"
          "swapon /dev/zram0")
    assert [one.is_wrong for one in run.run(machine, ["swap"])] == [False]


def test_the_watchdog_of_another_computer_is_left() -> None:
    [result] = run.run(Machine(Path("/etc/none.toml"), unreachable), ["watchdog"], fix=True)
    assert result.findings[0].what == "the hardware watchdog is not used"
    assert result.not_fixed == "the longest time of this machine's watchdog is not known"


# On a Raspberry Pi

@pytest.fixture
def pi(tmp_path: Path) -> Machine:
    """This machine, with the name of a Raspberry Pi."""
    root = tmp_path / "pi"
    for name in ("boot", "dev", "etc", "sys"):
        root.mkdir(exist_ok=True)
        (root / name).symlink_to(f"/{name}")
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.4\0")
    config = tmp_path / "beemon.toml"
    config.write_text(CONFIG)
    return Machine(config, unreachable, root=root)


def test_systemd_feeds_the_watchdog(pi: Machine) -> None:
    [result] = run.run(pi, ["watchdog"], fix=True)
    assert result.fixed == "the hardware watchdog restarts the machine if it hangs"
    assert [one.is_wrong for one in run.run(pi, ["watchdog"])] == [False]
    watchdog = Path("/sys/class/watchdog/watchdog0")
    assert (watchdog / "state").read_text() == "active\n"
    assert (watchdog / "timeout").read_text() == "14\n"
    assert (watchdog / "identity").read_text() == "i6300ESB timer\n"


def test_config_txt_is_completed_on_its_own_file_system(pi: Machine) -> None:
    folder = Path("/boot/firmware")
    file = folder / "config.txt"
    shell(f"mkdir -p {folder}; truncate -s 2M /firmware.img; mkfs.vfat /firmware.img\n"
          f"mount -o loop /firmware.img {folder}")
    try:
        before = b"dtparam=audio=on\r\n[cm5]\r\ndtparam=i2c_arm=on\r\ndtoverlay=dwc2"
        file.write_bytes(before)
        assert "config.txt lacks dtoverlay=i2c-sensor,sht3x" in told(pi, "overlays")
        assert [refused(pi, check) for check in ("buses", "overlays") if not_writable(folder)] == \
            ["Read-only file system"] * 2
        fill(folder)
        assert "No space left on device" in refused(pi, "overlays")
        assert file.read_bytes() == before
        (folder / "full").unlink()
        done = [result.fixed or "" for result in run.run(pi, ["buses", "overlays"], fix=True)]
        assert [one.partition(" to ")[0] for one in done] == \
            ["added dtparam=spi=on" if has_i2c() else "added dtparam=i2c_arm=on, dtparam=spi=on",
             "added dtoverlay=i2c-sensor,sht3x"]
        shell(f"umount {folder}; fsck.vfat -n /firmware.img; mount -o loop /firmware.img {folder}")
        assert file.read_bytes().startswith(before)
        booted = Firmware(frozenset({"pi4"})).read(file)
        assert booted.base["spi"] == "on"
        assert booted.overlays == {"i2c-sensor": {"sht3x"}}
        assert told(pi, "overlays") == ""
        after = sorted(folder.iterdir())
        [_, again] = run.run(pi, ["buses", "overlays"], fix=True)
        assert (again.fixed, again.not_fixed) == (None, None)
        assert sorted(folder.iterdir()) == after
    finally:
        shell(f"umount {folder}")


def told(pi: Machine, check: str) -> str:
    [result] = run.run(pi, [check])
    return "; ".join(one.what for one in result.findings if one.state != "ok")


def refused(pi: Machine, check: str) -> str:
    [result] = run.run(pi, [check], fix=True)
    shell("mount -o remount,rw /boot/firmware")
    assert result.fixed is None
    return (result.not_fixed or "").partition("] ")[2].partition(":")[0]


def not_writable(folder: Path) -> bool:
    shell(f"mount -o remount,ro {folder}")
    return True


def fill(folder: Path) -> None:
    with (folder / "full").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass


def has_i2c() -> bool:
    return Path("/sys/bus/i2c/devices/i2c-1").exists()
