"""GPIO counters and contacts, over gpiozero's own mock pins."""

from __future__ import annotations

import subprocess
import sys
import threading
import types

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError, LibraryMissingError
from tests.devices.contracts import SensorContract
from tests.hive import until

OPEN_WITHOUT_CHIP = """
import warnings
warnings.simplefilter("ignore")
from beemon.devices import load
from beemon.devices._base import DeviceMissingError
try:
    load("sensor", "sensor.lid", {"driver": "gpio", "kind": "contact", "pin": 17}).open()
except DeviceMissingError as error:
    print(error.reason, error)
"""


@pytest.fixture
def opened(pins):
    sensors = []

    def opener(**options):
        sensor = load("sensor", "sensor.pin", {"driver": "gpio", "pin": 17, **options})
        sensors.append(sensor)
        sensor.open()
        return sensor, pins.pin(17)

    yield opener
    for sensor in sensors:
        sensor.close()


def values(sensor):
    return {m.quantity: m.value for m in sensor.read()}


def pulse(pins, times=1):
    pin = pins.pin(17)
    for _ in range(times):
        pin.drive_low()
        pins.now += 0.01
        pin.drive_high()
        pins.now += 0.01


def test_a_counter_counts_what_happened_between_two_reads(opened, pins):
    pins.now = 100.0
    counter, _ = opened(kind="counter")
    assert values(counter) == {"count": 0, "interval": 0.0}
    pulse(pins, 3)
    pins.now = 160.0
    assert values(counter) == {"count": 3, "interval": 60.0}
    pulse(pins, 2)
    pins.now = 190.0
    assert values(counter) == {"count": 2, "interval": 30.0}
    assert values(counter) == {"count": 0, "interval": 0.0}


def test_a_counter_loses_nothing_while_it_is_read(opened, pins):
    counter, pin = opened(kind="counter", debounce="0s")

    def traffic():
        for _ in range(500):
            pin.drive_low()
            pin.drive_high()

    bees = threading.Thread(target=traffic)
    bees.start()
    counted = 0
    while bees.is_alive():
        counted += values(counter)["count"]
    counted += values(counter)["count"]
    assert counted == 500


def test_a_counter_does_not_count_bounce(opened, pins):
    pins.now = 100.0
    counter, pin = opened(kind="counter", debounce="0.01s")
    for _ in range(5):
        pin.drive_low()
        pins.now += 0.002
        pin.drive_high()
        pins.now += 0.002
    pins.now += 1.0
    assert values(counter)["count"] == 0


def test_a_counter_starts_anew_when_it_is_opened_again(opened, pins):
    pins.now = 100.0
    counter, _ = opened(kind="counter")
    pulse(pins, 3)
    counter.close()
    counter.open()
    assert values(counter) == {"count": 0, "interval": 0.0}


def test_a_contact_is_closed_when_it_is_pulled_to_ground(opened):
    contact, pin = opened(kind="contact")
    assert values(contact) == {"contact": 0}
    pin.drive_low()
    assert values(contact) == {"contact": 1}
    assert [m.unit for m in contact.read()] == [""]


def test_with_a_pull_down_the_active_level_is_high(opened):
    contact, pin = opened(kind="contact", pull="down")
    pin.drive_high()
    assert values(contact) == {"contact": 1}


@pytest.mark.parametrize(("active", "level"), [("high", 0), ("low", 1)])
def test_without_a_pull_the_config_says_which_level_is_active(opened, active, level):
    contact, pin = opened(kind="contact", pull="none", active=active)
    pin.drive_low()
    assert values(contact) == {"contact": level}


def test_a_pin_that_is_in_use_is_refused(opened):
    opened(kind="contact")
    with pytest.raises(DeviceError, match="17"):
        opened(kind="counter")


def test_a_sensor_that_is_not_open_says_so(opened):
    for kind in ("contact", "counter"):
        sensor, _ = opened(kind=kind)
        sensor.close()
        sensor.close()
        with pytest.raises(DeviceError, match="not open"):
            sensor.read()


@pytest.mark.parametrize("options", [{"pull": "none"}, {"pull": "up", "active": "low"}])
def test_pull_and_active_must_fit(options):
    with pytest.raises(ValueError, match="active"):
        load("sensor", "sensor.x", {"driver": "gpio", "pin": 17, "kind": "contact", **options})


LGPIO = """
class error(Exception): pass
def gpiochip_open(chip): raise error("no chip")
def __getattr__(name): return 0
"""
PIGPIO = """
class pi:
    def __init__(self, *_): print("Did you start the pigpio daemon?")
def __getattr__(name): return 0
"""


@pytest.mark.process
@pytest.mark.parametrize("lgpio", [LGPIO, "raise ImportError('no lgpio')"], ids=["chip", "lgpio"])
def test_a_machine_without_gpio_has_no_such_device_and_nothing_else_is_tried(tmp_path, lgpio):
    (tmp_path / "lgpio.py").write_text(lgpio)
    (tmp_path / "pigpio.py").write_text(PIGPIO)
    run = subprocess.run(
        [sys.executable, "-c", OPEN_WITHOUT_CHIP],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join([str(tmp_path), *sys.path])},
    )
    assert run.stdout.startswith("missing-device no GPIO"), run.stderr
    assert "daemon" not in run.stdout + run.stderr


def test_without_gpiozero_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(LibraryMissingError, match="apt install python3-gpiozero"):
        load("sensor", "sensor.x", {"driver": "gpio", "pin": 17, "kind": "contact"}).open()


def test_a_counter_that_stays_active_is_blocked_if_the_config_says_how_long(opened, pins):
    pins.now = 100.0
    counter, pin = opened(kind="counter", blocked_after="60s")
    pin.drive_low()
    pins.now = 101.0
    assert values(counter)["count"] == 1
    pins.now = 162.0
    blocked, interval = counter.read()
    assert (blocked.quantity, blocked.reason, interval.value) == ("count", "blocked", 61.0)
    pin.drive_high()
    pins.now = 163.0
    assert values(counter)["count"] == 0


class LineError(Exception):
    """Of no kin to any other, as lgpio's own."""


@pytest.fixture
def broken(pins, monkeypatch):
    """A pin that works until it is broken; then the library below gpiozero raises its error."""
    mock = pytest.importorskip("gpiozero.pins.mock")
    monkeypatch.setitem(sys.modules, "lgpio", types.SimpleNamespace(error=LineError))

    class Pin(pins.pin_class):
        is_broken = False

        def _get_state(self):
            if self.is_broken:
                raise LineError("unknown handle")
            return mock.MockPin._get_state(self)

    return pins.pin(17, pin_class=Pin)


def test_an_error_of_the_pin_library_is_told_as_one_of_the_device(broken, opened):
    contact, _ = opened(kind="contact")
    broken.is_broken = True
    with pytest.raises(DeviceError, match="GPIO 17: unknown handle"):
        contact.read()
    contact.close()
    with pytest.raises(DeviceError, match="GPIO 17: unknown handle"):
        opened(kind="counter")
    broken.is_broken = False
    opened(kind="counter")


def test_a_counter_whose_pin_cannot_be_looked_at_any_more_says_so(broken, opened):
    counter, pin = opened(kind="counter")
    broken.is_broken = True
    pin.drive_low()

    def refused():
        try:
            counter.read()
        except DeviceError as error:
            return "unknown handle" in str(error)
        return False

    until(refused)


class TestCounterContract(SensorContract):
    @pytest.fixture
    def device(self, pins):
        return load("sensor", "sensor.bees", {"driver": "gpio", "pin": 4, "kind": "counter"})


class TestContactContract(SensorContract):
    @pytest.fixture
    def device(self, pins):
        return load("sensor", "sensor.lid", {"driver": "gpio", "pin": 4, "kind": "contact"})
