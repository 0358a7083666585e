"""Planning: how many bytes a day the config asks for, by what each driver says of its media."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from beemon import devices
from beemon.base import zone
from beemon.config.settings import DeviceSettings
from beemon.devices._base import CommonSettings
from beemon.retention.budget import LEDGER
from beemon.timing import schedule

RECORDING_BYTES = 1500
"""What a recording takes in the ledger: its job, its row, its features (measured)."""
READ_BYTES = 500
"""What the reading of a sensor takes there, with three quantities (measured: 200 and 90 each)."""


def bytes_a_day(settings: Mapping[str, DeviceSettings], at: datetime) -> dict[str, float]:
    """What the schedules make of the 24 hours after ``at``; commands come on top.

    Of each recorder that has a schedule, and of the ledger.
    """
    found: dict[str, float] = {}
    ledger = 0.0
    for device in settings.values():
        if device.schedule is None:
            continue
        slots = schedule.count_slots(device.schedule, at, at + timedelta(days=1), zone.local())
        if device.kind == "sensor":
            ledger += slots * READ_BYTES
            continue
        ledger += slots * RECORDING_BYTES
        found[device.name] = slots * _bytes_a_slot(device)
    return {**found, LEDGER: ledger} if ledger else found


def _bytes_a_slot(device: DeviceSettings) -> float:
    own, _ = devices.settings_for(device.kind, device.name, device.table, device.where)
    if not isinstance(own, CommonSettings):
        return 0.0  # the driver refuses its options, which is told elsewhere
    duration = device.schedule.duration if device.schedule else None
    return own.bytes_a_picture if duration is None else duration * own.bytes_a_second
