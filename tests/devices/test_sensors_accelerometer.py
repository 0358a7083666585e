"""The accelerometer, over a sysfs tree and a pipe in the place of the kernel's buffer."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from beemon.devices import load
from beemon.devices._base import BadReadingError, DeviceMissingError, Measurement, Refusal
from beemon.devices.sensors.accelerometer import sample_size
from tests.devices.contracts import SensorContract
from tests.grounds.sysfs import Sysfs

G = 9.80665
SCALE = 0.0383  # m/s² for a step of an ADXL345, as its kernel driver has it
RATE = 400


class Chip:
    """An ADXL345 whose samples a test makes: ``motion`` gives m/s² of the axes at some seconds."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sysfs = Sysfs(root / "sys")
        self.folder = self.sysfs.iio(
            0, "adxl345", "1-0053", in_accel_scale=SCALE, sampling_frequency=100,
            sampling_frequency_available="25 50 100 200 400 800", in_accel_x_raw=0,
        )
        (self.folder / "buffer").mkdir()
        for name in ("enable", "length"):
            (self.folder / "buffer" / name).write_text("0\n")
        self.scan = self.folder / "scan_elements"
        self.scan.mkdir()
        for index, axis in enumerate("xyz"):
            self.channel(f"in_accel_{axis}", index, "le:s13/16>>0")
        self.channel("in_timestamp", 3, "le:s64/64>>0")
        (root / "dev").mkdir()
        self.node = root / "dev/iio:device0"
        os.mkfifo(self.node)
        self.pipe = os.open(self.node, os.O_RDWR | os.O_NONBLOCK)
        self.motion: Callable[[np.ndarray], tuple[object, object, object]] = at_rest
        self.lost: slice = slice(0, 0)
        self.delays: np.ndarray = np.zeros(4000)

    def channel(self, name: str, index: int, kind: str) -> None:
        for what, text in (("en", 0), ("index", index), ("type", kind)):
            (self.scan / f"{name}_{what}").write_text(f"{text}\n")

    def give(self, seconds: float = 2.0, rate: int = RATE) -> None:
        """Let the buffer have so many seconds of samples."""
        times = np.arange(round(seconds * rate) + 20) / rate
        axes = [np.broadcast_to(axis, times.shape) for axis in self.motion(times)]
        steps = np.rint(np.stack(axes) / SCALE).astype(int)
        rows = [
            struct.pack("<hhhxxq", *sample, 1_700_000_000_000_000_000 + round(at * 1e9))
            for at, sample in zip(times + self.delays[: len(times)], steps.T, strict=True)
        ]
        del rows[self.lost]
        os.write(self.pipe, b"".join(rows))

    def sensor(self, **options: object):
        return load("sensor", "sensor.comb", {
            "driver": "accelerometer", "device": "adxl345", "sysfs": str(self.root / "sys"),
            "dev": str(self.root / "dev"), **options,
        })


def at_rest(times: np.ndarray) -> tuple[object, object, object]:
    """One that stands upright, with the noise of a chip."""
    noise = np.random.default_rng(1).normal(0, 0.04, (3, len(times)))
    return noise[0], noise[1], noise[2] + G


@pytest.fixture
def chip(tmp_path):
    chip = Chip(tmp_path)
    yield chip
    os.close(chip.pipe)


def read(chip: Chip, **options: object) -> dict[str, Measurement | Refusal]:
    sensor = chip.sensor(**options)
    sensor.open()
    chip.give(sensor.settings.seconds)
    return {one.quantity: one for one in sensor.read()}


class TestAccelerometer(SensorContract):
    @pytest.fixture
    def device(self, chip):
        for _ in range(3):
            chip.give(1.0)
        return chip.sensor(seconds="1s")


def test_it_sets_up_the_channels_the_rate_and_the_buffer(chip):
    chip.channel("in_temp", 4, "le:s16/16>>0")
    sensor = chip.sensor(rate=300)
    sensor.open()
    enabled = {file.name: file.read_text().strip() for file in chip.scan.glob("*_en")}
    assert enabled == {
        "in_accel_x_en": "1", "in_accel_y_en": "1", "in_accel_z_en": "1", "in_timestamp_en": "1",
        "in_temp_en": "0",
    }
    assert (chip.folder / "sampling_frequency").read_text() == "400"
    chip.give(2.0)
    sensor.read()
    assert (chip.folder / "buffer/enable").read_text().strip() == "0"


@pytest.mark.parametrize(("degrees", "up"), [(0, "z"), (12.5, "z"), (90, "z"), (180, "z"),
                                             (90, "x"), (77.5, "x"), (0, "-z"), (180, "-z")])
def test_the_tilt_is_the_angle_to_the_side_that_was_up(chip, degrees, up):
    angle = np.radians(degrees)
    sign = -1 if up[0] == "-" else 1
    first = {"z": ("x", "y", "z"), "x": ("y", "z", "x")}[up[-1]]

    def leaning(times):
        noise = np.random.default_rng(2).normal(0, 0.04, (3, len(times)))
        of = dict(zip(first, (np.sin(angle), 0.0, sign * np.cos(angle)), strict=True))
        return tuple(G * of[axis] + noise[k] for k, axis in enumerate("xyz"))

    chip.motion = leaning
    tilt = read(chip, up=up)["tilt"]
    assert (tilt.value, tilt.unit) == (pytest.approx(degrees, abs=0.5), "°")


@pytest.mark.parametrize(("hertz", "band"), [(20, "vibration_10_30"), (50, "vibration_30_100")])
def test_a_vibration_is_in_its_band_with_its_level(chip, hertz, band):
    amplitude = 0.05 * G

    def shaken(times):
        x, y, z = at_rest(times)
        return x + amplitude * np.sin(2 * np.pi * hertz * times), y, z

    chip.motion = shaken
    found = read(chip)
    expected = 20 * np.log10(0.05 / np.sqrt(2) / 1e-3)
    assert found[band].value == pytest.approx(expected, abs=0.3)
    assert found["vibration"].value == pytest.approx(expected, abs=0.3)
    (other,) = {"vibration_10_30", "vibration_30_100"} - {band}
    assert found[other].value < expected - 10
    assert {one.unit for name, one in found.items() if "vibration" in name} == {"dB"}


@pytest.mark.parametrize(("rate", "bands"), [
    (25, []), (100, ["vibration_10_30"]), (400, ["vibration_10_30", "vibration_30_100"]),
    (800, ["vibration_10_30", "vibration_30_100", "vibration_100_400"]),
])
def test_a_band_is_measured_as_the_rate_allows(chip, rate, bands):
    sensor = chip.sensor(rate=rate)
    sensor.open()
    chip.give(3.0, rate)
    together = ["vibration"] if bands else []
    assert [one.quantity for one in sensor.read()] == ["tilt", *bands, *together]


def test_of_a_vibration_with_lost_samples_there_is_a_reason_and_of_the_tilt_its_value(chip):
    chip.lost = slice(300, 310)
    found = read(chip)
    assert found.pop("tilt").value == pytest.approx(0, abs=0.5)
    assert set(found) == {"vibration_10_30", "vibration_30_100", "vibration"}
    for refusal in found.values():
        assert (refusal.reason, refusal.unit) == ("overrun", "dB")
        assert re.match(r"10 of 81. samples were lost", refusal.message)


def test_samples_that_only_come_late_are_not_lost(chip):
    """A busy processor dates a sample late, by up to the next one."""
    chip.delays = np.where(np.arange(4000) % 20 == 3, 0.9 / RATE, 0.0)
    assert isinstance(read(chip)["vibration"], Measurement)


def test_one_lost_sample_among_late_ones_is_noticed(chip):
    chip.delays = np.where(np.arange(4000) % 20 == 3, 0.9 / RATE, 0.0)
    chip.lost = slice(300, 301)
    assert read(chip)["vibration"].message.startswith("1 of ")


@pytest.mark.parametrize("rate", [100, 400])
def test_a_level_is_right_at_each_rate(chip, rate):
    chip.motion = lambda times: (
        at_rest(times)[0] + 0.05 * G * np.sin(2 * np.pi * 20 * times), *at_rest(times)[1:]
    )
    sensor = chip.sensor(rate=rate)
    sensor.open()
    chip.give(3.0, rate)
    level = {one.quantity: one for one in sensor.read()}["vibration_10_30"].value
    assert level == pytest.approx(20 * np.log10(0.05 / np.sqrt(2) / 1e-3), abs=0.3)


def test_a_chip_that_stalls_is_a_reason_and_no_value(chip):
    sensor = chip.sensor()
    sensor.open()
    chip.give(1.0)
    with pytest.raises(BadReadingError, match=r"gave no sample for 1\.0 s") as told:
        sensor.read()
    assert told.value.reason == "stalled"
    assert (chip.folder / "buffer/enable").read_text().strip() == "0"


def test_a_chip_whose_numbers_stand_still_is_stuck(chip):
    chip.motion = lambda _: (0.0, 0.0, G)
    with pytest.raises(BadReadingError, match="the same numbers") as told:
        read(chip)
    assert told.value.reason == "stuck"


def test_a_hive_that_is_carried_has_no_tilt_and_a_vibration(chip):
    def carried(times):
        x, y, z = at_rest(times)
        return x, y, z * 0.5

    chip.motion = carried
    found = read(chip)
    assert isinstance(found["tilt"], Refusal)
    assert found["tilt"].reason == "out-of-range"
    assert isinstance(found["vibration"], Measurement)


def test_big_endian_samples_with_a_shift_are_read_as_well(chip):
    """An MMA8452: 12 bits, at the top of 16."""
    for index, axis in enumerate("xyz"):
        chip.channel(f"in_accel_{axis}", index, "be:s12/16>>4")
    for name in ("en", "index", "type"):
        (chip.scan / f"in_timestamp_{name}").unlink()
    sensor = chip.sensor()
    sensor.open()
    noise = np.random.default_rng(1).integers(-2, 3, 900)
    upright = round(G / SCALE)
    os.write(chip.pipe, b"".join(
        struct.pack(">hhh", n << 4, -n << 4, -upright << 4 | 0xF) for n in noise
    ))
    tilt = sensor.read()[0]
    assert tilt.value == pytest.approx(180, abs=0.5)


def test_a_kernel_without_a_buffer_for_it_is_told(chip):
    (chip.scan / "in_accel_y_en").unlink()
    with pytest.raises(DeviceMissingError, match="no buffer for an acceleration"):
        chip.sensor().open()
    assert "no buffer" in chip.sensor().absent()


def test_a_chip_that_is_not_there_is_told_with_those_that_are(chip):
    with pytest.raises(DeviceMissingError, match="adxl345@1-0053"):
        chip.sensor(device="lis3dh").open()
    chip.sensor(device="adxl345@1-0053").open()


def test_a_trigger_is_the_chips_own_or_the_one_that_is_named(chip):
    (chip.folder / "trigger").mkdir()
    current = chip.folder / "trigger/current_trigger"
    current.write_text("\n")
    with pytest.raises(DeviceMissingError, match="needs a trigger"):
        chip.sensor().open()
    for number, name in enumerate(("other", "adxl345-dev0")):
        trigger = chip.root / f"sys/bus/iio/devices/trigger{number}"
        trigger.mkdir()
        (trigger / "name").write_text(f"{name}\n")
    chip.sensor().open()
    assert current.read_text() == "adxl345-dev0"
    chip.sensor(trigger="other").open()
    assert current.read_text() == "other"
    assert not (chip.root / "sys/bus/iio/devices/trigger0/sampling_frequency").exists()
    with pytest.raises(DeviceMissingError, match="other, adxl345-dev0"):
        chip.sensor(trigger="third").open()


@pytest.mark.parametrize(("rate", "expected"), [(300, 300), (3200, 800)])
def test_a_trigger_with_a_rate_of_its_own_gets_that_of_the_chip_at_the_most(chip, rate, expected):
    """The kernel's timer; the samples come at its rate."""
    (chip.folder / "trigger").mkdir()
    (chip.folder / "trigger/current_trigger").write_text("\n")
    timer = chip.root / "sys/bus/iio/devices/trigger0"
    timer.mkdir()
    (timer / "name").write_text("beemon\n")
    (timer / "sampling_frequency").write_text("100.000000\n")
    sensor = chip.sensor(trigger="beemon", rate=rate)
    sensor.open()
    assert (timer / "sampling_frequency").read_text() == str(expected)
    chip.give(2.0, expected)
    assert next(iter(sensor.read())).quantity == "tilt"


def test_a_reading_must_fit_its_timeout(chip):
    with pytest.raises(ValueError, match='"timeout" must be at least 11 s'):
        chip.sensor(seconds="10s")
    assert chip.sensor(seconds="10s", timeout="15s").settings.seconds == 10


def test_a_sample_ends_at_a_multiple_of_its_largest_channel(chip):
    from beemon.devices.sensors.accelerometer import layouts_of

    layouts = layouts_of(chip.scan)
    assert [one.begin for one in layouts.values()] == [0, 2, 4, 8]
    assert sample_size(layouts) == 16
