"""A job: a command that is being carried out, and what becomes of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beemon.base import outcomes
from beemon.base.facts import JsonObject, to_json
from beemon.base.outcomes import Ending, Outcome
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.config.settings import Settings
from beemon.scale.calibrations import Step
from beemon.worker.messages import Done, Failed

if TYPE_CHECKING:
    from beemon.orchestrator.unentered import Entry  # the Server has jobs of its own, and no ledger


class QueuedCommand(str):
    """A command on the queue: equal to the client's words, and carrying its job number.

    ``settings`` are what a ``reload`` hands over.
    """

    job: int | None
    origin: str
    settings: Settings | None

    def __new__(
        cls,
        text: str,
        job: int | None = None,
        origin: str = "queue",
        settings: Settings | None = None,
    ) -> QueuedCommand:
        command = super().__new__(cls, text)
        command.job, command.origin, command.settings = job, origin, settings
        return command

    def __reduce__(self) -> tuple[object, ...]:
        return QueuedCommand, (str(self), self.job, self.origin, self.settings)


@dataclass
class Job:
    """A command that is being carried out.

    ``pending`` are the devices whose answer is missing; ``failures`` say of each device or
    quantity without a value why, and ``lacking`` of each sensor that lacks one, in a word;
    ``cut`` is the reason for which the job was ended early; ``inspected`` says whether the
    beekeeper was at the hive meanwhile; ``step`` is what a ``calibrate`` is to do, and
    ``settings`` what a ``reload`` is to put in force; ``entry`` is set if the job began before it
    was entered.
    """

    number: int
    text: str
    origin: str
    verb: str
    device: str | None = None
    pending: set[str] = field(default_factory=set)
    readings: list[Reading] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    cut: str | None = None
    inspected: bool = False
    step: Step | None = None
    settings: Settings | None = None
    entry: Entry | None = None

    @property
    def in_ledger(self) -> int:
        """Its number in the ledger; 0 if it is not entered yet."""
        return self.entry.job if self.entry else self.number

    @property
    def is_scheduled(self) -> bool:
        """Whether the schedule asked for it, and no client."""
        return self.origin == "schedule"

    def take_readings(self, sensor: str, done: Done, readings: list[Reading]) -> None:
        """Keep what a sensor said."""
        self.readings += readings
        self.failures |= {f"{sensor} {q}": why for q, why in done.refused.items()}
        reasons = [reading.reason for reading in readings if reading.reason]
        if reasons:
            self.lacking[sensor] = reasons[0] if len(reasons) == len(readings) else "partly"

    def take_failure(self, sensor: str, failed: Failed, readings: list[Reading]) -> None:
        """Keep that a sensor said nothing, and why."""
        self.failures[sensor] = f"{failed.reason}: {failed.message}"
        self.readings += readings
        self.lacking[sensor] = failed.reason

    def read_ending(self) -> Ending:
        """The outcome of a `read`: done only where every quantity has a value."""
        facts: JsonObject = {"lacking": self.lacking} if self.lacking else {}
        values = {f"{r.sensor} {r.quantity}": r.value for r in self.readings if r.value is not None}
        if not self.failures:
            return outcomes.done(readings=values)
        said = "; ".join(f"{what}: {why}" for what, why in sorted(self.failures.items()))
        if self.cut:
            return outcomes.interrupted(self.cut, said, readings=values, **facts)
        if all(reading.reason == "busy" for reading in self.readings):
            return outcomes.skipped("busy", said, **facts)
        first = next(reading.reason for reading in self.readings if reading.reason)
        return outcomes.failed("partly" if values else first, said, readings=values, **facts)

    def recording_ending(self, done: Done, path: str, cut: str | None) -> Ending:
        """The outcome of a recording that is kept under ``path``, if only as evidence."""
        facts = {"recording": path, **to_json(done.recording or RecordingFacts())}
        reason = cut or self.cut
        if done.cut and reason:
            return Ending(Outcome.INTERRUPTED, reason, done.failure, facts)
        if done.failure:
            return Ending(Outcome.FAILED, "check-failed", done.failure, facts)
        return Ending(Outcome.DONE, facts=facts)

    def failed_ending(self, failed: Failed, cut: str | None) -> Ending:
        """The outcome if nothing is kept: ``interrupted`` if the job was cut short before, else
        ``failed``."""
        reason = cut or self.cut
        if reason:
            return outcomes.interrupted(reason, failed.message)
        if failed.reason == "busy":
            return outcomes.skipped("busy", failed.message)
        return outcomes.failed(failed.reason, failed.message)

    def log_level(self, ending: Ending) -> int:
        """The log level of the outcome: low for readings and for a schedule's repeated failures.

        The problem of a device is logged separately, once.
        """
        told_apart = self.is_scheduled and ending.outcome in (
            Outcome.FAILED, Outcome.SKIPPED,
        )
        if self.verb == "read" or told_apart:
            return logging.DEBUG
        return logging.INFO if ending.outcome is Outcome.DONE else logging.WARNING


def said(ending: Ending) -> str:
    """The details of an outcome for a log line: the reason, the message, the recording."""
    words = [ending.reason, ending.message]
    if "recording" in ending.facts:
        seconds = ending.facts.get("seconds")
        length = f" ({seconds:.1f} s)" if seconds and isinstance(seconds, int | float) else ""
        words.append(f"{ending.facts['recording']}{length}")
    told = "; ".join(word for word in words if word)
    return f": {told}" if told else ""
