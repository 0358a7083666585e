"""The computer's own sensor, over sysfs and proc trees in a folder and on this machine."""

from __future__ import annotations

import os
import time

import pytest

from beemon.devices import load
from beemon.devices._base import ARCHIVE, BadReadingError, DeviceMissingError, Refusal
from tests.devices.contracts import SensorContract


class Machine:
    """The files that a machine shows of itself."""

    def __init__(self, root):
        self.root = root
        self.write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable:     500 kB\nBuffers: 1 kB")
        self.write("proc/loadavg", "0.25 0.10 0.05 1/123 4567")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def zone(self, number, kind, milli):
        self.write(f"sys/class/thermal/thermal_zone{number}/type", kind)
        self.write(f"sys/class/thermal/thermal_zone{number}/temp", milli)

    def sensor(self, **options):
        roots = {"sysfs": str(self.root / "sys"), "proc": str(self.root / "proc")}
        sensor = load("sensor", "sensor.pi", {"driver": "system", **roots, **options})
        sensor.open()
        return sensor


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def values(sensor):
    return {m.quantity: (m.value, m.unit) for m in sensor.read()}


def test_the_free_disk_space_is_the_archives(machine, tmp_path, monkeypatch):
    monkeypatch.setenv(ARCHIVE, str(tmp_path / "nowhere"))
    with pytest.raises(DeviceMissingError) as caught:
        machine.sensor(quantities=["disk_free"]).read()
    assert caught.value.filename == str(tmp_path / "nowhere")
    monkeypatch.setenv(ARCHIVE, str(tmp_path))
    assert values(machine.sensor())["disk_free"][0] > 0


def test_a_machine_without_sensors_tells_what_every_machine_has(machine):
    assert list(values(machine.sensor())) == [
        "memory_available", "disk_free", "load", "clock_synchronised",
    ]


def test_memory_is_what_programs_can_still_have(machine):
    assert values(machine.sensor())["memory_available"] == (500 * 1024, "B")


def test_load_is_that_of_the_last_minute(machine):
    assert values(machine.sensor())["load"] == (0.25, "")


def test_disk_is_what_can_be_written_under_the_path(machine, tmp_path):
    free = os.statvfs(tmp_path)
    value, unit = values(machine.sensor(path=str(tmp_path)))["disk_free"]
    assert unit == "B"
    assert value == pytest.approx(free.f_bavail * free.f_frsize, rel=0.1)


def test_where_there_is_a_thermal_zone_the_processor_is_read_by_default(machine):
    machine.zone(0, "cpu-thermal", 48300)
    assert values(machine.sensor())["cpu_temperature"] == (48.3, "°C")


def test_a_processor_cannot_be_at_999_degrees(machine):
    machine.zone(0, "cpu-thermal", 999_000)
    assert refusals(machine.sensor())["cpu_temperature"].reason == "out-of-range"


def test_of_many_zones_the_processors_is_read(machine):
    machine.zone(0, "acpitz", 20000)
    machine.zone(1, "x86_pkg_temp", 61000)
    assert values(machine.sensor())["cpu_temperature"] == (61.0, "°C")


def test_of_unknown_zones_the_first_is_read(machine):
    machine.zone(1, "other", 50000)
    machine.zone(0, "gpu", 40000)
    assert values(machine.sensor())["cpu_temperature"] == (40.0, "°C")


def test_a_pi_tells_of_under_voltage(machine):
    machine.write("sys/class/hwmon/hwmon1/name", "rpi_volt")
    machine.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", 1)
    assert values(machine.sensor())["under_voltage"] == (1.0, "")


def test_the_config_chooses_the_quantities(machine):
    assert list(values(machine.sensor(quantities=["load"]))) == ["load"]


@pytest.mark.parametrize("quantity", ["cpu_temperature", "under_voltage"])
def test_what_was_asked_for_by_name_and_is_not_there_is_missing(machine, quantity):
    with pytest.raises(DeviceMissingError):
        machine.sensor(quantities=[quantity]).read()


def test_a_path_that_is_not_there_is_missing(machine):
    with pytest.raises(DeviceMissingError, match="/nowhere"):
        machine.sensor(path="/nowhere", quantities=["disk_free"]).read()


def refusals(sensor):
    return {m.quantity: m for m in sensor.read() if isinstance(m, Refusal)}


def test_a_zone_that_is_gone_after_open_costs_its_own_reading_alone(machine):
    machine.zone(0, "cpu-thermal", 48300)
    sensor = machine.sensor()
    (machine.root / "sys/class/thermal/thermal_zone0/temp").unlink()
    [refused] = refusals(sensor).values()
    assert (refused.quantity, refused.unit) == ("cpu_temperature", "°C")


def test_garbage_is_no_reading(machine):
    machine.zone(0, "cpu-thermal", "hot")
    refused = refusals(machine.sensor())["cpu_temperature"]
    assert refused.reason == "not-a-number"
    assert "hot" in refused.message


def test_where_nothing_can_be_read_the_read_fails(machine):
    machine.zone(0, "cpu-thermal", "hot")
    with pytest.raises(BadReadingError, match="hot"):
        machine.sensor(quantities=["cpu_temperature"]).read()


# A Raspberry Pi's supply and heat

@pytest.fixture(params=["soc/soc:firmware", "soc@107c000000/soc@107c000000:firmware"])
def firmware(request, machine):
    def says(word):
        machine.write(f"sys/devices/platform/{request.param}/get_throttled", word)

    return says


POWER = ["under_voltage", "under_voltage_since_boot", "throttled", "throttled_since_boot"]


@pytest.mark.parametrize(
    ("word", "flags"),
    [
        ("0", (0, 0, 0, 0)),
        ("50005", (1, 1, 1, 1)),
        ("50000", (0, 1, 0, 1)),
        ("20002", (0, 0, 1, 1)),
        ("80000", (0, 0, 0, 1)),
    ],
)
def test_the_firmwares_word_tells_of_now_and_of_since_boot(machine, firmware, word, flags):
    firmware(word)
    said = values(machine.sensor())
    assert tuple(said[quantity][0] for quantity in POWER) == flags


def test_the_alarm_for_the_supply_goes_before_the_firmwares_word(machine, firmware):
    firmware("0")
    machine.write("sys/class/hwmon/hwmon1/name", "rpi_volt")
    machine.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", 1)
    assert values(machine.sensor())["under_voltage"] == (1.0, "")


def test_a_word_that_is_none_is_no_reading(machine, firmware):
    firmware("low")
    assert {refused.reason for refused in refusals(machine.sensor()).values()} == {"not-a-number"}


# The clock and the radio

def test_the_battery_clock_is_held_against_the_systems(machine):
    machine.write("sys/class/rtc/rtc0/since_epoch", int(time.time()) - 100)
    value, unit = values(machine.sensor())["rtc_offset"]
    assert (value, unit) == (pytest.approx(-100, abs=3), "s")


def test_the_clock_is_kept_by_the_network_or_not(machine):
    assert values(machine.sensor())["clock_synchronised"][0] in (0.0, 1.0)


def wireless(*lines):
    return "\n".join([
        "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE",
        " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22",
        *lines,
    ])


@pytest.mark.parametrize("line", [
    " wlan0: 0000   54.  -56.  -256        0      0      0      0    270        0",
    "wlan0: 0000   54   -56   -256        0      0      0      0    270        0",
])
def test_the_signal_of_the_radio_is_in_dbm(machine, line):
    machine.write("proc/net/wireless", wireless(line))
    assert values(machine.sensor())["wifi_signal"] == (-56.0, "dBm")


def test_a_radio_that_is_not_connected_has_no_signal(machine):
    line = " wlan0: 0000    0.  -256.  -256        0      0      0      0      0        0"
    machine.write("proc/net/wireless", wireless(line))
    refused = refusals(machine.sensor())["wifi_signal"]
    assert "wlan0 is not connected" in refused.message


@pytest.mark.parametrize("level", ["70.", "0.", "200.", "-256."])
def test_a_level_that_is_not_in_dbm_is_no_signal(machine, level):
    machine.write("proc/net/wireless", wireless(f" wlan0: 0000   54.  {level}  -256        0"))
    named = machine.sensor(quantities=["load", "wifi_signal"])
    assert refusals(named)["wifi_signal"].reason == "out-of-range"


def test_a_level_without_a_unit_is_not_read_by_itself(machine):
    machine.write("proc/net/wireless", wireless(" wlan0: 0000   54.  70.  -256        0"))
    assert not {"wifi_signal"} & {*values(machine.sensor()), *refusals(machine.sensor())}


def test_a_radio_that_was_switched_off_has_no_signal(machine):
    line = " wlan0: 0000   54.  -56.  -256        0      0      0      0    270        0"
    machine.write("proc/net/wireless", wireless(line))
    sensor = machine.sensor()
    machine.write("proc/net/wireless", wireless())
    assert refusals(sensor)["wifi_signal"].reason == "missing-device"


def test_this_machine_can_be_read():
    sensor = load("sensor", "sensor.pi", {"driver": "system"})
    sensor.open()
    assert {"memory_available", "disk_free", "load"} <= set(values(sensor))


class TestContract(SensorContract):
    @pytest.fixture
    def device(self):
        return load("sensor", "sensor.pi", {"driver": "system"})
