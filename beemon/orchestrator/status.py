"""The status of the devices and of the service: the content of each heartbeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from beemon.base import zone
from beemon.base.facts import to_json
from beemon.base.reports import Heartbeat, Trouble
from beemon.base.status import WeightStep
from beemon.ledger.looks import Looks
from beemon.orchestrator.conditions import DiskSpace, LedgerExamination, LedgerWriting
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inspection import Inspection
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.timetable import Timetable
from beemon.orchestrator.workers import Workers
from beemon.scale.calibrations import Calibrations

NOTHING: dict[str, Any] = {}
"""What a part that is off says of a device."""


@dataclass(frozen=True)
class DeviceStatus:
    """One device as `status` shows it. A value of None is left out, except the age."""

    state: str
    last_good_age_seconds: float | None
    trouble: str | None = None
    note: str | None = None
    retry_in_seconds: int | None = None
    recovery: dict[str, int] | None = None
    rebind_trouble: str | None = None
    output: str | None = None
    returns_in_seconds: int | None = None
    calibrated: str | None = None
    step: dict[str, Any] | None = None
    scheduled: bool | None = None
    held_back: str | None = None
    paused: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Its fields by their names, in their order."""
        return {
            name: value for name, value in vars(self).items()
            if value is not None or name == "last_good_age_seconds"
        }


@dataclass(frozen=True)
class Status:
    """Composes heartbeats of what the parts of the loop know.

    ``steps`` are the latest changes of weight, by scale; ``local`` is this machine's zone.
    """

    in_force: InForce
    workers: Workers
    jobs: Jobs
    looks: Looks
    timetable: Timetable
    inspection: Inspection
    calibrations: Calibrations
    writing: LedgerWriting
    disk: DiskSpace
    examination: LedgerExamination
    local: zone.Local
    steps: Mapping[str, WeightStep] = field(default_factory=dict)

    def heartbeat(self, now: float) -> Heartbeat:
        """How everything stands at ``now``, in monotonic seconds."""
        at_work, jobs = self.workers.at_work, self.jobs.jobs
        running = {number: job.text for number, job in jobs.items() if number in at_work}
        return Heartbeat(
            monotonic=now,
            devices={
                name: self._device(name, described).to_json()
                for name, described in self.workers.describe(now).items()
            },
            inspection=self.inspection.describe(now),
            running=running,
            waiting=len(jobs) - len(running),
            troubles=tuple(self._troubles()),
        )

    def _device(self, name: str, described: Mapping[str, Any]) -> DeviceStatus:
        guard, step = self.looks.guard, self.steps.get(name)
        return DeviceStatus(
            **described,
            **guard("calibrations", partial(self.calibrations.describe, name), NOTHING),
            **guard("description", partial(self.timetable.describe, name), NOTHING),
            step=to_json(step) if step else None,
            paused="low-disk" if name in self.disk.room.paused else None,
        )

    def _troubles(self) -> Iterator[Trouble]:
        yield from self.writing.troubles
        yield from self.disk.troubles
        yield from self.examination.found.troubles
        if self.local.trouble:
            yield Trouble("zone", self.local.trouble, self.local.remedy)
        yield from self.looks.troubles
        devices, is_on = self.in_force.settings.devices, self.timetable.is_on
        if off := [n for n, device in devices.items() if device.schedule and not is_on(n)]:
            says = f"the scheduled work of {', '.join(off)} is paused"
            yield Trouble("stopped", says, "resume it: beemon start all")
