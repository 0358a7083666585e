"""The contract between a worker and a driver.

A driver is one module, ``beemon/devices/<kind>s/<driver>.py``, or a package of that name: the word
``driver`` in the config names it. It defines ``Settings``, a frozen dataclass of its options on top
of :class:`CommonSettings`. It also defines ``Driver``, which is a :class:`Sensor`,
:class:`Microphone`, :class:`Camera` or :class:`Output`. The driver imports its hardware library
inside ``open()``, never at the top, because the config is also checked on machines without this
library. The docstring of ``Settings`` and the ``doc`` of its options are for users: they become the
driver's part of beemon.toml(5).

A worker opens a device before its first use, always from the same thread. It sends the device one
request of a kind at a time. A camera may get a request for a snapshot while it records. A camera
that ``overlaps`` may also get a client's recording during a scheduled one. A driver raises an error
and never returns a substitute value. A driver need not watch the time, because the whole worker is
killed after the deadline. Child processes that a driver starts must die with the worker.

A driver raises :class:`DeviceLostError` if only a new process can use the device again. Without a
request, it calls ``on_lost`` with this error. The worker then ends, and another one starts.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import ClassVar, Literal, NamedTuple

from beemon.base import clock
from beemon.base.options import BadOptionError, build, duration, duration_within, in_toml, option
from beemon.base.readings import Calibration
from beemon.base.recording import RecordingFacts
from beemon.base.values import keyword_class, value_class


class DeviceError(OSError):
    """The device did not do what was asked. ``reason`` is the word that the ledger keeps."""

    reason = "device-error"


class DeviceMissingError(DeviceError):
    """No such device on this machine, or it has gone."""

    reason = "missing-device"


class LibraryMissingError(DeviceError):
    """A Python package or program that this driver needs is not installed."""

    reason = "missing-library"


class DeviceLostError(DeviceError):
    """The device got into a state that only a new process gets it out of."""

    reason = "stalled"


class BadReadingError(DeviceError):
    """The sensor answered, and what it said cannot be true."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Claim(NamedTuple):
    """A resource that a device needs, as people call it, and the ``option`` that names it.

    Nobody else may have it, except devices that put it to the same ``shared`` use.
    """

    resource: str
    option: str
    shared: str = ""


@dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """The options of every device; a driver's own ``Settings`` adds its options."""

    name: str = option(doc="the device's name, kind and all: sensor.brood")
    timeout: float = option(
        5.0, parse=duration_within("0.1s", "10m"), doc="maximum time for one reading or snapshot"
    )

    @property
    def claims(self) -> Iterable[Claim]:
        """The resources of this machine that the device needs."""
        return ()

    @property
    def boot_line(self) -> str:
        """The line in a Raspberry Pi's ``config.txt`` that the device needs; empty if none."""
        return ""

    @property
    def bytes_a_second(self) -> float:
        """About how much a second of its recordings takes on disk; a recorder says it."""
        return 0.0

    @property
    def bytes_a_picture(self) -> float:
        """About how much one of its snapshots takes on disk; a camera says it."""
        return 0.0

    @property
    def rests_between_slots(self) -> bool:
        """Whether a recorder is closed between slots that are far apart, also in its window."""
        return False


@dataclass(frozen=True, kw_only=True)
class OutputSettings(CommonSettings):
    """The options of every output."""

    safe: Literal["on", "off"] = option("off", doc="the state without a command")
    longest: float | None = option(
        None, parse=duration_within("1s", "1d"),
        doc="maximum time outside the safe state, from 1s to 1d. Without it, a command that gives "
        "no seconds lasts until the next one",
    )


@keyword_class
class Conversion:
    """The conversion of a measured quantity to another: grams from a load cell's voltage."""

    quantity: str = option(doc="the name of the result")
    unit: str = option(doc="the unit of the result")
    zero: float = option(0.0, doc="the raw number at which the result is 0")
    factor: float = option(1.0, doc="the result for one raw number more")


def _conversions(value: object) -> dict[str, Conversion]:
    """A table of tables; each is named after the quantity that the driver measures."""
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise BadOptionError(f"must have a table for each quantity, not {in_toml(value)}")
    return {name: _conversion(name, table) for name, table in value.items()}


def _conversion(name: str, table: Mapping[str, object]) -> Conversion:
    built, problems = build(Conversion, table, lambda _: name)
    if built is None:
        raise BadOptionError(f"is wrong for {'; '.join(map(str, problems))}")
    return built


def _stuck_after(value: object) -> float:
    return math.inf if value == "never" else duration(value)


@dataclass(frozen=True, kw_only=True)
class SensorSettings(CommonSettings):
    """The options of every sensor that measures a level; counters do not have them."""

    samples: int = option(
        1, minimum=1, maximum=1000,
        doc="number of samples in a reading, which is their trimmed mean",
    )
    stuck_after: float | None = option(
        None, parse=_stuck_after,
        doc="time after which an unchanged value counts as a failed sensor, or "
        '``"never"``; the default depends on the sensor',
    )
    calibration: dict[str, Conversion] | None = option(
        None, parse=_conversions, doc="the calibration of each quantity"
    )

    @property
    def measures(self) -> Sequence[str] | None:
        """The quantities that it can measure; None if its options do not decide on them."""
        return None


@value_class
class Measurement:
    """One quantity as a sensor measured it: ``value`` in ``unit`` (SI or °C, %, g).

    ``quality`` is a word of :data:`beemon.base.readings.QUALITIES`. ``stuck_after`` is the time in
    seconds after which only a dead sensor returns the same value; None for no limit.
    ``uncertainty`` is the standard uncertainty of ``value``.

    A driver leaves ``uncertainty`` and ``calibration`` to the sampling. The same is true of
    ``raw_uncertainty``, that of the raw number, which is a mean of several samples.
    """

    quantity: str
    value: float
    unit: str
    raw: float | None = None
    quality: str = "good"
    stuck_after: float | None = None
    calibration: Calibration | None = None
    uncertainty: float | None = None
    raw_uncertainty: float | None = None

    def __post_init__(self) -> None:
        _make_plain(self, "value", "raw", "uncertainty", "raw_uncertainty")
        if not math.isfinite(self.value):
            raise BadReadingError("not-a-number", f"{self.quantity} read as {self.value}")


@value_class
class Refusal:
    """One quantity that could not be measured while others could: the reason, and a sentence.

    ``raw`` is what the hardware said anyway.
    """

    quantity: str
    unit: str
    reason: str
    message: str
    raw: float | None = None

    def __post_init__(self) -> None:
        _make_plain(self, "raw")


def _make_plain(said: Measurement | Refusal, *names: str) -> None:
    """Make floats of numbers of other types, such as NumPy's, which the ledger cannot hold."""
    for name in names:
        number = getattr(said, name)
        if number is not None and type(number) not in (int, float):
            object.__setattr__(said, name, float(number))


class Device:
    """One piece of hardware, or of the simulated hive, behind its driver.

    ``group`` names the worker that holds it together with others of the same group; without one it
    has a worker of its own.
    """

    group: ClassVar[str | None] = None

    def __init__(self, settings: CommonSettings) -> None:
        self.settings = settings
        self.on_lost: Callable[[DeviceError], None] = lambda _: None

    def absent(self) -> str | None:
        """The package or file that this computer lacks for the device; None if nothing is known to
        be missing.

        The check is cheap: it opens nothing and disturbs no process, because it runs when a config
        is checked.
        """
        return None

    def open(self) -> None:
        """Take the hardware. Raises :class:`DeviceError`."""

    def close(self) -> None:
        """Give the hardware back; harmless when it is not open."""

    def bind_anew(self) -> str | None:
        """Make the kernel release the hardware and find it again, if nothing else helped.

        The device is closed at this time. Returns the kernel's name of the hardware, or None if it
        is of another kind. Raises :class:`DeviceError`.
        """
        return None


class Sensor(Device, ABC):
    """A device that is asked for numbers."""

    group = "sensors"

    @abstractmethod
    def read(self) -> Sequence[Measurement | Refusal]:
        """Measure now. Raises :class:`DeviceError`; never returns a substitute value.

        A sensor of several quantities may refuse some of them. If it has no value at all, it
        raises.
        """


class Recorder(Device, ABC):
    """A device that makes recordings. ``suffix`` is the media file's ending.

    ``overlaps``: it can make several at once, from different threads.
    """

    suffix: ClassVar[str]
    overlaps: ClassVar[bool] = False

    @abstractmethod
    def record(
        self, path: Path, seconds: float, cancelled: Event, *, follows: bool
    ) -> RecordingFacts:
        """Write ``seconds`` of media to ``path`` and return the facts about it.

        When ``cancelled`` is set, finish the file early and properly. ``follows`` means that this
        recording was waiting when the previous one ended: it begins at that end, without a gap. The
        facts hold at least those of :func:`began`, and ``seconds`` (the measured length of the
        media).
        """


class Microphone(Recorder):
    """Records sound; its facts also hold ``samples``, ``rate`` (Hz), ``lost_samples`` and
    ``first_sample`` (its place in the stream that began when the device was opened)."""

    suffix = ".flac"


class Camera(Recorder):
    """Records video and takes snapshots; a recording's facts also hold ``frames``."""

    suffix = ".mp4"

    @abstractmethod
    def snapshot(self, path: Path) -> RecordingFacts:
        """Write one JPEG picture to ``path`` and return the facts about it, at least those of
        :func:`began`."""

    def live(self, cancelled: Event) -> AbstractContextManager[Callable[[], bytes]]:
        """Inside, each call of the function returns a picture of this moment.

        It is a JPEG with sides of at most :data:`LIVE_PIXELS`. Recordings and snapshots go on
        beside it. Raises :class:`DeviceError`.
        """
        del cancelled
        raise DeviceError(f"the driver of {self.settings.name} has no live picture")


class Output(Device, ABC):
    """A device that is on or off: a light, a fan, a relay.

    ``open()`` and ``close()`` bring it to its safe state, and so does the end of the seconds for
    which it was to be otherwise. The worker itself keeps that time: nobody else need be alive.
    ``changed`` is called with each new state, and with the seconds after which it returns, if any.
    """

    group = "gpio"
    settings: OutputSettings

    def __init__(self, settings: OutputSettings) -> None:
        super().__init__(settings)
        self.changed: Callable[[bool, float | None], None] = lambda _on, _seconds: None
        self._lock = threading.RLock()
        self._return: threading.Timer | None = None

    @abstractmethod
    def set(self, *, on: bool) -> None:
        """Switch the hardware. Raises :class:`DeviceError`."""

    @property
    def is_safe_on(self) -> bool:
        """Whether its safe state is on."""
        return self.settings.safe == "on"

    def turn(self, *, on: bool, seconds: float | None = None) -> float | None:
        """Switch it; after ``seconds``, or its longest time, it returns to its safe state.

        Returns the seconds after which it does. Raises :class:`DeviceError`.
        """
        limits = [limit for limit in (seconds, self.settings.longest) if limit]
        until = None if on == self.is_safe_on else min(limits, default=None)
        with self._lock:
            self._forget_return()
            self.set(on=on)
            if until is not None:
                self._return = threading.Timer(until, self._come_back)
                self._return.daemon = True
                self._return.start()
        self.changed(on, until)
        return until

    def make_safe(self) -> None:
        """Bring it to its safe state. Raises :class:`DeviceError`."""
        self.turn(on=self.is_safe_on)

    def close(self) -> None:
        with self._lock:
            self._forget_return()

    def _forget_return(self) -> None:
        if self._return is not None:
            self._return.cancel()
            self._return = None

    def _come_back(self) -> None:
        """Return to the safe state, in the timer's thread. If it fails, the worker ends, and the
        next one starts safely."""
        with self._lock:
            if threading.current_thread() is not self._return:
                return  # somebody switched it at the same moment
            try:
                self.make_safe()
            except DeviceError as error:
                self.on_lost(DeviceLostError(f"it did not return to its safe state: {error}"))


LIVE_PIXELS = 960
"""The longest side of a live picture."""

ARCHIVE = "BEEMON_ARCHIVE"
"""The variable of a worker's environment that names the archive's folder."""

_NOT_THE_DRIVERS = ("driver", "schedule", "weighing", "count_bees", "bee_length")


def began(monotonic: float) -> RecordingFacts:
    """When a recording began, from the monotonic clock's seconds then, as its facts say it."""
    now = clock.stamp()
    start_us = now.utc_us - round((now.monotonic - monotonic) * 1e6)
    return RecordingFacts(start_us, round(monotonic, 6), now.quality)


def own_options(settings: Mapping[str, object]) -> dict[str, object]:
    """A device's table without the options that are not the driver's, such as ``schedule``."""
    return {key: value for key, value in settings.items() if key not in _NOT_THE_DRIVERS}
