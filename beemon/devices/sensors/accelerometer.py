"""Vibration and tilt: an accelerometer of the kernel's IIO, whose samples come through its buffer.

The files and the format of a sample are the kernel's ABI (Documentation/ABI/testing/sysfs-bus-iio,
Documentation/iio/iio_devbuf.rst). Below ``scan_elements`` each channel has ``_en``, ``_index`` and
``_type``, such as ``le:s12/16>>4``. The channels of a sample are in the order of their index, each
at a multiple of its own size. The last one is the kernel's time of the sample, in ns. Gaps in it
show lost samples. A trigger starts each sample: the chip's own, by its interrupt, or one by the
kernel's timer (Documentation/iio/iio_configfs.rst), which has a rate of its own.
"""

from __future__ import annotations

import math
import os
import re
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from beemon.base.options import BadOptionError, duration_within, option
from beemon.devices._base import (
    BadReadingError,
    Claim,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.devices.sensors._sysfs import error_of, listing, read_number, read_text, write_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from beemon.checks.spectrum import Floats

    Bytes: TypeAlias = npt.NDArray[np.uint8]

FOLDER = "bus/iio/devices"
AXES = "x", "y", "z"
STANDARD_GRAVITY = 9.80665
"""In m/s²."""
BANDS = (10.0, 30.0), (30.0, 100.0), (100.0, 400.0)
"""The bands of the vibration, in Hz. The comb of a colony before it swarms vibrates near 20 Hz
(Ramsey et al. 2020), the hum is at 250 Hz, and 400 Hz is that of a queen's toot."""
MILLI_G = 1e-3
"""The reference of the levels, as a share of standard gravity."""
REST = 0.8, 1.2
"""The range of the mean acceleration, in standard gravities, in which the tilt is that of a hive
at rest."""
STALL_SECONDS, STALL_SAMPLES = 1.0, 10
"""The time in seconds without a sample after which a chip has stalled: at least that of
``STALL_SAMPLES`` samples."""
USUAL = 0.5, 1.5
"""The range of a usual distance of two samples, as a share of their median distance. Longer is a
gap, and shorter follows a sample that was late."""
ALMOST = 1.05
"""The rate may be this much lower than two samples for each period of a band."""
LEAST_SAMPLES = 256
"""The samples of a spectrum, at the least."""
RATES = "sampling_frequency", "in_accel_sampling_frequency"
"""The files that hold the rate, of the whole chip or of the accelerations."""
LENGTH = 4096
"""The number of samples that the kernel's buffer holds."""
_TYPE = re.compile(r"([bl])e:([su])(\d+)/(\d+)>>(\d+)")


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """An accelerometer in or on the hive, for its vibration and its tilt.

    The samples come through a buffer of the kernel's IIO driver of the chip, and each needs a
    trigger. On Raspberry Pi OS, use an MPU6050 with its pin INT connected to GPIO 25. Add the line
    ``dtoverlay=i2c-sensor,mpu6050,int_pin=25`` to ``/boot/firmware/config.txt``, then restart the
    Pi. Debian's kernel has a LIS3DH and an MMA8452, too. Connect INT1 of these to GPIO 25. The line
    is ``dtoverlay=beemon-i2c,lis3dh`` or ``dtoverlay=beemon-i2c,mma8452``, and the overlay's source
    is in ``/usr/share/doc/beemon/examples``. Raspberry Pi OS gives an ADXL345 to another driver,
    without a buffer. ``beemon setup`` shows the chips that the kernel has found.

    From Debian 13 on, the kernel's timer can be the trigger, without a wire to INT1. At each start,
    run ``modprobe iio-trig-hrtimer`` and ``mkdir /sys/kernel/config/iio/triggers/hrtimer/beemon``.
    Then set ``trigger = "beemon"`` here.

    ``tilt`` is the angle in degrees between the vertical and the axis ``up``. The vibration of all
    axes together is measured in three bands of frequency (Hz): ``vibration_10_30``,
    ``vibration_30_100`` and ``vibration_100_400``. Each is a level in dB: its root mean square
    against a thousandth of standard gravity. ``vibration`` is the level of all bands together. A
    band needs two samples for each period of its highest frequency. If samples are lost, the
    vibration has a reason and no values. If the chip stalls, so has the tilt.

        [sensor.comb]
        driver = "accelerometer"
        device = "lis3dh"
    """

    device: str = option(doc='its name ("adxl345"), or name and bus address ("adxl345@1-0053")')
    up: Literal["x", "-x", "y", "-y", "z", "-z"] = option(
        "z", doc="the axis of the chip that points up when the hive stands upright"
    )
    rate: float = option(
        400.0, minimum=25, maximum=3200,
        doc="samples a second; the kernel's driver takes the next rate that the chip has",
    )
    seconds: float = option(
        2.0, parse=duration_within("1s", "30s"),
        doc="time for which a reading listens, from 1s to 30s, and below ``timeout``; a spectrum "
        "takes at least 256 samples",
    )
    trigger: str = option(
        "", doc="the trigger that the kernel's driver needs, by its name; by default the chip's own"
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted", for_tests=True)
    dev: str = option("/dev", doc="where devices are", for_tests=True)

    def __post_init__(self) -> None:
        least = _count(self.rate, self.seconds) / self.rate + STALL_SECONDS
        if least > self.timeout:
            raise BadOptionError(
                f'"timeout" must be at least {least:.3g} s for these "seconds" and this "rate"'
            )

    @property
    def claims(self) -> list[Claim]:
        name, _, address = self.device.partition("@")
        return [Claim(f"I2C address {address}" if address else f"kernel device {name}", "device")]


class Layout(NamedTuple):
    """The place of one channel in a sample of the buffer."""

    begin: int
    size: int
    order: Literal["little", "big"]
    signed: bool
    bits: int
    shift: int


class Samples(NamedTuple):
    """The samples of a reading: m/s² by axis (a row each), the samples a second, and the number of
    those that were lost."""

    acceleration: Floats
    rate: float
    lost: int = 0


class Driver(Sensor):
    """Listens for some seconds at each reading."""

    group = "accelerometers"
    settings: Settings

    def absent(self) -> str | None:
        try:
            self._find()
        except DeviceError as error:
            return str(error)
        return None

    def open(self) -> None:
        """Choose the channels, the rate and the trigger."""
        folder = self._find()
        write_text(folder / "buffer/enable", "0")
        for file in sorted(listing(folder / "scan_elements")):
            if file.name.endswith("_en"):
                write_text(file, "1" if _is_wanted(file.name) else "0")
        _set_rate(folder, self.settings.rate)
        _set_trigger(folder, self.settings.trigger, self.settings.rate)
        write_text(folder / "buffer/length", str(LENGTH))

    def read(self) -> Sequence[Measurement | Refusal]:
        return list(measured(self._listen(), self.settings.up))

    def _find(self) -> Path:
        """The chip's folder. Raises DeviceMissingError."""
        parent = Path(self.settings.sysfs) / FOLDER
        found = {file: _names(file) for file in sorted(listing(parent))}
        fitting = [file for file, names in found.items() if self.settings.device in names]
        if len(fitting) != 1:
            known = ", ".join(names[-1] for names in found.values() if names) or "none"
            raise DeviceMissingError(
                f'"{self.settings.device}" is no single device in {parent}; there are: {known}'
            )
        if not has_buffer(fitting[0]):
            raise DeviceMissingError(
                f"{fitting[0]} has no buffer for an acceleration: "
                "this kernel's driver of the chip has none"
            )
        return fitting[0]

    def _listen(self) -> Samples:
        folder = self._find()
        layouts = layouts_of(folder / "scan_elements")
        size = sample_size(layouts)
        rate = _rate(folder) or self.settings.rate
        count = _count(rate, self.settings.seconds)
        data = self._captured(folder, size, count, rate)
        return decoded(data, layouts, size, _scales(folder), rate)

    def _captured(self, folder: Path, size: int, count: int, rate: float) -> bytes:
        path = Path(self.settings.dev) / folder.name
        patience = max(STALL_SECONDS, STALL_SAMPLES / rate)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise error_of(error, str(path)) from error
        try:
            write_text(folder / "buffer/enable", "1")
            end = time.monotonic() + count / rate + patience
            return b"".join(_pieces(file, path, size * count, patience, end))
        finally:
            os.close(file)
            write_text(folder / "buffer/enable", "0")


def _bands(rate: float) -> list[tuple[float, float]]:
    """The bands that can be measured at a rate."""
    return [band for band in BANDS if 2 * band[1] <= ALMOST * rate]


def _count(rate: float, seconds: float) -> int:
    """The number of samples of a reading."""
    return max(math.ceil(rate * seconds), LEAST_SAMPLES if _bands(rate) else STALL_SAMPLES)


def _pieces(file: int, path: Path, wanted: int, patience: float, end: float) -> Iterator[bytes]:
    """The bytes from the buffer, until there are as many as wanted, or the monotonic ``end``."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    while wanted > 0 and time.monotonic() < end:
        if not poll.poll(1000 * patience):
            raise BadReadingError("stalled", f"{path} gave no sample for {patience:.1f} s")
        try:
            piece = os.read(file, wanted)
        except OSError as error:
            raise error_of(error, str(path)) from error
        if not piece:
            raise BadReadingError("stalled", f"{path} ended")
        wanted -= len(piece)
        yield piece


def _names(folder: Path) -> list[str]:
    """The possible names of an IIO device in the config; none if it is no device."""
    try:
        name = (folder / "name").read_text().strip()
    except OSError:
        return []
    return [name, f"{name}@{folder.resolve().parent.name}"]


def has_buffer(folder: Path) -> bool:
    """Whether the kernel gives the accelerations of all axes through a buffer."""
    scan = folder / "scan_elements"
    return (folder / "buffer").is_dir() and all(
        (scan / f"in_accel_{axis}_en").exists() for axis in AXES
    )


def _is_wanted(file: str) -> bool:
    return file in {*(f"in_accel_{axis}_en" for axis in AXES), "in_timestamp_en"}


def layouts_of(scan: Path) -> Mapping[str, Layout]:
    """The places of the channels in a sample, by their names."""
    names = [f"in_accel_{axis}" for axis in AXES]
    if (scan / "in_timestamp_type").exists():
        names.append("in_timestamp")
    names.sort(key=lambda name: read_number(scan / f"{name}_index"))
    found: dict[str, Layout] = {}
    at = 0
    for name in names:
        layout = _layout(read_text(scan / f"{name}_type"), at)
        found[name] = layout
        at = layout.begin + layout.size
    return found


def _layout(said: str, at: int) -> Layout:
    match = _TYPE.fullmatch(said)
    if match is None:
        raise DeviceError(f'the kernel describes a sample as "{said}", which beemon cannot read')
    size = int(match[4]) // 8
    begin = -(-at // size) * size
    order: Literal["little", "big"] = "little" if match[1] == "l" else "big"
    return Layout(begin, size, order, match[2] == "s", int(match[3]), int(match[5]))


def sample_size(layouts: Mapping[str, Layout]) -> int:
    """The bytes from one sample to the next: a multiple of the largest channel."""
    end = max(layout.begin + layout.size for layout in layouts.values())
    largest = max(layout.size for layout in layouts.values())
    return -(-end // largest) * largest


def decoded(
    data: bytes, layouts: Mapping[str, Layout], size: int, scales: Sequence[float], rate: float
) -> Samples:
    """The samples in m/s². Raises BadReadingError if there are too few."""
    import numpy as np

    rows = np.frombuffer(data, np.uint8, len(data) // size * size).reshape(-1, size)
    if len(rows) < STALL_SAMPLES:
        raise BadReadingError("stalled", f"the chip gave only {len(rows)} samples")
    axes = [_numbers(rows, layouts[f"in_accel_{axis}"]) for axis in AXES]
    acceleration = np.stack([axis * scale for axis, scale in zip(axes, scales, strict=True)])
    if "in_timestamp" not in layouts:
        return Samples(acceleration, rate)
    steps = np.diff(_numbers(rows, layouts["in_timestamp"])) / 1e9
    low, high = np.median(steps) * USUAL[0], np.median(steps) * USUAL[1]
    if low <= 0:  # a chip with samples of its own to give dates them all alike
        return Samples(acceleration, rate)
    usual = float(steps[(low < steps) & (steps < high)].mean())
    lost = round(float(steps.sum()) / usual) - len(steps)
    return Samples(acceleration, 1 / usual, max(0, lost))


def _numbers(rows: Bytes, layout: Layout) -> Floats:
    """One channel of all samples."""
    import numpy as np

    parts = rows[:, layout.begin : layout.begin + layout.size]
    parts = parts if layout.order == "big" else parts[:, ::-1]
    values = np.zeros(len(rows), np.uint64)
    for column in parts.T:
        values = values << np.uint64(8) | column
    values = values << np.uint64(64 - layout.bits - layout.shift)  # what is above it is undefined
    if layout.signed:
        return (values.view(np.int64) >> np.int64(64 - layout.bits)).astype(float)
    return (values >> np.uint64(64 - layout.bits)).astype(float)


def measured(samples: Samples, up: str) -> Iterator[Measurement | Refusal]:
    """The tilt, and the vibration in each band. Raises BadReadingError for a chip that is stuck.

    The tilt is a mean, so it does not depend on lost samples. A spectrum does.
    """
    if not (samples.acceleration.max(axis=1) > samples.acceleration.min(axis=1)).any():
        raise BadReadingError("stuck", "the three axes give the same numbers all the time")
    in_g = samples.acceleration / STANDARD_GRAVITY
    yield _tilt([float(axis) for axis in in_g.mean(axis=1)], up)
    bands = _bands(samples.rate)
    if not samples.lost:
        yield from _vibration(in_g, samples.rate, bands)
        return
    message = f"{samples.lost} of {in_g.shape[1] + samples.lost} samples were lost"
    for name in [*map(_name, bands), *(["vibration"] if bands else [])]:
        yield Refusal(name, "dB", "overrun", message)


def _tilt(mean: Sequence[float], up: str) -> Measurement | Refusal:
    size = math.hypot(*mean)
    if not REST[0] <= size <= REST[1]:
        return Refusal(
            "tilt", "°", "out-of-range", f"the acceleration is {size:.2f} g instead of 1 g: the "
            "hive is moving, or the chip is broken", raw=size,
        )
    along = mean[AXES.index(up[-1])] * (-1 if up[0] == "-" else 1)
    angle = math.degrees(math.acos(max(-1.0, min(1.0, along / size))))
    return Measurement("tilt", round(angle, 2), "°", raw=along)


def _name(band: tuple[float, float]) -> str:
    return f"vibration_{band[0]:.0f}_{band[1]:.0f}"


def _vibration(
    in_g: Floats, rate: float, bands: Sequence[tuple[float, float]]
) -> Iterator[Measurement]:
    import numpy as np

    from beemon.checks.spectrum import Spectrum, band_power, decibels

    spectra = [Spectrum(round(rate), in_g.shape[1]) for _ in in_g]
    for spectrum, axis in zip(spectra, in_g, strict=True):
        spectrum.add(axis)
    powers = np.sum([spectrum.powers() for spectrum in spectra], axis=0) / MILLI_G**2
    for band in bands:
        power = band_power(spectra[0].frequencies, powers, *band)
        yield Measurement(_name(band), round(decibels(power), 2), "dB")
    if bands:
        power = band_power(spectra[0].frequencies, powers, bands[0][0], bands[-1][1])
        yield Measurement("vibration", round(decibels(power), 2), "dB")


def _set_rate(folder: Path, wanted: float) -> None:
    """Choose the least rate of the chip that is enough."""
    file = _first(folder, RATES)
    if file is None:
        return
    listed = _first(folder, tuple(f"{name}_available" for name in RATES))
    rates = sorted(map(float, re.findall(r"[\d.]+", read_text(listed)))) if listed else []
    write_text(file, f"{next((one for one in rates if one >= wanted), (rates or [wanted])[-1]):g}")


def _rate(folder: Path) -> float | None:
    """The samples a second, by the trigger if it has a rate of its own."""
    chosen = folder / "trigger/current_trigger"
    trigger = _trigger(folder, read_text(chosen)) if chosen.exists() else None
    file = (trigger and _first(trigger, RATES)) or _first(folder, RATES)
    return read_number(file) if file else None


def _trigger(folder: Path, name: str) -> Path | None:
    """The folder of the trigger with that name."""
    files = folder.parent.glob("trigger*/name")
    return next((file.parent for file in files if read_text(file) == name), None)


def _scales(folder: Path) -> list[float]:
    """The factors from the numbers of the axes to m/s²."""
    files = [_first(folder, (f"in_accel_{axis}_scale", "in_accel_scale")) for axis in AXES]
    return [read_number(file) if file else 1.0 for file in files]


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _set_trigger(folder: Path, wanted: str, rate: float) -> None:
    """Let the chip's own trigger start each sample, if the kernel's driver needs one.

    A trigger with a rate of its own gets the wanted ``rate``, or the chip's if that is lower.
    """
    file = folder / "trigger/current_trigger"
    if not file.exists() or (not wanted and read_text(file)):
        return
    names = [read_text(one) for one in sorted(folder.parent.glob("trigger*/name"))]
    own = read_text(folder / "name")
    fitting = [name for name in names if name == wanted or (not wanted and name.startswith(own))]
    if not fitting:
        raise DeviceMissingError(
            f'"{own}" needs a trigger for its samples; connect the chip\'s interrupt, or set '
            f'"trigger" to one of: {", ".join(names) or "none"}'
        )
    write_text(file, fitting[0])
    trigger = _trigger(folder, fitting[0])
    if trigger and (own_rate := _first(trigger, RATES)):
        chip = _first(folder, RATES)
        write_text(own_rate, f"{min(rate, read_number(chip) if chip else rate):g}")
