"""The timetable: which scheduled work is due now, for all devices of the config."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from beemon import schedule
from beemon.clock import JUMP_SECONDS, Moment
from beemon.config import DeviceSettings


class Timetable:
    """Types the commands of slots as they fall due. Single devices can be switched off."""

    def __init__(self, devices: Mapping[str, DeviceSettings]) -> None:
        self._devices = devices
        self._due: dict[str, datetime] = {}
        self._off: set[str] = set()
        self._offset = 0.0

    def change(self, devices: Mapping[str, DeviceSettings]) -> None:
        """Take over other devices; what was switched off stays so."""
        self._devices = devices
        self._due.clear()
        self._off &= set(devices)

    def switch(self, devices: Collection[str], *, on: bool) -> None:
        """Switch the scheduled work of these devices on or off."""
        self._off = self._off - set(devices) if on else self._off | set(devices)

    def is_on(self, name: str) -> bool:
        """Whether the device has a schedule, and that is not switched off."""
        device = self._devices.get(name)
        return bool(device and device.schedule) and name not in self._off

    def is_open(self, name: str, now: Moment) -> bool:
        """Whether the device's window is open, so that it is worth keeping it ready."""
        device = self._devices.get(name)
        if device is None or device.schedule is None or name in self._off:
            return False
        return schedule.in_window(device.schedule, _aware(now))

    def due(self, now: Moment) -> list[str]:
        """The commands that fell due since the last call."""
        self._notice_jump(now)
        at = _aware(now)
        due = [device for device in self._devices.values() if self._falls_due(device, at)]
        return _commands([device for device in due if device.name not in self._off])

    def seconds_to_next(self, now: Moment) -> float | None:
        """Seconds to the next slot of any device, at least 0; None where nothing is scheduled."""
        at = _aware(now)
        waits = [(slot - at).total_seconds() for slot in self._due.values()]
        return max(0.0, min(waits)) if waits else None

    def _falls_due(self, device: DeviceSettings, at: datetime) -> bool:
        if device.schedule is None:
            return False
        slot = self._due.get(device.name)
        if slot is None or slot <= at:
            coming = schedule.next_slot(device.schedule, at)
            self._due[device.name] = coming or at + timedelta(days=1)
        return slot is not None and slot <= at

    def _notice_jump(self, now: Moment) -> None:
        offset = now.utc_us / 1e6 - now.monotonic
        if abs(offset - self._offset) > JUMP_SECONDS:
            self._due.clear()
        self._offset = offset


def _aware(moment: Moment) -> datetime:
    return datetime.fromtimestamp(moment.utc_us / 1e6, UTC)


def _commands(due: list[DeviceSettings]) -> list[str]:
    """The commands for slots that fall together; sensors share one `read`."""
    texts = []
    sensors = [device.name for device in due if device.kind == "sensor"]
    for device in due:
        if device.schedule and device.kind != "sensor":
            verb = schedule.slot_verb(device.name, device.schedule)
            seconds = device.schedule.duration
            length = "" if seconds is None else f" {round(seconds, 3):.7g}"
            texts.append(f"{verb} {device.name}{length}")
    return texts + ([f"read {' '.join(sensors)}"] if sensors else [])
