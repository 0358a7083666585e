"""Jobs: the open jobs, and how each gets its one outcome.

Invariant: an outcome is written to the ledger first, in one transaction with all that belongs to
it. It is reported when that is durable, and not before.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from beemon.base import outcomes
from beemon.base.clock import MACHINE, Clock
from beemon.base.facts import to_json
from beemon.base.outcomes import Ending
from beemon.base.quoting import shown
from beemon.base.readings import UNKNOWN_QUANTITY, Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import calibrations, recovery
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import Ledger, ended_facts
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.inspection import Inspection, marked
from beemon.orchestrator.job import Job, QueuedCommand, said
from beemon.orchestrator.live import ending_of, remove_picture
from beemon.orchestrator.power import Power
from beemon.orchestrator.task import Task
from beemon.orchestrator.unentered import Unentered
from beemon.protocol.replies import JobFacts
from beemon.scale.calibrations import Calibrations, Step, Told, UncalibratedError
from beemon.scale.compensation import Compensation
from beemon.storage.files import Place
from beemon.system.service import fields
from beemon.worker.messages import Answer, Done, Failed
from beemon.worker.worker import LIVE

if TYPE_CHECKING:
    from beemon.orchestrator.tilts import Tilts

log = logging.getLogger(__name__)

DEFECT = outcomes.failed("defect", "beemon has a defect; see it with `beemon events 7d defect`")
"""The end of a job that a look was asked for and that has none of its own, as it is off."""


class Jobs:
    """Jobs by their numbers. ``ended`` gets each outcome when it is durable.

    ``write`` has something written to the ledger of ``archive``.
    """

    def __init__(
        self,
        archive: Path,
        write: Callable[[Write, Written], None],
        inspection: Inspection,
        power: Power,
        calibrations: Calibrations,
        compensation: Compensation,
        looks: Looks,
        ended: Callable[[JobFacts], None],
        unentered: Unentered,
        tilts: Callable[[], Tilts],
        clock: Clock = MACHINE,
    ) -> None:
        self.jobs: dict[int, Job] = {}
        self._unentered = unentered
        self._archive = archive
        self._write, self._ended = write, ended
        self._inspection, self._power = inspection, power
        self._calibrations, self._compensation = calibrations, compensation
        self._looks, self._tilts, self._clock = looks, tilts, clock
        self._quantities: dict[str, dict[str, str]] = defaultdict(dict)

    def open(self, command: QueuedCommand, number: int, verb: str) -> Job:
        """A job for a command that is carried out."""
        job = self._job(command, number, verb)
        job.inspected = self._inspection.is_on
        self.jobs[number] = job
        return job

    def _job(self, command: QueuedCommand, number: int, verb: str) -> Job:
        entry = self._unentered.entry(number)
        return Job(
            number, str(command), command.origin, verb, settings=command.settings, entry=entry
        )

    def find(self, number: int) -> Job | None:
        """The open job with this number in the ledger."""
        return next((job for job in self.jobs.values() if job.in_ledger == number), None)

    def take(self, task: Task, answer: Answer) -> None:
        """Take a task's answer: with the last one the job is at its end."""
        job = self.jobs.get(task.job)
        if job is None:
            return
        job.pending.discard(task.device)
        if task.verb == "read":
            self._take_readings(job, task, answer)
        elif task.verb == "calibrate" and isinstance(answer, Done):
            self._take_calibration(job, answer)
        elif task.verb == LIVE:
            self._end_live(job, task, answer)
        elif isinstance(answer, Failed):
            self.end(job, job.failed_ending(answer, task.cut), leftover=task.place)
        elif answer.path is None or answer.recording is None:
            self.end(job, outcomes.done(**answer.facts))
        else:
            self._end_recording(job, task, answer, answer.path, answer.recording)

    def end_unbegun(self, number: int, command: QueuedCommand, ending: Ending) -> None:
        """Give an outcome to a command that never became work."""
        verb = next(iter(command.split()), "")
        self.end(self._job(command, number, verb), ending)

    def end(
        self,
        job: Job,
        ending: Ending,
        *,
        readings: Iterable[Reading] = (),
        keep: Write | None = None,
        leftover: Place | None = None,
    ) -> None:
        """Give the job its outcome; ``keep`` writes what else belongs to it."""

        def decide(ledger: Ledger) -> Ending:
            final = ending
            if leftover and job.device:
                message, facts = recovery.keep_rest(ledger, leftover)
                final = ending.but(message, facts) if facts else ending
            if keep:
                keep(ledger)
            series.keep(ledger, job.in_ledger, readings)
            return final

        self.end_by(job, decide)

    def end_by(self, job: Job, decide: Callable[[Ledger], Ending]) -> None:
        """End the job with the outcome and the entries that ``decide`` returns."""
        self.jobs.pop(job.number, None)

        def write(ledger: Ledger) -> Ending:
            ending = decide(ledger)
            ledger.end(job.number, ending)
            return ending

        self._write(
            self._unentered.end(job.number, decide) if job.entry else write,
            partial(self._tell, job),
        )

    def _tell(self, job: Job, ending: Ending) -> None:
        """Called by the writer when the outcome is durable."""
        self._unentered.is_durable(job.number)
        number = job.in_ledger
        log.log(
            job.log_level(ending), "job %d %s: %s%s", number, ending.outcome.value,
            shown(job.text, 80), said(ending),
            extra=fields(job=number, device=job.device, outcome=ending.outcome.value),
        )
        self._ended(ended_facts(number, job.text, ending))

    def _end_live(self, job: Job, task: Task, answer: Answer) -> None:
        """The file goes with the last view of its camera, before the outcome can be read."""
        others = [
            other for other in self.jobs.values()
            if other.verb == LIVE and task.device in other.pending
        ]
        place = None if others else task.place

        def keep(_: Ledger) -> None:
            if place is not None:
                remove_picture(place)

        self.end(job, ending_of(job, answer, task.cut), keep=keep)

    def _take_calibration(self, job: Job, answer: Done) -> None:
        if job.step is None:
            raise TypeError(f"job {job.number} calibrates nothing")
        step = job.step
        taken = self._looks.guard(
            "calibrations", lambda: self._measured(job.number, step, answer), DEFECT
        )
        if isinstance(taken, Ending):
            self.end(job, taken)
            return
        made, told = taken

        def keep(ledger: Ledger) -> None:
            calibrations.enter(ledger, made)

        self.end(job, outcomes.done(**to_json(told)), keep=keep)

    def _measured(
        self, job: int, step: Step, answer: Done
    ) -> tuple[Made, Told] | Ending:
        try:
            return self._calibrations.take_step(job, step, answer.sampled)
        except UncalibratedError as error:
            return outcomes.failed(error.reason, str(error))

    def _take_readings(self, job: Job, task: Task, answer: Answer) -> None:
        if isinstance(answer, Done):
            readings = self._inspection.marked(answer.readings)
            job.take_readings(task.device, answer, readings)
            self._power.take(readings)
            self._tilts().take(readings)
            self._quantities[task.device] |= {r.quantity: r.unit for r in answer.readings}
        else:
            readings = self._refusals(task.device, answer.reason)
            job.take_failure(task.device, answer, readings)
        job.readings += self._looks.guard(
            "compensation", lambda: self._compensation.compensate(readings), ()
        )
        if not job.pending:
            self.end(job, job.read_ending(), readings=job.readings)

    def _refusals(self, sensor: str, reason: str) -> list[Reading]:
        """For each quantity that the sensor is known to have, why it has no value."""
        at = self._clock.stamp()
        known = self._quantities.get(sensor) or {UNKNOWN_QUANTITY: ""}
        return [Reading(sensor, name, unit, None, reason, at) for name, unit in known.items()]

    def _end_recording(
        self, job: Job, task: Task, answer: Done, path: Path, made: RecordingFacts
    ) -> None:
        for look, details in answer.defects.items():
            self._looks.switch_off(look, details)
        relative = str(path.relative_to(self._archive))
        made = replace(made, inspection=True) if job.inspected else made
        ending = job.recording_ending(replace(answer, recording=made), relative, task.cut)

        def keep(ledger: Ledger) -> None:
            catalog.enter(ledger, job.number, task.device, path, made)

        readings = answer.readings if self._looks.is_on("features") else []
        readings = marked(readings) if job.inspected else readings
        self.end(job, ending, keep=keep, readings=readings)
