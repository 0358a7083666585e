"""Each check of the hardware finds the fault that is planted, and each fix mends it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from beemon.base.clock import MACHINE, Quality, Stamp
from beemon.base.moments import US_PER_HOUR
from beemon.base.readings import Reading
from beemon.cli import main as cli
from beemon.doctor import run
from beemon.doctor.machine import Machine, NotFixedError
from beemon.ledger import readings
from beemon.ledger.ledger import Ledger
from tests.doctor.planted_machine import Planted

pytestmark = pytest.mark.process


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    return Planted(tmp_path, monkeypatch)


def test_a_machine_that_is_well_has_no_problem(planted: Planted) -> None:
    for result in run.run(planted.machine, run.names()):
        assert not result.is_wrong, result
    assert planted.done == ""


def test_a_machine_without_anything_ends_no_check_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(query: str) -> dict[str, object]:
        raise OSError("nobody")

    monkeypatch.setenv("PATH", str(tmp_path))
    bare = Machine(tmp_path / "none.toml", ask, None, tmp_path)
    for result in run.run(bare):
        assert result.findings, result.check


def test_another_computer_skips_what_is_a_raspberry_pis(planted: Planted) -> None:
    planted.without("proc/device-tree/model")
    for check in ("power_supply", "overlays"):
        assert planted.states(check) == ["skipped"]


FAULTS: dict[str, tuple[str, Callable[[Planted], object], str, str]] = {
    "low now": ("power_supply", lambda m: m.plant(
        "sys/devices/platform/soc/soc:firmware/get_throttled", "50005"), "problem",
        "the supply voltage is too low now; the processor is slowed down now"),
    "low before": ("power_supply", lambda m: m.plant(
        "sys/devices/platform/soc/soc:firmware/get_throttled", "10000"), "warning",
        "the supply voltage was too low since the start"),
    "throttled": ("power_supply", lambda m: m.plant(
        "sys/devices/platform/soc/soc:firmware/get_throttled", "4"), "problem",
        "the processor is slowed down now"),
    "messages": ("power_messages", lambda m: m.kernel(
        "hwmon hwmon1: Undervoltage detected!", "x: Under-voltage detected! (0x00050005)"),
        "warning", "reported a low supply 2 times"),
    "no network time": ("clock", lambda m: m.program(
        "timedatectl", "echo NTP=yes; echo NTPSynchronized=no"), "warning", "not synchronised"),
    "never set": ("clock", lambda m: m.program(
        "timedatectl", "echo NTP=no; echo NTPSynchronized=yes"), "warning", "never set"),
    "no battery clock": ("battery_clock", lambda m: m.without("sys/class/rtc/rtc0/since_epoch"),
                         "warning", "there is no battery-backed clock"),
    "empty battery": ("battery_clock", lambda m: m.plant("sys/class/rtc/rtc0/since_epoch", "9"),
                      "warning", "has lost its time"),
    "wrong battery clock": ("battery_clock", lambda m: m.plant(
        "sys/class/rtc/rtc0/since_epoch", "1780000000"), "warning", "is wrong by"),
    "two zones": ("time_zone", lambda m: m.plant("etc/timezone", "Europe/Paris\n"), "warning",
                  "/etc/timezone has Europe/Paris, but /etc/localtime has Europe/Berlin"),
    "no such zone": ("time_zone", lambda m: m.without("usr/share/zoneinfo/Europe/Berlin"),
                     "problem", "Europe/Berlin does not exist"),
    "other zone": ("time_zone", lambda m: m.status.update(zone="UTC"), "warning",
                   "the service uses the time zone UTC"),
    "worn": ("card_wear", lambda m: m.plant("sys/block/mmcblk0/device/life_time", "0x02 0x09"),
             "warning", "about 90 % of its life"),
    "used up": ("card_wear", lambda m: m.plant("sys/block/mmcblk0/device/life_time", "0x0b 0x01"),
                "problem", "end of its life"),
    "no spare": ("card_wear", lambda m: m.plant("sys/block/mmcblk0/device/pre_eol_info", "0x03"),
                 "problem", "end of its life"),
    "ext4": ("file_system", lambda m: m.plant("sys/fs/ext4/mmcblk0p2/errors_count", "7"),
             "problem", "mmcblk0p2 has had errors (7 so far)"),
    "read-only": ("file_system", lambda m: m.plant(
        "proc/self/mountinfo", "20 1 179:2 / / ro,noatime - ext4 /dev/mmcblk0p2 ro\n"),
        "problem", "mounted read-only"),
    "I/O": ("disk_errors", lambda m: m.kernel(
        "blk_update_request: I/O error, dev mmcblk0, sector 1"), "problem", "1 error of a disk"),
    "another disk": ("disk_errors", lambda m: m.kernel(
        "EXT4-fs error (device loop0): a test", "EXT4-fs error (device sda1): it fails"),
        "problem", "1 error of a disk, the last: [   10.0] EXT4-fs error (device sda1)"),
    "card": ("disk_errors", lambda m: m.kernel("mmc0: error -110 whilst initialising SD card"),
             "problem", "error -110"),
    "swap": ("swap", lambda m: m.plant("proc/swaps", "Filename\n/var/swap file 100 0 -2\n"),
             "warning", "swapped to /var/swap"),
    "little memory": ("memory", lambda m: m.plant(
        "proc/meminfo", "MemTotal:  1000000 kB\nMemAvailable:  30000 kB\n"), "warning",
        "only 29 of 976 MB"),
    "pressure": ("memory", lambda m: m.plant(
        "proc/pressure/memory", "some avg10=0 avg60=0 avg300=33.1 total=0\n"), "warning",
        "wait for memory 33 %"),
    "killed": ("memory", lambda m: m.kernel("Out of memory: Killed process 99 (python3)"),
               "problem", "Killed process 99"),
    "hot": ("temperature", lambda m: m.plant("sys/class/thermal/thermal_zone0/temp", "83000"),
            "problem", "at 83 °C"),
    "warm": ("temperature", lambda m: m.plant("sys/class/thermal/thermal_zone0/temp", "77000"),
             "warning", "at 77 °C"),
    "defect": ("kernel_state", lambda m: m.plant("proc/sys/kernel/tainted", "128"), "problem",
               "the kernel had a fatal error"),
    "no link": ("network", lambda m: m.plant("sys/class/net/wlan0/operstate", "down"), "warning",
                "no network interface has a link"),
    "no route": ("network", lambda m: m.plant("proc/net/route", "Iface\n"), "warning",
                 "no default route"),
    "no name server": ("network", lambda m: m.plant("etc/resolv.conf", "# none\n"), "warning",
                       "no name server"),
    "own name": ("host_name", lambda m: m.plant("etc/hosts", "127.0.0.1 localhost\n"), "warning",
                 "hive, cannot be resolved"),
    "Wi-Fi saves": ("wifi_power", lambda m: m.program("iw", "echo Power save: on"), "warning",
                    "wlan0 saves power"),
    "weak Wi-Fi": ("wifi_signal", lambda m: m.plant(
        "proc/net/wireless", "h\nh\n wlan0: 0000   20.  -84.  -256\n"), "warning", "-84 dBm"),
    "over-current": ("usb_power", lambda m: m.kernel("usb usb1-port2: over-current condition"),
                     "problem", "too much current"),
    "disconnects": ("usb_power", lambda m: m.kernel(*["usb 1-1: USB disconnect"] * 5), "warning",
                    "disconnected 5 times"),
    "suspend": ("usb_suspend", lambda m: m.plant("sys/bus/usb/devices/1-1/power/control", "auto"),
                "warning", "may suspend the camera on USB port 1-1"),
    "watchdog": ("watchdog", lambda m: m.program("systemctl", "echo 0"), "warning", "is not used"),
    "restarts": ("reboots", lambda m: m.plant(
        "etc/apt/apt.conf.d/60x", 'Unattended-Upgrade::Automatic-Reboot "true";\n'), "warning",
        "restart the machine by themselves"),
    "restart waits": ("reboots", lambda m: m.plant("run/reboot-required", ""), "warning",
                      "waits for a restart"),
    "group": ("device_access", lambda m: (
        m.plant("etc/group", "video:x:44:\n"), m.plant("dev/video0", "")), "problem",
        "not in the groups video"),
    "mode": ("device_access", lambda m: m.plant("dev/gpiochip0", "").chmod(0o600), "problem",
             "may not open /dev/gpiochip0"),
}


@pytest.mark.parametrize(("check", "plant", "state", "told"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_found(
    planted: Planted, check: str, plant: Callable[[Planted], object], state: str, told: str
) -> None:
    plant(planted)
    assert state in planted.states(check)
    assert told in planted.told(check)
    for one in planted.findings(check):
        assert one.state in ("ok", "skipped") or (one.why and one.next)


def test_vcgencmd_is_asked_where_the_kernel_does_not_know(planted: Planted) -> None:
    planted.without("sys/devices/platform/soc/soc:firmware/get_throttled")
    assert planted.states("power_supply") == ["ok"]
    planted.program("vcgencmd", "echo throttled=0x50005")
    assert "too low now" in planted.told("power_supply")


def test_an_unsure_clock_is_a_problem(planted: Planted) -> None:
    planted.program("timedatectl", "echo NTP=yes; echo NTPSynchronized=no")
    planted.status["clock"] = "unsure"
    assert planted.states("clock") == ["problem"]
    planted.status["clock"] = "rtc"
    assert planted.states("clock") == ["ok"]


WEEKS: dict[str, tuple[dict[str, list[float]], list[str]]] = {
    "well": ({"under_voltage": [0] * 9, "throttled": [0] * 9, "cpu_temperature": [79]}, []),
    "low supply": ({"under_voltage": [0, 1, 0, 0], "under_voltage_since_boot": [0, 1, 1, 1]},
                   ["the supply was too low in 1 of 4 readings of the last week"]),
    "low between two readings": ({"under_voltage": [0] * 3, "under_voltage_since_boot": [0, 1, 1]},
                                 ["the supply was too low between two readings in the last week"]),
    "low before the week, perhaps": ({"under_voltage": [0] * 2,
                                      "under_voltage_since_boot": [1, 1]}, []),
    "slow": ({"throttled": [1, 1, 0]},
             ["the processor was slowed down in 2 of 3 readings of the last week"]),
    "slow between two readings": ({"throttled": [0], "throttled_since_boot": [0, 1]}, [
        "the processor was slowed down between two readings in the last week"]),
    "hot": ({"cpu_temperature": [60, 83.2, 61]},
            ["the processor reached 83 °C in the last week"]),
}


@pytest.mark.parametrize("week", WEEKS)
def test_the_history_of_the_supply_is_read_from_the_archive(
    planted: Planted, tmp_path: Path, week: str
) -> None:
    values, told = WEEKS[week]
    keep(tmp_path, values, MACHINE.now().utc_us)
    planted.archive = tmp_path
    found = planted.findings("supply_history")
    assert [one.what for one in found if one.state == "warning"] == told
    assert all(one.why and one.next for one in found if one.state == "warning")
    assert told or [one.state for one in found] == ["ok"]


def test_a_fault_of_the_supply_before_the_last_week_is_past(
    planted: Planted, tmp_path: Path
) -> None:
    keep(tmp_path, {"under_voltage": [1]}, MACHINE.now().utc_us - 8 * 24 * US_PER_HOUR)
    planted.archive = tmp_path
    assert planted.states("supply_history") == ["skipped"]


def keep(folder: Path, values: Mapping[str, Sequence[float]], until_us: int) -> None:
    """Enter readings of the computer, one a minute."""
    with closing(Ledger(folder)) as ledger:
        ledger.prepare()
        with ledger.transaction():
            ledger.begin_run()
            readings.keep(ledger, ledger.accept("read", "test"), [
                Reading("sensor.system", quantity, "", float(value), None,
                        Stamp(until_us - (len(series) - n) * 60_000_000, 10.0,
                              Quality.SYNCHRONISED))
                for quantity, series in values.items() for n, value in enumerate(series)
            ])


def test_the_stage_of_saving_power_is_told(planted: Planted) -> None:
    planted.plant("etc/beemon/beemon.toml", POWER)
    planted.status["power"] = {"stage": "full", "sensor": "sensor.system"}
    assert planted.states("power_stage") == ["ok"]
    planted.status["power"] = {
        "stage": "no-video", "sensor": "sensor.system", "quantity": "load", "value": 11.9,
    }
    assert "no-video: sensor.system measured load as 11.9" in planted.told("power_stage")
    planted.status = None
    assert planted.states("power_stage") == ["unknown"]


POWER = """
[sensor.system]
driver = "system"
schedule = { interval = "1m" }
[power]
sensor = "sensor.system"
quantity = "load"
[power.saving]
below = 12.2
until = 12.5
every = 3
"""


# The devices of the config

KERNEL_SENSOR = '[sensor.air]\ndriver = "kernel"\ndevice = "sht3x"\nsysfs = "{sysfs}"\n'
ONE_WIRE = '[sensor.brood]\ndriver = "kernel"\ndevice = "28-0316a2794dff"\nsysfs = "{sysfs}"\n'
HX711 = '[sensor.scale]\ndriver = "kernel"\ndevice = "hx711"\nsysfs = "{sysfs}"\n'


def configure(planted: Planted, text: str) -> None:
    planted.plant("etc/beemon/beemon.toml", text.format(sysfs=planted.root / "sys"))


def test_a_device_that_is_missing_is_a_problem_of_its_own(planted: Planted) -> None:
    configure(planted, KERNEL_SENSOR + ONE_WIRE)
    assert planted.states("devices") == ["problem", "problem"]
    assert "sensor.air: " in planted.told("devices")
    assert "sensor.brood: " in planted.told("devices")


def test_a_simulated_device_is_there(planted: Planted) -> None:
    configure(planted, '[sensor.brood]\ndriver = "simulated"\n')
    assert planted.states("devices") == ["ok"]


def test_libcamera_is_asked_for_a_camera_on_a_ribbon_cable(planted: Planted) -> None:
    configure(planted, '[camera.entrance]\ndriver = "picamera2"\n')
    assert planted.states("cameras") == ["ok"]
    planted.program("rpicam-hello", "echo No cameras available!")
    assert "libcamera finds 0 cameras" in planted.told("cameras")


def test_a_line_that_a_sensor_needs_is_missed_and_added(planted: Planted) -> None:
    configure(planted, KERNEL_SENSOR + ONE_WIRE)
    boot = planted.plant("boot/firmware/config.txt", "# mine\n[pi4]\narm_boost=1\n")
    assert planted.states("overlays") == ["problem", "problem"]
    assert "restart the machine" in planted.fix("overlays")
    text = boot.read_text()
    assert text.startswith("# mine\n[pi4]\narm_boost=1\n\n[all]\n")
    assert "\ndtoverlay=i2c-sensor,sht3x\n" in text
    assert "\ndtoverlay=w1-gpio\n" in text
    assert planted.states("overlays") == ["ok"]
    [kept] = boot.parent.glob("config.txt.before-beemon-*")
    assert kept.read_text() == "# mine\n[pi4]\narm_boost=1\n"


def test_the_older_place_of_config_txt_counts_too(planted: Planted) -> None:
    configure(planted, ONE_WIRE)
    planted.without("boot/firmware/config.txt")
    planted.plant("boot/config.txt", "dtoverlay=w1-gpio,gpiopin=17\n")
    assert planted.states("overlays") == ["ok"]


def test_a_line_with_pins_is_left_to_the_owner(planted: Planted) -> None:
    configure(planted, HX711)
    assert "NOT the line names pins" in planted.fix("overlays")


def test_a_commented_line_does_not_count(planted: Planted) -> None:
    configure(planted, ONE_WIRE)
    planted.plant("boot/firmware/config.txt", "#dtoverlay=w1-gpio\n")
    assert planted.states("overlays") == ["problem"]


def test_a_bus_that_is_off_is_switched_on(planted: Planted) -> None:
    configure(planted, KERNEL_SENSOR + '[sensor.scale]\ndriver = "mcp3008"\nchannel = 0\n')
    (planted.root / "sys/bus/i2c/devices/i2c-1/name").unlink()
    (planted.root / "sys/bus/i2c/devices/i2c-1").rmdir()
    boot = planted.plant("boot/firmware/config.txt", "dtparam=i2c_arm=off\n")
    assert "the i2c bus is off" in planted.told("buses")
    assert "restart" in planted.fix("buses")
    assert "dtparam=i2c_arm=on" in boot.read_text()
    assert "there is no i2c bus" in planted.told("buses")  # until the restart


def test_another_program_on_a_camera_is_named(planted: Planted) -> None:
    configure(planted, CAMERA)
    planted.plant("proc/77/comm", "motion\n")
    (planted.root / "proc/77/fd").mkdir()
    (planted.root / "proc/77/fd/3").symlink_to("/dev/video0")
    planted.plant("proc/78/comm", "beemon: camera\n")
    (planted.root / "proc/78/fd").mkdir()
    (planted.root / "proc/78/fd/3").symlink_to("/dev/video0")
    assert planted.told("device_users") == "the program motion holds /dev/video0"


CAMERA = '[camera.entrance]\ndriver = "v4l2"\ndevice = "/dev/v4l/by-id/usb-x-video-index0"\n'


# Fixes

def test_the_network_sets_the_clock_again(planted: Planted) -> None:
    planted.program("timedatectl", "case $* in *set*) echo $* >>$LOG;; *) echo NTP=no;; esac")
    assert "sets the clock" in planted.fix("clock")
    assert planted.done == "set-ntp true\n"


def test_the_battery_clock_is_set_only_from_a_clock_that_is_right(planted: Planted) -> None:
    planted.plant("sys/class/rtc/rtc0/since_epoch", "1")
    assert "was set" in planted.fix("battery_clock")
    assert planted.done == "hwclock --systohc --utc\n"
    planted.program("timedatectl", "echo no")
    assert "NOT the system's own clock" in planted.fix("battery_clock")


def test_the_zone_is_made_one(planted: Planted) -> None:
    planted.plant("etc/timezone", "Europe/Paris\n")
    planted.fix("time_zone")
    assert planted.states("time_zone") == ["ok"]


def test_the_swap_file_is_switched_off_and_no_other(planted: Planted) -> None:
    planted.plant("proc/swaps", "Filename\n/var/swap file 100 0 -2\n")
    assert planted.fix("swap") == "the swap file was switched off"
    assert planted.done == "disable --now dphys-swapfile\n"
    planted.plant("proc/swaps", "Filename\n/dev/sda2 partition 100 0 -2\n")
    assert planted.fix("swap").startswith("NOT ")


def test_the_swap_file_of_debian_13_is_given_up_for_compressed_memory(planted: Planted) -> None:
    planted.program("swapoff", "echo swapoff $* >>$LOG")
    planted.plant("etc/rpi/swap.conf", "[Main]\nMechanism=swapfile\n")
    planted.plant("proc/swaps", "Filename\n/var/swap file 100 0 -2\n")
    assert "after: sudo reboot" in planted.fix("swap")
    assert planted.done == "swapoff /var/swap\n"
    own = planted.root / "etc/rpi/swap.conf.d/zz-beemon.conf"
    assert own.read_text().endswith("[Main]\nMechanism=zram\n")


def test_the_name_is_added_to_hosts(planted: Planted) -> None:
    planted.plant("etc/hosts", "127.0.0.1 localhost")
    planted.fix("host_name")
    assert (planted.root / "etc/hosts").read_text() == "127.0.0.1 localhost\n127.0.1.1 hive\n"
    assert planted.states("host_name") == ["ok"]


def test_wifi_saves_no_power_any_more(planted: Planted) -> None:
    planted.program("iw", "case $* in *set*) echo $* >>$LOG;; *) echo Power save: on;; esac")
    planted.fix("wifi_power")
    assert planted.done == "dev wlan0 set power_save off\n"
    file = planted.root / "etc/NetworkManager/conf.d/zz-beemon-wifi.conf"
    assert file.read_text() == "[connection]\nwifi.powersave = 2\n"


def test_the_service_gets_access_to_the_devices(planted: Planted) -> None:
    planted.plant("etc/group", "video:x:44:\n")
    planted.plant("dev/video0", "")
    planted.fix("device_access")
    assert planted.done == "usermod --append --groups video beemon\nudevadm trigger\n"


def test_usb_devices_are_not_suspended_any_more(planted: Planted) -> None:
    control = planted.plant("sys/bus/usb/devices/1-1/power/control", "auto\n")
    planted.fix("usb_suspend")
    assert control.read_text() == "on\n"
    assert planted.states("usb_suspend") == ["ok"]
    assert "01|0e" in (planted.root / "etc/udev/rules.d/60-beemon-usb-power.rules").read_text()


def test_the_watchdog_is_switched_on_where_its_time_is_known(planted: Planted) -> None:
    planted.program("systemctl", "case $* in *show*) echo 0;; *) echo $* >>$LOG;; esac")
    planted.fix("watchdog")
    file = planted.root / "etc/systemd/system.conf.d/hardware-watchdog.conf"
    assert "RuntimeWatchdogSec=14" in file.read_text()
    assert planted.done == "daemon-reexec\n"
    planted.without("proc/device-tree/model")
    assert planted.fix("watchdog").startswith("NOT ")


def test_updates_do_not_restart_the_machine_any_more(planted: Planted) -> None:
    planted.plant("etc/apt/apt.conf.d/60x", 'Unattended-Upgrade::Automatic-Reboot "true";\n')
    planted.fix("reboots")
    assert planted.states("reboots") == ["ok"]


def test_a_program_that_fails_is_told(planted: Planted) -> None:
    planted.program("timedatectl", "case $* in *set*) echo no bus; exit 1;; *) echo NTP=no;; esac")
    assert planted.fix("clock") == "NOT timedatectl set-ntp true: no bus"


def test_a_program_that_mends_slowly_is_awaited(planted: Planted) -> None:
    machine = planted.machine
    planted.program("slow", "sleep 2; echo $* >>$LOG")
    assert machine.run("slow", seconds=0.1) is None
    machine.change("slow", "done")
    assert planted.done.endswith("done\n")
    with pytest.raises(NotFixedError, match="absent it: it is not installed"):
        machine.change("absent", "it")


# As typed

def test_the_results_are_printed_as_json(
    planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(planted.config)]
    status = cli.main(["doctor", "devices", "power_stage", "--json", *config])
    told = json.loads(capsys.readouterr().out)
    assert (status, told["problems"]) == (0, 0)
    assert [check["check"] for check in told["checks"]] == ["devices", "power_stage"]
    assert told["checks"][0]["findings"][0]["state"] == "skipped"


def test_a_problem_has_its_next_step_and_exits_1(
    planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(planted, KERNEL_SENSOR)
    assert cli.main(["doctor", "devices", "cameras", "--config", str(planted.config)]) == 1
    told = capsys.readouterr().out
    assert told.startswith("PROBLEM (devices): sensor.air: ")
    assert "  Next: check its plug" in told
    assert "\n\n" not in told
    assert told.endswith("2 checks: 1 problem.\n")
    assert cli.main(["doctor", "devices", "--config", str(planted.config)]) == 1
    assert capsys.readouterr().out.endswith("\n1 check: 1 problem.\n")


def test_wrong_usage_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "teeth"]) == 2
    assert "no such check: teeth; the checks are " in capsys.readouterr().err
    if os.geteuid() != 0:
        assert cli.main(["doctor", "--fix"]) == 2
