"""The status of the devices and of the service: the content of each heartbeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import partial

from beemon.base import zone
from beemon.base.status import DeviceStatus, WeightStep
from beemon.base.values import value_class
from beemon.ledger.looks import Looks
from beemon.orchestrator.conditions import DiskSpace, LedgerExamination, LedgerWriting
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inspection import Inspection
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.power import Power
from beemon.orchestrator.timetable import Timetable
from beemon.orchestrator.workers import Workers
from beemon.protocol.reports import Heartbeat, Trouble
from beemon.scale.calibrations import Calibrations


@value_class
class Status:
    """Composes heartbeats from the state of the loop's parts.

    ``steps`` are the latest changes of weight, by scale; ``local`` is this computer's time zone.
    """

    in_force: InForce
    workers: Workers
    jobs: Jobs
    looks: Looks
    timetable: Timetable
    inspection: Inspection
    power: Power
    calibrations: Calibrations
    writing: LedgerWriting
    disk: DiskSpace
    examination: LedgerExamination
    local: zone.Local
    steps: Mapping[str, WeightStep] = field(default_factory=dict)

    def heartbeat(self, now: float) -> Heartbeat:
        """The state of everything at ``now``, in monotonic seconds."""
        at_work = self.workers.at_work
        entered = [job for job in self.jobs.jobs.values() if job.in_ledger]
        running = {job.in_ledger: job.text for job in entered if job.number in at_work}
        return Heartbeat(
            monotonic=now,
            devices={
                name: self._complete(name, status)
                for name, status in self.workers.statuses(now).items()
            },
            inspection=self.inspection.status(now),
            power=self.power.status(),
            running=running,
            waiting=len(entered) - len(running),
            troubles=tuple(self._troubles()),
        )

    def _complete(self, name: str, status: DeviceStatus) -> DeviceStatus:
        """The status of a device, completed with the knowledge of the other parts."""
        guard = self.looks.guard
        return replace(
            status,
            calibrated=guard("calibrations", partial(self.calibrations.last_made, name), None),
            step=self.steps.get(name),
            scheduled=self.timetable.is_on(name),
            held_back=self._held_back(name),
        )

    def _held_back(self, name: str) -> str | None:
        """Why the device does not record: without a schedule, only a full disk keeps it from it."""
        if self.timetable.has_schedule(name):
            return self.timetable.held_back(name)
        return "low-disk" if name in self.disk.room.paused else None

    def _troubles(self) -> Iterator[Trouble]:
        yield from self.writing.troubles
        yield from self.disk.troubles
        yield from self.examination.found.troubles
        if self.local.trouble:
            yield Trouble("zone", self.local.trouble, self.local.remedy)
        yield from self.power.troubles
        yield from self.looks.troubles
        devices, is_on = self.in_force.settings.devices, self.timetable.is_on
        if off := [n for n, device in devices.items() if device.schedule and not is_on(n)]:
            says = f"the scheduled work of {', '.join(off)} is paused"
            yield Trouble("stopped", says, "resume it: beemon start all")
