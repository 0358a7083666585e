"""How a job ends: exactly one outcome, and the reason where it is not ``done``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The four ways in which a job can end."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


REASONS = {
    "timeout": "the device did not answer before its deadline; its worker was killed",
    "worker-died": "the device's worker process ended by itself, or with another device's request",
    "back-off": "the device failed a moment ago and is left alone for a while",
    "fatal": "the device failed too often; it is tried again every ten minutes",
    "missing-device": "there is no such device on this machine, or it has gone",
    "missing-library": "a package that the driver needs is not installed",
    "device-error": "the device, or the kernel on its behalf, reported an error",
    "io-error": "the sensor is there, and the kernel could not get an answer out of it",
    "stalled": "the device gave nothing any more; its worker was started anew",
    "no-memory": "the camera found no contiguous memory left; its worker was started anew",
    "driver-error": "the driver has a defect; the journal holds its traceback",
    "power-on-value": "the sensor said what it says after power-on, before it measured",
    "all-ones": "the converter said nothing but ones, as one without power or wire does",
    "stuck": "the sensor has said exactly the same for longer than a live one would",
    "crc": "the sensor's answer did not match its checksum",
    "out-of-range": "the sensor said what cannot be true",
    "not-a-number": "the sensor said what is not a number",
    "pulse-too-long": "a clock pulse was so long that the converter may have switched itself off",
    "blocked": "a beam has been broken, or a gauge's contact closed, for so long that it is dirt",
    "check-failed": "the recording did not pass its content check; its file is kept as evidence",
    "disk-full": "there was no space, or no inode, left for the file",
    "low-disk": "too little space was free, so that the device paused; it goes on by itself",
    "archive-error": "the archive's disk reported an error",
    "partly": "some of the sensors gave no value; each reading says why",
    "busy": "an earlier scheduled command still waited for the device",
    "down": "the service was not running when the slot came",
    "paused": "the device's scheduled work was switched off with `stop`",
    "inspection": "the beekeeper was at the hive, so nothing was recorded",
    "clock": "the clock was set ahead, over the slot's moment",
    "late": "the slot's moment had long passed when its command could be entered",
    "cancelled": "a client cancelled the job",
    "stopping": "the service was stopped",
    "reloaded": "the device's config changed while it worked",
    "crash": "the service ended before the job did (a kill, a crash, a power cut)",
    "not-queued": "the command could not be handed to the Orchestrator",
    "no-such-job": "the job to be cancelled was not open",
    "unsteady": "the scale moved by itself, so that nothing could be calibrated by it",
    "not-moved": "the known weight did not move the scale enough to calibrate it",
    "no-zero": "a step of a calibration came before the one that it needs",
    "not-a-scale": "the sensor has no converter, or several, so that none could be calibrated",
    "no-fit": "the nights do not tell how the weight follows the temperature",
    "no-temperature": "there is no temperature to compensate the weight by",
    "config-calibrates": "the config gives the calibration itself, and has the last word",
    "bad-config": "a driver refused the new config; everything goes on with the old one",
    "refused": "the command did not fit the config, or the clock, when its turn came",
}
"""Every reason that an outcome or a reading can have, and what it means."""


@dataclass(frozen=True)
class Ending:
    """A job's outcome with its reason, and what there is to say of it."""

    outcome: Outcome
    reason: str | None = None
    message: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def but(self, message: str, facts: dict[str, Any]) -> Ending:
        """The same ending with more to say of it."""
        said = f"{self.message}; {message}" if self.message else message
        return Ending(self.outcome, self.reason, said, {**self.facts, **facts})


def done(**facts: Any) -> Ending:
    """The work was done."""
    return Ending(Outcome.DONE, facts=facts)


def failed(reason: str, message: str | None = None, **facts: Any) -> Ending:
    """The work was tried, and did not succeed."""
    return Ending(Outcome.FAILED, reason, message, facts)


def interrupted(reason: str, message: str | None = None, **facts: Any) -> Ending:
    """The work was cut short; a recording keeps what it has."""
    return Ending(Outcome.INTERRUPTED, reason, message, facts)


def skipped(reason: str, message: str | None = None, **facts: Any) -> Ending:
    """The work was not tried."""
    return Ending(Outcome.SKIPPED, reason, message, facts)
