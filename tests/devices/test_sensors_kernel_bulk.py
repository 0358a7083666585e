"""Sensors on a 1-Wire bus that convert together."""

from __future__ import annotations

import time

import pytest

from beemon.devices._base import DeviceError
from beemon.devices.sensors.kernel.bulk import FRESH_SECONDS, Bus, bus_of
from tests.devices.one_wire import Master

A, B = "28-00000000000a", "28-00000000000b"


@pytest.fixture
def master(tmp_path):
    for sensor in (A, B):
        (tmp_path / "w1_bus_master1" / sensor).mkdir(parents=True)
        (tmp_path / "w1_bus_master1" / sensor / "temperature").write_text("34000\n")
    master = Master(tmp_path / "w1_bus_master1")
    yield master
    master.close()


@pytest.fixture
def late():
    """By how many seconds it is later than the clock says."""
    return [0.0]


@pytest.fixture
def bus(master, late):
    return Bus(master.folder, lambda: time.monotonic() + late[0])


def test_one_conversion_serves_all_sensors(master, bus):
    bus.prepare(A)
    bus.prepare(B)
    assert master.conversions == 1


def test_it_waits_until_the_conversion_has_ended(master, bus):
    master.takes = 0.2
    before = time.monotonic()
    bus.prepare(A)
    assert time.monotonic() - before >= 0.2


def test_each_sensor_reads_a_conversion_once(master, bus):
    bus.prepare(A)
    bus.prepare(A)
    assert master.conversions == 2
    bus.prepare(B)
    assert master.conversions == 2


def test_what_was_converted_long_ago_is_converted_anew(master, bus, late):
    bus.prepare(A)
    late[0] = FRESH_SECONDS
    bus.prepare(B)
    assert master.conversions == 2


def test_a_kernel_without_it_lets_each_sensor_convert(master, bus):
    master.bulk.unlink()
    bus.prepare(A)
    assert not master.bulk.exists()


def test_what_may_not_be_started_leaves_each_sensor_to_convert(master, bus):
    """The kernel's file is root's. Here no file can be written into: it is a folder."""
    master.bulk.unlink()
    master.bulk.mkdir()
    with pytest.raises(DeviceError, match="therm_bulk_read"):
        bus.prepare(A)


def test_a_conversion_that_does_not_end_is_read_and_thrown_away(master, bus, late):
    master.takes = 0.3

    def sleep(seconds):
        time.sleep(seconds)
        late[0] += 1.0

    Bus(master.folder, lambda: time.monotonic() + late[0], sleep).prepare(A)
    assert late[0] < 10


def test_all_sensors_of_a_bus_have_the_same(master):
    assert bus_of(master.folder / A) is bus_of(master.folder / B)
