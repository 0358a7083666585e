"""The timetable: which scheduled work is due now, for all devices of the config.

Each look covers every slot since the previous look: a slot is run, or is skipped for a reason. If
the clock is set, the next look continues from the new time. No schedule is then off by more than an
interval, and no slot occurs twice within one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import tzinfo

from beemon.base import schedule
from beemon.base.clock import JUMP_SECONDS, Moment, Quality, Stamp
from beemon.base.moments import US_PER_DAY, to_datetime, to_microseconds
from beemon.base.schedule import Schedule, WindowState
from beemon.base.values import value_class
from beemon.config.settings import DeviceSettings
from beemon.ledger.slots import Begin, Due, Series, Skip, Tick, Turn, Unaccounted, between

LATE_SECONDS = 10.0
"""Maximum delay of a slot, in seconds; a later one is skipped, not run at a wrong time."""
MOST_SECONDS_SKIPPED = 86400.0
"""Maximum step of the clock, in seconds. After a larger one the clock was wrong before, and the
slots passed over were never due."""
PAUSED = "paused"


@value_class
class Thinning:
    """Of ``every`` slots of a window the first runs; the others are skipped for the reason."""

    reason: str
    every: int


class Timetable:
    """Tells what falls due. Single devices can be held back, for a reason.

    Windows by the clock follow the time zone ``local``.
    """

    def __init__(self, devices: Mapping[str, DeviceSettings], local: tzinfo) -> None:
        self._zone = local
        self._held_back: dict[str, set[str]] = defaultdict(set, {PAUSED: set()})
        self._thinned: dict[str, Thinning] = {}
        self._last: Stamp | None = None
        self._first_monotonic = 0.0
        self._is_sure = False
        self._unslotted = 0
        self._accounted_us = 0
        self._floors: dict[str, int] = {}
        self._wakes: dict[str, int] = {}
        self._found: Tick | None = None
        self._due: list[tuple[DeviceSettings, int, bool]] = []
        self._devices: Mapping[str, DeviceSettings] = {}
        self._schedules: dict[str, Schedule] = {}
        self._definitions: dict[str, str] = {}
        self._windows: dict[str, WindowState] = {}
        self._take(devices)

    # What is asked of it

    def change(self, devices: Mapping[str, DeviceSettings], now: Stamp) -> None:
        """Replace the devices; slots until now still belong to the old ones."""
        self._look(now)
        before = self._definitions
        self._take(devices)
        self._wakes.clear()
        for name in sorted(before.keys() | self._definitions.keys()):
            definition = self._definitions.get(name)
            if before.get(name) != definition:
                self._turn(name, self._mark(name), definition, now)
        self._held_back[PAUSED] &= set(devices)

    def hold_back(self, reason: str, devices: Collection[str]) -> None:
        """Skip the slots of these devices for this reason, and of no others."""
        self._held_back[reason] = set(devices)

    def thin_out(self, thinning: Thinning, devices: Collection[str]) -> None:
        """Run only some of the slots of these devices, and all slots of the others."""
        self._thinned = dict.fromkeys(devices, thinning)

    def switch(self, devices: Collection[str], *, on: bool) -> None:
        """Switch the scheduled work of these devices on or off."""
        paused = self._held_back[PAUSED]
        self.hold_back(PAUSED, paused - set(devices) if on else paused | set(devices))

    def held_back(self, name: str) -> str | None:
        """The reason for which the device's slots are skipped; the first that came, if several."""
        return next((r for r, devices in self._held_back.items() if name in devices), None)

    def rests(self, name: str) -> str | None:
        """The reason for which the device rests, other than that somebody paused its schedule."""
        return next(
            (r for r, devices in self._held_back.items() if r != PAUSED and name in devices), None
        )

    def has_schedule(self, name: str) -> bool:
        """Whether the device has a schedule, switched off or not."""
        return name in self._schedules

    def is_on(self, name: str) -> bool:
        """Whether the device has a schedule, and that is not switched off."""
        return name in self._schedules and name not in self._held_back[PAUSED]

    def is_open(self, name: str, now: Moment | Stamp) -> bool:
        """Whether the device's window is open, so that it is worth keeping it ready."""
        if not self.is_on(name) or self.held_back(name):
            return False
        at, state = to_datetime(now.utc_us), self._windows.get(name)
        if state is None or not state.since <= at < state.until:
            state = schedule.window_state(self._schedules[name], at, self._zone)
            self._windows[name] = state  # it is asked at each turn, and calculated from the sun
        return state.is_open

    def advance(self, now: Stamp) -> Tick | None:
        """The slots that became due since the last call, ready to be entered; None if there are
        none."""
        self._look(now)
        found, self._found = self._found, None
        if found is None:
            return None
        found.due, self._due = list(_commands(self._due)), []
        self._unslotted += sum(due.slot_us is None for due in found.due)
        return found

    def seconds_to_next(self, now: Moment | Stamp) -> float | None:
        """Seconds to the next slot of any device, at least 0; None where nothing is scheduled."""
        if not self._wakes:
            return None
        return max(0.0, (min(self._wakes.values()) - now.utc_us) / 1e6)

    def seconds_to_slot(self, name: str, now: Moment | Stamp) -> float:
        """Seconds to the device's next slot, at least 0; infinite if that is not to be run."""
        if name not in self._wakes or not self.is_on(name) or self.held_back(name):
            return math.inf
        if self._thinned_out(name, self._wakes[name]):
            return math.inf
        return max(0.0, (self._wakes[name] - now.utc_us) / 1e6)

    def next_slot(self, after_us: int) -> int | None:
        """The first slot later than a moment (µs since 1970) of the devices not held back."""
        at = to_datetime(after_us)
        coming = [
            schedule.next_slot(of, at, self._zone)
            for name, of in self._schedules.items() if not self.held_back(name)
        ]
        return min((to_microseconds(slot) for slot in coming if slot), default=None)

    # A look at the time

    def _take(self, devices: Mapping[str, DeviceSettings]) -> None:
        self._devices = devices
        self._windows.clear()
        self._schedules = {name: d.schedule for name, d in devices.items() if d.schedule}
        self._definitions = {
            name: schedule.describe(of, self._zone) for name, of in self._schedules.items()
        }

    def _look(self, now: Stamp) -> None:
        was_set_ahead = self._follow_clock(now)
        for name in self._schedules:
            if not now.utc_us < self._wakes.get(name, 0):
                self._look_at(name, now, was_set_ahead=was_set_ahead)
        self._accounted_us = max(self._accounted_us, now.utc_us)
        if not self._is_sure and now.quality is not Quality.UNSURE:
            self._begin_account(now)
        for name in self._schedules.keys() - self._wakes.keys():
            self._plan(name, now)
        if self._found:
            self._found.at = now
            self._found.accounted_us = self._accounted_us if self._is_sure else None

    def _look_at(self, name: str, now: Stamp, *, was_set_ahead: bool) -> None:
        mark = self._mark(name)
        series = between(self._definitions[name], mark, now.utc_us)
        self._plan(name, now)
        if series is None:
            return
        if reason := self.held_back(name):
            self._skip(name, reason, series, now)
            return
        is_fresh = now.utc_us - series.last_us <= LATE_SECONDS * 1e6
        last_missed = series.last_us - 1 if is_fresh else series.last_us
        if missed := between(self._definitions[name], mark, last_missed):
            self._skip(name, "clock" if was_set_ahead else "late", missed, now)
        if is_fresh and (thinning := self._thinned_out(name, series.last_us)):
            self._skip(name, thinning.reason, Series(series.last_us, series.last_us, 1), now)
        elif is_fresh:
            self._find(now)
            self._due.append((self._devices[name], series.last_us, self._is_sure))

    def _thinned_out(self, name: str, slot_us: int) -> Thinning | None:
        """Why a slot does not run although its device is not held back. It depends on the slot's
        number in its window, and therefore not on the start of the service."""
        thinning = self._thinned.get(name)
        if thinning is None:
            return None
        number = schedule.slot_number(self._schedules[name], to_datetime(slot_us), self._zone)
        return thinning if number % thinning.every else None

    def _plan(self, name: str, now: Stamp) -> None:
        """When to look at the device again."""
        latest = max(self._mark(name), now.utc_us)
        coming = schedule.next_slot(self._schedules[name], to_datetime(latest), self._zone)
        self._wakes[name] = to_microseconds(coming) if coming else latest + US_PER_DAY

    def _mark(self, name: str) -> int:
        """Up to where the device's slots are dealt with."""
        return max(self._accounted_us, self._floors.get(name, 0))

    def _skip(self, name: str, reason: str, series: Series, now: Stamp) -> None:
        if self._is_sure:
            self._find(now).changes.append(Skip(name, reason, series))

    def _find(self, now: Stamp) -> Tick:
        """The findings since the last call."""
        self._found = self._found or Tick(now)
        return self._found

    # The clock

    def _begin_account(self, now: Stamp) -> None:
        """From here on slots are reported: the clock is reliable until the end of this run."""
        self._is_sure = True
        ago_us = round((now.monotonic - self._first_monotonic) * 1e6)
        unslotted = self._unslotted + len(self._due)
        begin = Begin(now.utc_us - ago_us, now.utc_us, dict(self._definitions), unslotted)
        self._find(now).changes.append(begin)
        self._go_on_from(now)

    def _go_on_from(self, now: Stamp) -> None:
        self._accounted_us = now.utc_us
        self._floors.clear()
        self._wakes.clear()

    def _follow_clock(self, now: Stamp) -> bool:
        """Go on by the new time where the clock was set; whether it was set ahead."""
        before, self._last = self._last, now
        if before is None:
            self._accounted_us, self._first_monotonic = now.utc_us, now.monotonic
            return False
        seconds = (now.offset_us - before.offset_us) / 1e6
        if seconds > MOST_SECONDS_SKIPPED:
            self._pass_over(now, seconds)
        elif any(self._has_to_go_back(name, now) for name in self._schedules):
            self._go_back(now)
        return seconds >= JUMP_SECONDS

    def _pass_over(self, now: Stamp, seconds: float) -> None:
        if self._is_sure:
            why = f"the clock was set forward by {seconds:.0f} s"
            span = Unaccounted(self._accounted_us, now.utc_us, why)
            self._find(now).changes.append(span)
        for name, definition in self._definitions.items():
            self._turn(name, now.utc_us, definition, now)
        self._go_on_from(now)

    def _has_to_go_back(self, name: str, now: Stamp) -> bool:
        """Whether, by the new time, the device would wait longer than its interval."""
        return self._mark(name) - now.utc_us >= self._schedules[name].interval * 1e6

    def _go_back(self, now: Stamp) -> None:
        """Those with a long interval wait until the old time comes again; the others go on."""
        froms = {
            name: now.utc_us if self._has_to_go_back(name, now) else self._mark(name)
            for name in self._schedules
        }
        for name, from_us in froms.items():
            self._turn(name, from_us, self._definitions[name], now)
        self._go_on_from(now)
        self._floors.update(froms)

    def _turn(self, name: str, from_us: int, definition: str | None, now: Stamp) -> None:
        if self._is_sure:
            self._find(now).changes.append(Turn(name, self._mark(name), from_us, definition))


def _commands(due: Iterable[tuple[DeviceSettings, int, bool]]) -> Iterator[Due]:
    """The commands for slots that fall together; sensors with the same slot share one `read`."""
    sensors: dict[int | None, list[str]] = defaultdict(list)
    for device, moment_us, is_sure in due:
        slot_us = moment_us if is_sure else None
        if device.kind == "sensor":
            sensors[slot_us].append(device.name)
        elif device.schedule:
            yield Due(_recording(device.name, device.schedule), slot_us)
    for slot_us, names in sensors.items():
        yield Due(f"read {' '.join(names)}", slot_us)


def _recording(name: str, of: Schedule) -> str:
    length = "" if of.duration is None else f" {round(of.duration, 3):.7g}"
    return f"{schedule.slot_verb(name, of)} {name}{length}"
