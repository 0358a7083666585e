"""Faults on request, as a fault drill uses them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError

READ_TWICE = """
from beemon.devices import load
sensor = load("sensor", "sensor.drill", {"driver": "simulated", "fault": "die", "fault_after": 1})
sensor.read()
print("read once", flush=True)
sensor.read()
print("read twice", flush=True)
"""


def drill(**options):
    return load("sensor", "sensor.drill", {"driver": "simulated", **options})


def test_without_a_fault_reads_go_on():
    sensor = drill()
    assert all(sensor.read() for _ in range(5))


def test_an_error_comes_after_the_asked_number_of_reads_and_stays():
    sensor = drill(fault="error", fault_after=2)
    assert sensor.read()
    assert sensor.read()
    for _ in range(2):
        with pytest.raises(DeviceError, match=r"sensor\.drill"):
            sensor.read()


def test_a_fault_that_passes_fails_the_asked_number_of_reads():
    assert outcomes(drill(fault="error", fault_after=1, fault_for=2), 5) == "+--++"


def test_the_count_outlives_the_device_where_a_file_keeps_it(tmp_path):
    options = {"fault": "error", "fault_for": 2, "fault_file": str(tmp_path / "count")}
    assert [outcomes(drill(**options), 1) for _ in range(4)] == ["-", "-", "+", "+"]


def outcomes(sensor, reads):
    return "".join("+" if succeeds(sensor) else "-" for _ in range(reads))


def succeeds(sensor):
    try:
        return bool(sensor.read())
    except DeviceError:
        return False


def test_a_hang_does_not_answer():
    sensor = drill(fault="hang")
    thread = threading.Thread(target=sensor.read, daemon=True)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()


@pytest.mark.process
def test_die_takes_the_whole_process_with_it():
    run = subprocess.run([sys.executable, "-c", READ_TWICE], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL
    assert run.stdout == "read once\n"
