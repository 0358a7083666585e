"""Estimate: the bytes a day that the config needs, from each driver's estimate of its media."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from beemon.base import schedule, zone
from beemon.devices.ask import ResolvedDevice
from beemon.retention.budget import LEDGER

RECORDING_BYTES = 1500
"""Bytes of a recording in the ledger: its job, its row, its features (measured)."""
READ_BYTES = 500
"""Bytes of a sensor's reading in the ledger, with three quantities (measured: 200 and 90 each)."""


def bytes_a_day(devices: Mapping[str, ResolvedDevice], at: datetime) -> dict[str, float]:
    """Bytes that the schedules will write in the 24 hours after ``at``, without commands.

    The result has each recorder with a schedule, and the ledger.
    """
    found: dict[str, float] = {}
    ledger = 0.0
    for device in devices.values():
        planned = device.config.schedule
        if planned is None:
            continue
        slots = schedule.count_slots(planned, at, at + timedelta(days=1), zone.local())
        if device.kind == "sensor":
            ledger += slots * READ_BYTES
            continue
        ledger += slots * RECORDING_BYTES
        found[device.name] = slots * device.bytes_a_slot
    return {**found, LEDGER: ledger} if ledger else found
