"""Lanes: the work that waits for other work, and the time that each may take."""

from __future__ import annotations

from beemon.devices.ask import ResolvedDevice
from beemon.worker.sampling import CALIBRATION_SAMPLES
from beemon.worker.worker import CALIBRATE


def lane_of(device: ResolvedDevice, verb: str, origin: str) -> str:
    """Work in different lanes may be done at the same time."""
    if verb in ("read", CALIBRATE):
        return device.group
    if verb == "record" and device.overlaps:
        return f"{verb} {device.name} {origin}"
    return f"{verb} {device.name}"


def calibration_timeout_of(device: ResolvedDevice) -> float:
    """The time limit, in seconds, for the samples of one calibration point.

    It is the larger of the device's limit for a reading, and its ``timeout`` plus one second per
    sample. A converter makes ten samples per second. Other work waits meanwhile.
    """
    return max(device.timeout, float(device.settings.timeout) + CALIBRATION_SAMPLES)
