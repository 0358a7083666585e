"""The pair of beams, over gpiozero's mock pins."""

from __future__ import annotations

import random
import threading

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError, Measurement
from beemon.devices.sensors.beams.passage import OUTER
from tests.devices.contracts import SensorContract
from tests.devices.walks import Walks
from tests.hive import until

OUTER_PIN, INNER_PIN = 17, 27
DEBOUNCE = 0.003


class Gate:
    """The driver, and the pins under it."""

    def __init__(self, pins, **options):
        table = {"driver": "beams", "outer": OUTER_PIN, "inner": INNER_PIN, **options}
        self.sensor = load("sensor", "sensor.entrance", table)
        self.pins = pins
        self.sensor.open()

    def change(self, beam, broken, at=None):
        if at is not None:
            self.pins.now = at
        pin = self.pins.pin(OUTER_PIN if beam == OUTER else INNER_PIN)
        pin.drive_low() if broken else pin.drive_high()

    def goes(self, text, step=0.02):
        """``O`` and ``I`` break a beam, ``o`` and ``i`` free it."""
        for letter in text:
            self.pins.now += step
            self.change(OUTER if letter in "Oo" else 1 - OUTER, letter.isupper())
        self.pins.now += step

    def loses(self, text):
        """Changes of which the pin library says nothing."""
        for letter in text:
            pin = self.pins.pin(OUTER_PIN if letter in "Oo" else INNER_PIN)
            pin._state = letter.islower()

    def read(self):
        return {m.quantity: m.value for m in self.sensor.read()}


@pytest.fixture
def gate(pins):
    opened = []

    def opener(now=100.0, **options):
        pins.now = now
        opened.append(Gate(pins, **options))
        return opened[-1]

    yield opener
    for each in opened:
        each.sensor.close()


def test_a_bee_that_comes_in_is_told_from_one_that_goes_out(gate):
    entrance = gate()
    entrance.goes("OIoiOIoiIOio")
    assert entrance.read() == {
        "bees_in": 2, "bees_out": 1, "turned_back": 0, "unclear": 0,
        "interval": pytest.approx(13 * 0.02 + 2 * 0.02, abs=0.1),
    }


def test_counts_are_since_the_read_before_with_the_time_they_belong_to(gate):
    entrance = gate()
    entrance.goes("OIoi")
    entrance.pins.now = 160.0
    assert entrance.read() == {
        "bees_in": 1, "bees_out": 0, "turned_back": 0, "unclear": 0, "interval": 60.0,
    }
    entrance.pins.now = 190.0
    assert entrance.read() == {
        "bees_in": 0, "bees_out": 0, "turned_back": 0, "unclear": 0, "interval": 30.0,
    }


def test_opened_anew_it_counts_from_then_on(gate):
    entrance = gate()
    entrance.goes("OIoi")
    entrance.sensor.close()
    entrance.pins.now = 500.0
    entrance.sensor.open()
    entrance.pins.now = 510.0
    assert entrance.read()["bees_in"] == 0
    assert entrance.read()["interval"] == 0.0


@pytest.mark.parametrize("options", [{"broken": "high"}, {"broken": "high", "pull": "down"}])
def test_the_config_says_which_level_a_broken_beam_has(gate, options):
    entrance = gate(**options)
    entrance.goes("oioi")  # the names are those of the other polarity
    for letters in ("O", "I"):
        entrance.goes(letters)
    entrance.read()
    entrance.goes("oiOI")
    assert entrance.read()["bees_in"] == 1


def test_ten_thousand_passages_with_bounce_and_half_crossings_are_counted_exactly(gate):
    entrance = gate()
    walks = Walks(random.Random(4), DEBOUNCE)
    counted = dict.fromkeys(("bees_in", "bees_out", "turned_back", "unclear"), 0.0)

    def read():
        said = entrance.read()
        for name in counted:
            counted[name] += said[name]

    for beam, broken, at in walks.edges(10_000):
        entrance.change(beam, broken, at)
        if walks.random.random() < 0.01:
            read()
    entrance.pins.now = walks.now + 1
    read()
    assert counted == {name: float(count) for name, count in vars(walks.truth).items()}
    assert counted["unclear"] == 0
    assert min(counted["bees_in"], counted["bees_out"], counted["turned_back"]) > 1000


def test_nothing_is_lost_or_counted_twice_while_it_is_read(pins, gate):
    entrance = gate(now=None, debounce="0s")

    def traffic():
        for _ in range(300):
            for beam, broken in ((0, True), (1, True), (0, False), (1, False)):
                entrance.change(beam, broken)

    bees = threading.Thread(target=traffic)
    bees.start()
    counted = 0.0
    while bees.is_alive():
        counted += entrance.read()["bees_in"]
    counted += entrance.read()["bees_in"]
    assert counted == 300


def test_after_a_quiet_while_a_lost_edge_is_made_up_for(gate):
    entrance = gate(quiet="0.02s")
    entrance.goes("OIo")
    entrance.loses("i")
    until(lambda: entrance.sensor._passage.broken_since() is None)
    assert entrance.read()["bees_in"] == 1
    entrance.goes("OIoi")
    assert entrance.read()["bees_in"] == 1


def test_edges_that_are_lost_at_the_start_are_made_up_for(gate):
    entrance = gate(quiet="0.02s")
    entrance.loses("O")
    entrance.goes("I")
    until(lambda: entrance.sensor._passage.levels == (True, True))


def test_a_beam_that_stays_broken_is_dirt(gate):
    entrance = gate(blocked_after="60s")
    entrance.goes("OIoi")
    entrance.goes("I")
    entrance.pins.now += 61
    assert entrance.read()["bees_in"] == 1  # it came before the dirt
    *counts, interval = entrance.sensor.read()
    assert {(count.reason, "check it for dirt" in count.message) for count in counts} == {
        ("blocked", True)
    }
    assert isinstance(interval, Measurement)
    entrance.goes("i")
    assert entrance.read()["bees_in"] == 0


def test_a_pin_in_use_leaves_the_other_one_free(pins, gate):
    lid = load("sensor", "sensor.lid", {"driver": "gpio", "kind": "contact", "pin": INNER_PIN})
    lid.open()
    with pytest.raises(DeviceError, match="27"):
        gate()
    lid.close()
    gate()


def test_one_that_is_not_open_says_so(gate):
    entrance = gate()
    entrance.sensor.close()
    with pytest.raises(DeviceError, match="not open"):
        entrance.read()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"inner": OUTER_PIN}, "two pins"),
        ({"quiet": "0.001s"}, "longer than"),
        ({"broken": "up"}, "broken"),
    ],
)
def test_options_must_fit(options, said):
    table = {"driver": "beams", "outer": OUTER_PIN, "inner": INNER_PIN, **options}
    with pytest.raises(ValueError, match=said):
        load("sensor", "sensor.entrance", table)


class TestContract(SensorContract):
    @pytest.fixture
    def device(self, pins):
        table = {"driver": "beams", "outer": OUTER_PIN, "inner": INNER_PIN}
        return load("sensor", "sensor.entrance", table)
