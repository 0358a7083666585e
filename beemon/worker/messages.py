"""Messages between the Orchestrator and a worker over their pipe.

The Orchestrator sends :class:`Work`, :class:`Cut` and :class:`Finish`. The worker sends
:class:`Ready`, :class:`Begun`, :class:`Rebound`, :class:`Opened`, :class:`Switched` and
:class:`NotSafe`. It sends a :class:`Done` or a :class:`Failed` for each task. Its last message may
be a :class:`Lost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from pathlib import Path

from beemon.base.facts import JsonObject
from beemon.base.readings import Calibration, Reading, Sampled
from beemon.base.recording import RecordingFacts
from beemon.base.values import value_class
from beemon.config.settings import Hive, Weighing
from beemon.media.tags import Tags
from beemon.storage.files import Place


@value_class
class Asked:
    """The findings to make: those of one local ``day``, or without it the days that are due.

    ``until_us`` is the present time, in microseconds since 1970, and ``today`` the first day whose
    night is not over. The settings in force are ``hive``, ``weighing`` (by scale) and ``drivers``
    (by sensor). All past days are checked if ``thorough``, and otherwise the latest ones.
    """

    today: date
    until_us: int
    hive: Hive
    weighing: Mapping[str, Weighing]
    day: date | None = None
    thorough: bool = False
    drivers: Mapping[str, str] = field(default_factory=dict)


@value_class
class Work:
    """One task for one device: ``read``, ``record``, ``snapshot``, or for an output ``on``, ``off``
    (for ``seconds``, if any) or ``make_safe``.

    ``calibrate`` measures the raw numbers of a scale's converter. ``calibrations`` are those to
    apply to a reading, by the quantity that the sensor measures. ``live`` writes a camera's live
    pictures to ``place`` for ``seconds``.

    Tasks without a device are ``salvage``, for the remains of ``device`` at ``place``, and
    ``index``, for the run ``number`` of the archive at ``place``. A third one is ``insight``, for
    the findings that are ``asked`` for. The last one is ``count``, for the bees in the video at
    ``place``. A bee has the length ``bee_length`` in it, in pixels, if that is known. ``tags`` are
    the tags to write into a recording's file, without the facts about its content. ``rebind``
    resets the USB device, if any, before the device is opened.
    """

    number: int
    device: str
    verb: str
    seconds: float = 0.0
    place: Place | None = None
    follows: bool = False
    tags: Tags | None = None
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    rebind: bool = False
    asked: Asked | None = None
    bee_length: float | None = None


@value_class
class Cut:
    """End this piece of work early, keeping what there is."""

    number: int


@value_class
class Finish:
    """End all work early, close the devices, exit."""


@value_class
class Ready:
    """The worker can take work."""


@value_class
class Begun:
    """The worker turns to the device, for the piece of work of that number.

    0 is an output that it makes safe as it starts. Sent before the device is used, so that the
    cause is known if the worker hangs or dies.
    """

    device: str
    number: int = 0


@value_class
class Opened:
    """The device is open now."""

    device: str


@value_class
class Rebound:
    """The USB device that the device is, ``usb``, was bound to its drivers again.

    Or it could not be: ``trouble`` says why, and what would help.
    """

    device: str
    usb: str = ""
    trouble: str | None = None


@value_class
class Switched:
    """The output is on, or off, and returns to its safe state after ``seconds``, if any."""

    device: str
    on: bool
    seconds: float | None


@value_class
class NotSafe:
    """The output could not be opened, so its state is unknown."""

    device: str
    reason: str
    message: str


@value_class
class Done:
    """The work was done; ``cut`` if it was ended early. ``path`` is a whole recording, and
    ``recording`` what is known of it; ``facts`` are what other work brought.

    ``refused`` says of each quantity without a value why it has none; ``failure`` what its check
    found in a recording that does not count, and is kept as evidence. ``defects`` are
    tracebacks by the looks at the recording that failed. ``sampled`` is what a ``calibrate``
    measured.
    """

    number: int
    readings: list[Reading] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    recording: RecordingFacts | None = None
    facts: JsonObject = field(default_factory=dict)
    cut: bool = False
    failure: str | None = None
    defects: dict[str, str] = field(default_factory=dict)
    sampled: list[Sampled] = field(default_factory=list)


@value_class
class Failed:
    """The work failed; ``reason`` is a word of :data:`beemon.base.outcomes.REASONS`."""

    number: int
    reason: str
    message: str


@value_class
class Lost:
    """The device is lost to this process, which ends over it; so is all its work.

    ``details`` are for the journal: the traceback, if its driver has a defect.
    """

    device: str
    reason: str
    message: str
    details: str = ""


Answer = Done | Failed
"""The messages that end a task."""
Upward = Ready | Begun | Rebound | Opened | Switched | NotSafe | Done | Failed | Lost
Downward = Work | Cut | Finish
