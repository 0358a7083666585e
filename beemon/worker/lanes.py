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
    """How long the samples of one point of a calibration may take, in seconds: as a reading, or a
    second each, of which a converter makes ten; others wait meanwhile."""
    return max(device.timeout, float(device.settings.timeout) + CALIBRATION_SAMPLES)
