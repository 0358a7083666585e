"""Outcomes: a job ends in exactly one, with a reason unless it is ``done``."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from beemon.base.explanation import Explanation
from beemon.base.facts import Json, JsonObject
from beemon.base.values import value_class


class Outcome(StrEnum):
    """The four ways in which a job can end."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


REASONS = {
    "timeout": Explanation(
        "the device did not answer before its deadline; its worker was killed",
        "Check its cable and power. If it is only slow, give it a longer `timeout` in the "
        "config.",
    ),
    "worker-died": Explanation(
        "the device's worker process ended by itself, or with another device's request",
        "Try it again. If it happens often, look for the cause: `journalctl -u beemon`.",
    ),
    "back-off": Explanation(
        "the device failed a moment ago and is left alone for a while",
        "Wait a minute, or see what is wrong with it: `beemon status`.",
    ),
    "fatal": Explanation(
        "the device failed too often; it is tried again every ten minutes",
        "Read its problem with `beemon status` and fix it, then restart: `sudo systemctl "
        "restart beemon`.",
    ),
    "missing-device": Explanation(
        "there is no such device on this machine, or it was unplugged",
        "Check that it is plugged in and has power, and that the config names it as the system "
        "does.",
    ),
    "missing-library": Explanation(
        "the driver, or a package that it needs, is not installed or cannot be loaded",
        "Install the package that the message names, with `sudo apt install`.",
    ),
    "device-error": Explanation(
        "the device, or the kernel on its behalf, reported an error",
        "Read the kernel's messages: `sudo dmesg | tail`. Then unplug the device and plug it in "
        "again.",
    ),
    "io-error": Explanation(
        "the kernel found the sensor but could not read it",
        "Check the wires, the pull-up resistor and the length of the cable.",
    ),
    "stalled": Explanation(
        "the device stopped sending data; its worker was restarted",
        "Check its cable and power supply. If it happens often, use a powered USB hub.",
    ),
    "overrun": Explanation(
        "samples were lost, because the computer did not read them in time",
        "Lower the `rate` of the sensor, or reduce the computer's load.",
    ),
    "no-memory": Explanation(
        "the camera found no contiguous memory left; its worker was restarted",
        "Restart the computer, or give the camera more: `cma=256M` in "
        "/boot/firmware/cmdline.txt.",
    ),
    "defect": Explanation(
        "a part of beemon that analyses the data failed and is switched off",
        "Read the cause and report it: `beemon events 7d defect`. Then try again: `sudo systemctl "
        "reload beemon`.",
    ),
    "driver-error": Explanation(
        "the driver has a defect; the journal holds its traceback",
        "Report the traceback to beemon's developers: `journalctl -u beemon`.",
    ),
    "power-on-value": Explanation(
        "the sensor returned its power-on value instead of a measurement",
        "Check its power supply and its ground wire.",
    ),
    "all-ones": Explanation(
        "the converter returned only ones, as if it had no power or a loose wire",
        "Check the converter's power and its data and clock wires.",
    ),
    "stuck": Explanation(
        "the sensor has returned exactly the same value for longer than a working one would",
        "Unplug the sensor and plug it in again. If the value can really be constant, set "
        "`stuck_after`.",
    ),
    "stale": Explanation(
        "the sensor repeats an old measurement",
        "Check its battery, and the interval of its measurements in the config.",
    ),
    "unheard": Explanation(
        "the wireless sensor was not heard",
        "Check its battery and its distance: `bluetoothctl scan le` lists what is heard.",
    ),
    "no-answer": Explanation(
        "the source of the weather did not answer, or refused the request",
        "Try its address from another machine in the network. The service may need leave to use "
        "the Internet: see the driver `weather` in beemon.toml(5).",
    ),
    "crc": Explanation(
        "the sensor's answer did not match its checksum",
        "Shorten the cable, or use a shielded one, and check the pull-up resistor.",
    ),
    "out-of-range": Explanation(
        "the sensor returned an impossible value",
        "Check its wires and its power. If that does not help, replace the sensor.",
    ),
    "not-a-number": Explanation(
        "the sensor returned something that is not a number",
        "Check its wires. If its own driver made the value, read the journal: `journalctl -u "
        "beemon`.",
    ),
    "pulse-too-long": Explanation(
        "a clock pulse was so long that the converter may have switched itself off",
        "Read it again. If it happens often, reduce the computer's load: `beemon budget` shows "
        "its "
        "work.",
    ),
    "not-counted": Explanation(
        "the bees in the video were not counted: it is unsuitable, or there was no time for it",
        "Shorten videos to two minutes, or record fewer: a day has an hour of CPU time for them.",
    ),
    "blocked": Explanation(
        "a beam was broken, or a contact closed, for so long that dirt is the likely cause",
        "Clean the beam or the gauge.",
    ),
    "check-failed": Explanation(
        "the recording did not pass its content check; its file is kept as evidence",
        "Look up each finding of the recording with `beemon help`, for example `beemon help "
        "silent`.",
    ),
    "disk-full": Explanation(
        "there was no space, or no inode, left for the file",
        "Delete files that are not beemon's, or use a larger disk: `beemon budget` shows what "
        "it takes.",
    ),
    "low-disk": Explanation(
        "too little space was free, so the device paused; it resumes by itself",
        "Free some space, or lower `min_free` in the config: `beemon budget` shows what is kept "
        "free.",
    ),
    "archive-error": Explanation(
        "the archive's disk reported an error",
        "Read the kernel's messages, `sudo dmesg | tail`, and replace the disk if it names it.",
    ),
    "partly": Explanation(
        "some of the sensors gave no value; each reading says why",
        "See which ones: `beemon readings`.",
    ),
    "busy": Explanation(
        "an earlier scheduled command was still waiting for the device",
        "Set a longer `interval` or a shorter `duration` in the device's schedule.",
    ),
    "down": Explanation(
        "the service was not running at the scheduled time, or ended without a stop seconds after "
        "it",
        "Find out why: `beemon events`.",
    ),
    "paused": Explanation(
        "the device's scheduled work was switched off with `stop`",
        "Resume it: `beemon start DEVICE`.",
    ),
    "inspection": Explanation(
        "the hive was open for an inspection, so nothing was recorded",
        "Close the inspection when you have finished: `beemon inspection end`.",
    ),
    "power": Explanation(
        "the battery was low, or it was too hot: the work was left out, or the machine was off",
        "See the stage and the value: `beemon status`. The stages are under `[power]` in the "
        "config.",
    ),
    "clock": Explanation(
        "the clock was set forward past the scheduled time",
        "Do nothing if it happens once. If it happens often, add a battery-backed clock.",
    ),
    "late": Explanation(
        "the command could only be recorded more than 10 s after the scheduled time",
        "Reduce the load of the computer or its disk, if it happens often: `beemon completeness` "
        "counts "
        "it.",
    ),
    "cancelled": Explanation(
        "a client cancelled the job",
        "Send the command again if it is still wanted.",
    ),
    "stopping": Explanation(
        "the service was stopped",
        "Start the service: `sudo systemctl start beemon`.",
    ),
    "reloaded": Explanation(
        "the device's config changed while it worked",
        "Send the command again if it is still wanted.",
    ),
    "crash": Explanation(
        "the service ended before the job did (a kill, a crash, a power cut)",
        "Send the command again. Find out why the service ended: `beemon events`.",
    ),
    "not-queued": Explanation(
        "the command could not be passed to the Orchestrator, the process that runs it",
        "Send the command again. If it fails again, restart: `sudo systemctl restart beemon`.",
    ),
    "no-such-job": Explanation(
        "the job to cancel was not open",
        "List the jobs: `beemon jobs`.",
    ),
    "no-such-recording": Explanation(
        "the database has no recording of this number or path",
        "Look up the path in the job that made the recording: `beemon job JOB`.",
    ),
    "no-such-finding": Explanation(
        "the number is not that of a finding about a swarm",
        "List the findings with their numbers: `beemon findings 30d`.",
    ),
    "wrong-hash": Explanation(
        "the uploaded file is not the recording: the database has another hash for it",
        "Send the file to the remote storage again. If the hash is still wrong, check the "
        "archive: `beemon archive check`.",
    ),
    "unsteady": Explanation(
        "the scale was moving, so it could not be calibrated",
        "Wait for calm weather, stand back from the hive, and repeat the step.",
    ),
    "not-moved": Explanation(
        "the known weight did not move the scale enough to calibrate it",
        "Use a heavier weight, check that it stands on the scale, and repeat the step.",
    ),
    "no-zero": Explanation(
        "this step of a calibration needs an earlier one that is missing",
        "Measure the empty scale first: `beemon calibrate SCALE zero`.",
    ),
    "not-a-scale": Explanation(
        "the sensor has no converter, or more than one, so it cannot be calibrated",
        "Name the sensor that is the scale: `beemon devices` lists them.",
    ),
    "no-fit": Explanation(
        "the nights do not show how the weight follows the temperature",
        "Wait for more nights without rain or visits, and try it again: `beemon calibrate SCALE "
        "temperature`.",
    ),
    "no-temperature": Explanation(
        "there is no temperature sensor to compensate the weight with",
        "Name a sensor as `temperature` under the scale's `[….weighing]` in the config.",
    ),
    "config-calibrates": Explanation(
        "the config file gives the calibration itself, and takes precedence",
        "Remove the calibration from the config file, reload, and repeat the step.",
    ),
    "bad-config": Explanation(
        "a driver rejected the new config; beemon continues with the old one",
        "Find the mistake: `beemon config check`.",
    ),
    "refused": Explanation(
        "the config had changed, or the clock was not set, when the command's turn came",
        "Read the job's message, then send the command again: `beemon jobs` lists the latest.",
    ),
}
"""Every reason that an outcome or a reading can have."""


@value_class
class Ending:
    """A job's outcome with its reason, and what there is to say of it."""

    outcome: Outcome
    reason: str | None = None
    message: str | None = None
    facts: JsonObject = field(default_factory=dict)

    def but(self, message: str, facts: JsonObject) -> Ending:
        """The same ending with more to say of it."""
        said = f"{self.message}; {message}" if self.message else message
        return Ending(self.outcome, self.reason, said, {**self.facts, **facts})


def done(**facts: Json) -> Ending:
    """The work was done."""
    return Ending(Outcome.DONE, facts=facts)


def failed(reason: str, message: str | None = None, **facts: Json) -> Ending:
    """The work was tried, and did not succeed."""
    return Ending(Outcome.FAILED, reason, message, facts)


def interrupted(reason: str, message: str | None = None, **facts: Json) -> Ending:
    """The work was cut short; a recording keeps what it has."""
    return Ending(Outcome.INTERRUPTED, reason, message, facts)


def skipped(reason: str, message: str | None = None, **facts: Json) -> Ending:
    """The work was not tried."""
    return Ending(Outcome.SKIPPED, reason, message, facts)
