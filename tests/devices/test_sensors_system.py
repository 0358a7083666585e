"""The computer's own sensor, over sysfs and proc trees in a folder and on this machine."""

from __future__ import annotations

import os

import pytest
from contracts import SensorContract

from beemon.devices import load
from beemon.devices._base import BadReadingError, DeviceError, DeviceMissingError


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


def test_a_machine_without_sensors_tells_what_every_machine_has(machine):
    assert list(values(machine.sensor())) == ["memory_available", "disk_free", "load"]


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


def test_a_zone_that_is_gone_after_open_fails_the_read(machine):
    machine.zone(0, "cpu-thermal", 48300)
    sensor = machine.sensor()
    (machine.root / "sys/class/thermal/thermal_zone0/temp").unlink()
    with pytest.raises(DeviceError):
        sensor.read()


def test_garbage_is_no_reading(machine):
    machine.zone(0, "cpu-thermal", "hot")
    with pytest.raises(BadReadingError, match="hot"):
        machine.sensor().read()


def test_this_machine_can_be_read():
    sensor = load("sensor", "sensor.pi", {"driver": "system"})
    sensor.open()
    assert {"memory_available", "disk_free", "load"} <= set(values(sensor))


class TestContract(SensorContract):
    @pytest.fixture
    def device(self):
        return load("sensor", "sensor.pi", {"driver": "system"})
