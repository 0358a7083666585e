"""Inspection: whether the beekeeper is at the hive, so that what is measured is not the colony's.

While it is on, recorders are left alone (people are in the picture), and what sensors say is
marked. It ends by itself, for a beekeeper who forgot to end it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from beemon.base import moments
from beemon.base.clock import MACHINE, Clock, Stamp
from beemon.base.readings import Reading
from beemon.base.status import InspectionStatus
from beemon.config.settings import DeviceSettings
from beemon.ledger import inspections
from beemon.ledger.inspections import LONGEST_SECONDS, Begun
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.in_force import recorders
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.timetable import Timetable

REASON = "inspection"
"""The reason of a slot that it skips, and the quality of a reading that it marks."""


class Inspection:
    """Is on or off."""

    def __init__(self) -> None:
        self._begun: Begun | None = None
        self._over_at = 0.0

    @property
    def is_on(self) -> bool:
        """Whether one is on."""
        return self._begun is not None

    def resume(self, begun: Begun | None, now: float) -> None:
        """Continue an inspection that an earlier run began; ``now`` is in monotonic seconds."""
        self._begun = begun
        self._over_at = now + begun.seconds_left if begun else 0.0

    def begin(self, note: str, now: Stamp) -> None:
        """Begin; one that is on already lasts longer."""
        self.resume(Begun(now.utc_us, LONGEST_SECONDS, note), now.monotonic)

    def end(self) -> None:
        """End, if one is on."""
        self._begun = None

    def is_overdue(self, now: float) -> bool:
        """Whether it lasted so long that somebody forgot to end it; ``now`` is monotonic."""
        return self.is_on and now >= self._over_at

    def status(self, now: float) -> InspectionStatus | None:
        """The inspection as `status` shows it; None if there is none."""
        if self._begun is None:
            return None
        begun, left = moments.iso(self._begun.utc_us), round(self._over_at - now)
        return InspectionStatus(begun, left, self._begun.note or None)

    def marked(self, readings: Iterable[Reading]) -> list[Reading]:
        """The readings, with the quality ``inspection`` during an inspection."""
        return marked(readings) if self.is_on else list(readings)


class Inspections:
    """Begins, ends and resumes the ``inspection``; the recorders among ``devices`` rest meanwhile.

    ``write`` has something written to the ledger.
    """

    def __init__(
        self,
        devices: Mapping[str, DeviceSettings],
        inspection: Inspection,
        timetable: Timetable,
        write: Callable[[Write, Written], None],
        looks: Looks,
        inbox: Inbox,
        clock: Clock = MACHINE,
    ) -> None:
        self.inspection = inspection
        self.is_resuming = False
        self._is_overruled = False
        self._devices, self._timetable = devices, timetable
        self._write, self._looks = write, looks
        self._inbox, self._clock = inbox, clock

    def begin(self, note: str, now: Stamp) -> Write:
        """Begin an inspection. Write the returned entries to make it durable."""
        self._is_overruled = True
        self.inspection.begin(note, now)
        self._hold_recorders_back()
        return lambda ledger: inspections.enter_begin(ledger, note, now)

    def end(self, note: str, now: Stamp, *, by_itself: bool = False) -> Write:
        """End the inspection. Write the returned entries to make this durable."""
        self._is_overruled = True
        self.inspection.end()
        self._hold_recorders_back()
        return lambda ledger: inspections.enter_end(ledger, note, now, by_itself=by_itself)

    def resume(self) -> None:
        """Go on with an inspection that an earlier run began; until the ledger has said whether
        there is one, it ``is_resuming``. A command that comes meanwhile decides."""
        self.is_resuming, self._is_overruled = True, False
        self._write(
            self._looks.within("inspection", inspections.resume, None),
            self._inbox.forward(self._resume),
        )

    def change(self, devices: Mapping[str, DeviceSettings]) -> None:
        """Take over other devices."""
        self._devices = devices
        self._hold_recorders_back()

    def _resume(self, begun: Begun | None) -> None:
        self.is_resuming = False
        if not self._is_overruled:
            self.inspection.resume(begun, self._clock.now().monotonic)
            self._hold_recorders_back()

    def _hold_recorders_back(self) -> None:
        held_back = recorders(self._devices) if self.inspection.is_on else ()
        self._timetable.hold_back(REASON, held_back)


def marked(readings: Iterable[Reading]) -> list[Reading]:
    """The readings, with a quality that tells that the hive was open."""
    return [
        dataclasses.replace(reading, quality=REASON) if _is_good(reading) else reading
        for reading in readings
    ]


def _is_good(reading: Reading) -> bool:
    return reading.value is not None and reading.quality == "good"
