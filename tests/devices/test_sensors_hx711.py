"""The HX711 over mock pins, with a chip behind them that follows its data sheet."""

from __future__ import annotations

import itertools

import pytest

from beemon.devices import load
from beemon.devices._base import BadReadingError, DeviceError
from beemon.devices.sensors.hx711.protocol import (
    LONGEST_PULSE_SECONDS,
    READY_SECONDS,
    SETTLE_SECONDS,
    Chip,
    PulseError,
    SilentError,
    signed,
)
from beemon.scale.calibrations import Calibrations, Step
from beemon.worker.sampling import Sampler
from tests.devices.contracts import SensorContract

chips = pytest.importorskip("tests.grounds.chips")

CLOCK, DATA = 5, 6


class Line:
    """A pin whose state is a function; ``set`` hears each change."""

    def __init__(self, get=lambda: 0, on_change=lambda _: None):
        self._get, self._on_change = get, on_change

    @property
    def state(self):
        return self._get()

    @state.setter
    def state(self, level):
        self._on_change(level)


class Bench:
    """A chip on two wires in a time of its own: each look at the clock takes ``tick`` seconds."""

    def __init__(self, gain=128):
        self.cells = chips.Cells()
        self.now = 0.0
        self.slow_pulses = set()
        self.slow = 1.1 * LONGEST_PULSE_SECONDS
        self.tick = 1e-6
        self._pulse = 0
        self.chip = Chip(
            Line(on_change=self._drive), Line(get=self.cells.level), gain,
            self._seconds, self._sleep,
        )

    def conversion(self):
        try:
            return self.chip.conversion()
        finally:
            self.cells.idle()

    def _drive(self, level):
        if level:
            self._rose_at = self.now
            self._pulse += 1
            self.cells.rise()
            if self._pulse in self.slow_pulses:
                self.now += self.slow
        elif self.now - self._rose_at > 60e-6:
            self.cells.off()

    def _sleep(self, seconds):
        self.now += seconds

    def _seconds(self):
        self.now += self.tick
        return self.now


@pytest.mark.parametrize("counts", [0, 1, 1000, -2, -1000, 0x7FFFFE, -0x7FFFFF])
def test_a_conversion_is_a_signed_number_of_24_bits(counts):
    bench = Bench()
    bench.cells.conversions = iter([counts])
    assert bench.conversion() == counts


@pytest.mark.parametrize("gain", [128, 64, 32])
def test_the_pulses_after_the_last_bit_choose_the_gain(gain):
    bench = Bench(gain)
    bench.conversion()
    assert bench.cells.gains == [gain]


@pytest.mark.parametrize("pulse", [1, 13, 24, 25])
@pytest.mark.parametrize("slow", [55e-6, 70e-6, 0.1])
def test_a_pulse_that_was_too_long_costs_the_conversion_and_no_other(pulse, slow):
    bench = Bench()
    bench.slow_pulses, bench.slow = {pulse}, slow
    with pytest.raises(PulseError, match="µs") as caught:
        bench.conversion()
    assert caught.value.reason == "pulse-too-long"
    assert bench.conversion() == 1000


def test_after_a_long_pulse_the_chip_is_given_time_to_settle():
    bench = Bench()
    bench.slow_pulses = {5}
    with pytest.raises(PulseError):
        bench.conversion()
    before = bench.now
    bench.conversion()
    assert bench.now - before == pytest.approx(SETTLE_SECONDS, abs=0.05)


@pytest.mark.parametrize(
    ("word", "reason"), [(0x7FFFFF, "out-of-range"), (0x800000, "out-of-range"), (-1, "all-ones")]
)
def test_words_that_measure_nothing_are_no_conversion(word, reason):
    bench = Bench()
    bench.cells.conversions = iter([word])
    with pytest.raises(BadReadingError) as caught:
        bench.conversion()
    assert caught.value.reason == reason


def test_a_chip_that_is_not_there_is_silent():
    bench = Bench()
    bench.cells.is_connected = False
    bench.tick = READY_SECONDS / 3
    with pytest.raises(SilentError, match="DOUT stays high"):
        bench.conversion()


def test_a_data_line_on_ground_is_no_weight():
    bench = Bench()
    bench.cells.is_grounded = True
    with pytest.raises(SilentError, match="ground"):
        bench.conversion()


# The driver

class Time:
    """A time of its own: each look at the clock takes a microsecond, whatever the machine does."""

    def __init__(self):
        self.now = 0.0

    def seconds(self):
        self.now += 1e-6
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def cells(pins):
    time = Time()
    return chips.WiredCells(pins, CLOCK, DATA, seconds=time.seconds, sleep=time.sleep)


def driver(cells, **options):
    table = {"driver": "hx711", "clock": CLOCK, "data": DATA, **options}
    made = load("sensor", "sensor.scale", table)
    return type(made)(made.settings, cells.seconds, cells.sleep)


@pytest.fixture
def scale(cells):
    made = []

    def make(**options):
        made.append(driver(cells, **options))
        made[-1].open()
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_bridge_is_a_share_of_its_supply(scale, cells):
    sensor = scale()
    cells.conversions = itertools.repeat(2**22)
    bridge, discarded = sensor.read()
    assert (bridge.quantity, bridge.unit, bridge.raw) == ("bridge", "mV/V", 2**22)
    assert bridge.value == pytest.approx(0.5 * 0.5 / 128 * 1e3)
    assert (discarded.quantity, discarded.unit) == ("discarded", "%")


def test_a_reading_is_the_trimmed_mean_of_its_samples(scale, cells):
    sensor = scale(samples=10)
    cells.conversions = itertools.cycle([1000, 1010, 990, 1000, 500_000, 1000, -500_000, 1000,
                                         1005, 995])
    bridge, _ = Sampler().read(sensor)
    assert bridge.raw == pytest.approx(1000, abs=2)


def test_one_bad_conversion_is_made_up_for_by_the_next_and_told(scale, cells):
    sensor = scale()
    cells.conversions = iter([-1, 2000, 2000, 2000, 2000, 2000, 2000])
    bridge, discarded = sensor.read()
    assert bridge.raw == 2000
    assert discarded.value >= 50.0


def test_where_all_are_bad_the_last_reason_is_told(scale, cells):
    sensor = scale()
    cells.conversions = itertools.repeat(0x7FFFFF)
    with pytest.raises(BadReadingError) as caught:
        sensor.read()
    assert caught.value.reason == "out-of-range"


def test_a_stretched_pulse_discards_its_conversion_alone(scale, cells):
    sensor = scale()
    cells.stretch = [0] * 10 + [0.001]
    bridge, discarded = sensor.read()
    assert bridge.raw == 1000
    assert discarded.value == 50.0


def test_a_chip_without_wires_is_told_at_the_read_not_at_the_opening(scale, cells):
    cells.is_connected = False
    sensor = scale()
    with pytest.raises(DeviceError, match="no wire"):
        sensor.read()


def test_it_is_calibrated_with_a_known_weight_wild_conversions_and_all(scale, cells):
    sensor, sampler, known = scale(), Sampler(), Calibrations([])

    def stand(counts):
        noise = [0, 30, -25, 10, 500_000, -15, 20, -500_000, 5, -10]
        cells.conversions = itertools.cycle([counts + more for more in noise])

    for name, grams, counts in (("zero", None, -213_400), ("weight", 10_000.0, 206_600)):
        stand(counts)
        known.take_step(7, Step("sensor.scale", name, grams), sampler.measure(sensor))
    stand(-213_400 + 42 * 34_000)
    weight, _ = sampler.read(sensor, known.of("sensor.scale"))
    assert (weight.quantity, weight.unit) == ("weight", "g")
    assert weight.value == pytest.approx(34_000, abs=10)
    assert 0 < weight.uncertainty < 10


def test_a_scale_that_is_not_open_says_so(scale):
    sensor = scale()
    sensor.close()
    with pytest.raises(DeviceError, match="not open"):
        sensor.read()


def test_clock_and_data_are_two_pins():
    with pytest.raises(ValueError, match="two pins"):
        load("sensor", "sensor.scale", {"driver": "hx711", "clock": 5, "data": 5})


class TestContract(SensorContract):
    @pytest.fixture
    def device(self, cells):
        return driver(cells)


@pytest.mark.parametrize(
    ("word", "number"), [(0, 0), (5, 5), (0xFFFFFE, -2), (0x800001, -0x7FFFFF)]
)
def test_a_word_is_a_signed_number(word, number):
    assert signed(word) == number


@pytest.mark.parametrize(
    ("word", "reason"),
    [(0xFFFFFF, "all-ones"), (0x7FFFFF, "out-of-range"), (0x800000, "out-of-range")],
)
def test_ones_and_the_ends_of_the_range_are_no_number(word, reason):
    with pytest.raises(BadReadingError) as caught:
        signed(word)
    assert caught.value.reason == reason
