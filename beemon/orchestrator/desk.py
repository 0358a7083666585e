"""Desk: the parts that the handlers of commands work with, and how a job gets to a worker."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from beemon.base import moments
from beemon.base.clock import Clock
from beemon.base.values import value_class
from beemon.devices.ask import ResolvedDevice
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.media.tags import Tags
from beemon.orchestrator import estimate
from beemon.orchestrator.conditions import DiskSpace
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.inspection import Inspections
from beemon.orchestrator.job import Job
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.leftovers import Leftovers
from beemon.orchestrator.live import LiveFolder
from beemon.orchestrator.power import Power
from beemon.orchestrator.task import Task
from beemon.orchestrator.timetable import Timetable
from beemon.orchestrator.troubles import Troubles
from beemon.orchestrator.worker_handle import Owner
from beemon.orchestrator.workers import Workers
from beemon.protocol.reports import Planned, Report
from beemon.retention.keeper import KeeperThread
from beemon.scale.calibrations import Calibrations, kept_calibrations
from beemon.scale.compensation import Compensation
from beemon.scale.watch import Scales
from beemon.worker.lanes import lane_of
from beemon.worker.messages import Failed
from beemon.worker.worker import LIVE

if TYPE_CHECKING:
    from beemon.orchestrator.counting import Counting
    from beemon.orchestrator.insights import Insights

TRY_SECONDS = 3.0
"""Time after a start or a reload, in seconds, until unused devices are tried: urgent work is
first."""


@value_class
class Desk:
    """``write`` has something written to the ledger, ``report`` tells the Server something.

    ``insights`` and ``counting`` load their modules when they are first asked for.
    """

    clock: Clock
    write: Callable[[Write, Written], None]
    report: Callable[[Report], None]
    inbox: Inbox
    pulse: Pulse
    in_force: InForce
    looks: Looks
    timetable: Timetable
    inspections: Inspections
    power: Power
    disk: DiskSpace
    calibrations: Calibrations
    compensation: Compensation
    scales: Scales
    leftovers: Leftovers
    insights: Callable[[], Insights]
    counting: Callable[[], Counting]
    keeper: KeeperThread
    jobs: Jobs
    troubles: Troubles
    owner: Owner
    workers: Workers
    live: LiveFolder

    def load_calibrations(self) -> None:
        """Put in force the calibrations that the ledger holds."""
        looks, archive = self.looks, self.in_force.settings.archive_path
        kept = looks.guard("calibrations", lambda: kept_calibrations(archive), ())
        looks.guard("calibrations", lambda: self.calibrations.take_over(kept), None)
        looks.guard("compensation", lambda: self.compensation.take_over(kept), None)

    def employ_workers(self) -> None:
        """Have workers hold the devices of the settings in force, and no others."""
        for device in self.workers.employ(self.in_force.devices):
            self.troubles.forget(device)
        self.workers.try_from = self.clock.now().monotonic + TRY_SECONDS

    def seconds_to_use(self, device: ResolvedDevice) -> float:
        """For how many seconds a recorder need not be open, unless a client wants it."""
        now = self.clock.now()
        if device.rests_between_slots:
            return self.timetable.seconds_to_slot(device.name, now)
        return 0.0 if self.timetable.is_open(device.name, now) else math.inf

    def tell_plan(self) -> None:
        """Report how many bytes a day the settings in force ask for."""
        at = moments.to_datetime(self.clock.now().utc_us)
        planned: dict[str, float] = self.looks.guard(
            "plan", lambda: estimate.bytes_a_day(self.in_force.devices, at), {}
        )
        self.report(Planned(planned))

    def submit(
        self,
        job: Job,
        device: ResolvedDevice,
        budget: float,
        seconds: float = 0.0,
        verb: str | None = None,
    ) -> None:
        """Give a device's worker the job's task, which may take ``budget`` seconds."""
        supervisor = self.workers.of(device.name)
        job.device = device.name if len(job.pending) < 2 else None
        job.pending.add(device.name)
        lane = lane_of(device, job.verb, job.origin)
        hive = self.in_force.settings.hive
        tags = Tags(hive.name, device.name, job.number, hive.latitude, hive.longitude)
        task = Task(
            job.number, device.name, verb or job.verb, lane, budget, seconds, tags=tags,
            is_slot=job.is_scheduled,
        )
        if job.is_scheduled and supervisor.has_slot_waiting(lane, device.name):
            message = "an earlier scheduled command is still waiting"
            self.owner.finished(task, Failed(task.number, "busy", message))
        else:
            supervisor.submit(task, self.clock.now().monotonic)

    def end_live_views(self) -> None:
        """End the live views of cameras that rest now: over an inspection, a low battery or disk.
        """
        for job in list(self.jobs.jobs.values()):
            if job.verb == LIVE and not job.cut and job.device:
                reason = self.timetable.rests(job.device)
                if reason:
                    self.cut(job, reason)

    def cut(self, job: Job, reason: str) -> None:
        """End a job early."""
        job.cut = reason
        self.workers.cut(job.number, reason)
