"""Assembly: builds the loop and its parts, each of parts that are built already."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from beemon.base import zone
from beemon.base.clock import Clock
from beemon.base.moments import from_iso
from beemon.base.status import WeightStep
from beemon.base.values import value_class
from beemon.config.settings import Settings
from beemon.devices.ask import ResolvedDevice
from beemon.ledger.examination import Examiner
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.clock_watch import ClockKeeper
from beemon.orchestrator.conditions import DiskSpace, LedgerExamination, LedgerWriting
from beemon.orchestrator.desk import Desk
from beemon.orchestrator.dispatcher import Dispatcher
from beemon.orchestrator.in_force import InForce, recorders
from beemon.orchestrator.inbox import RESTING_SECONDS, Inbox, Pulse
from beemon.orchestrator.inspection import Inspection, Inspections
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.leftovers import Leftovers
from beemon.orchestrator.live import LiveFolder
from beemon.orchestrator.loop import Loop
from beemon.orchestrator.owner import SupervisorsOwner
from beemon.orchestrator.power import Power
from beemon.orchestrator.slots import SlotRunner
from beemon.orchestrator.status import Status
from beemon.orchestrator.supplies import Placer, Supplies
from beemon.orchestrator.timetable import Timetable
from beemon.orchestrator.troubles import Troubles
from beemon.orchestrator.unentered import Unentered
from beemon.orchestrator.worker_process import StartWorker
from beemon.orchestrator.workers import Workers
from beemon.protocol.replies import JobFacts
from beemon.protocol.reports import JobEnded, Report
from beemon.retention.keeper import IS_OFF, Keeper, KeeperThread, Room, through
from beemon.scale.calibrations import Calibrations
from beemon.scale.compensation import Compensation
from beemon.scale.watch import Scales

if TYPE_CHECKING:
    from beemon.orchestrator.counting import Counting
    from beemon.orchestrator.halt import Halt, Machine
    from beemon.orchestrator.insights import Insights
    from beemon.orchestrator.tilts import Tilts


def _logind() -> Machine:
    from beemon.system.logind import Logind

    return Logind()


@value_class
class Surroundings:
    """The objects that the loop needs from outside.

    They are the one clock, its inbox, the ledger's writer and its state, and the channel to the
    Server. The factory of workers, this computer's time zone and its power also belong to them.
    """

    clock: Clock
    inbox: Inbox
    write: Callable[[Write, Written], None]
    writing: LedgerWriting
    report: Callable[[Report], None]
    start_worker: StartWorker
    local: zone.Local
    resting_seconds: float = RESTING_SECONDS
    """The longest time between two heartbeats."""
    make_machine: Callable[[], Machine] = _logind
    """Makes the object that powers the machine off."""

    def monotonic(self) -> float:
        """The clock's monotonic seconds."""
        return self.clock.now().monotonic


@value_class
class _Basis:
    """The parts that most others need."""

    in_force: InForce
    pulse: Pulse
    looks: Looks
    timetable: Timetable
    inspection: Inspection
    power: Power
    calibrations: Calibrations
    compensation: Compensation
    steps: dict[str, WeightStep]
    unentered: Unentered


def assemble(
    settings: Settings, devices: dict[str, ResolvedDevice], run_number: int, around: Surroundings
) -> Loop:
    """Build the loop of a run by its number in the ledger. It does nothing yet."""
    basis = _basis(InForce(settings, devices), around)
    write, archive = around.write, settings.archive_path
    disk = DiskSpace(basis.timetable, write, basis.pulse)
    examination = LedgerExamination(write, basis.pulse)
    desk = _desk(basis, around, run_number, disk)
    dispatcher = Dispatcher(desk)
    slots = SlotRunner(
        basis.timetable, desk.inspections, basis.power, write, around.inbox, dispatcher.execute,
        desk.jobs.end_unbegun, basis.unentered, around.clock,
    )
    status = Status(
        basis.in_force, desk.workers, desk.jobs, basis.looks, basis.timetable, basis.inspection,
        basis.power, basis.calibrations, around.writing, disk, examination, around.local,
        basis.steps,
    )
    clock_keeper = ClockKeeper(write, basis.looks, around.clock.stamp())
    examiner = Examiner(archive, around.inbox.forward(examination.tell))
    return Loop(
        desk, dispatcher, slots, status, clock_keeper, (desk.keeper, examiner),
        around.resting_seconds,
    )


def _basis(in_force: InForce, around: Surroundings) -> _Basis:
    settings, pulse = in_force.settings, Pulse()
    looks = Looks(around.write, around.inbox.forward(pulse.hurry))
    timetable = Timetable(settings.devices, around.local.zone)
    return _Basis(
        in_force=in_force,
        pulse=pulse,
        looks=looks,
        timetable=timetable,
        inspection=Inspection(),
        power=Power(
            settings, timetable, around.write, looks, around.inbox, pulse, around.clock,
            partial(_halt, timetable, pulse, around),
        ),
        calibrations=Calibrations([], around.clock.stamp),
        compensation=Compensation([], settings.devices),
        steps={},
        unentered=Unentered(around.inbox),
    )


def _halt(timetable: Timetable, pulse: Pulse, around: Surroundings) -> Halt:
    from beemon.orchestrator.halt import Halt  # it is off by default

    return Halt(
        timetable, around.write, around.inbox, pulse, around.clock, around.make_machine()
    )


def _desk(basis: _Basis, around: Surroundings, run_number: int, disk: DiskSpace) -> Desk:
    settings, write, inbox = basis.in_force.settings, around.write, around.inbox
    leftovers = Leftovers(
        settings.archive_path, run_number, write, basis.looks, inbox.put,
        start=around.start_worker, now=around.monotonic,
    )
    insights = cache(partial(_insights, basis, around, leftovers))
    jobs = _jobs(basis, around, leftovers, cache(partial(_tilts, basis, insights)))
    keeper = _keeper(basis, around, disk)
    troubles = Troubles()
    owner = SupervisorsOwner(
        around.clock, write, around.report, basis.pulse, jobs, troubles, keeper.call
    )
    placer = Placer(around.clock, write, inbox, basis.in_force)
    supplies = Supplies(placer.find_place, basis.calibrations.of)
    return Desk(
        clock=around.clock, write=write, report=around.report, inbox=inbox, pulse=basis.pulse,
        in_force=basis.in_force, looks=basis.looks, timetable=basis.timetable, disk=disk,
        calibrations=basis.calibrations, compensation=basis.compensation,
        inspections=Inspections(
            settings.devices, basis.inspection, basis.timetable, write, basis.looks, inbox,
            around.clock,
        ),
        scales=Scales(
            settings.devices, settings.hive.place, write, basis.looks,
            inbox.forward(partial(_take_step, basis, insights)),
            inbox.forward(lambda at_us: insights().hurry(at_us)),
        ),
        power=basis.power, leftovers=leftovers, insights=insights,
        counting=cache(partial(_counting, basis, around, leftovers)), keeper=keeper, jobs=jobs,
        troubles=troubles, owner=owner,
        workers=Workers(
            owner, inbox.put, supplies, start=around.start_worker, now=around.monotonic
        ),
        live=LiveFolder(settings.archive_path),
    )


def _insights(basis: _Basis, around: Surroundings, leftovers: Leftovers) -> Insights:
    from beemon.orchestrator.insights import Insights  # READY does not wait for it

    return Insights(
        basis.in_force, leftovers.chores, around.write, basis.looks, around.inbox, around.clock,
        around.local.zone,
    )


def _counting(basis: _Basis, around: Surroundings, leftovers: Leftovers) -> Counting:
    from beemon.orchestrator.counting import Counting  # it is off by default

    return Counting(
        basis.in_force, leftovers.chores, around.write, basis.looks, around.inbox, around.clock
    )


def _take_step(
    basis: _Basis, insights: Callable[[], Insights], scale: str, step: WeightStep
) -> None:
    """Have `status` show the latest change of weight, and the day of a new swarm looked at."""
    if step.step == "swarm" and step != basis.steps.get(scale):
        insights().hurry(from_iso(step.at))
    basis.steps[scale] = step
    basis.pulse.hurry()


def _tilts(basis: _Basis, insights: Callable[[], Insights]) -> Tilts:
    from beemon.orchestrator.tilts import Tilts  # READY does not wait for it

    return Tilts(basis.looks, lambda at_us: insights().hurry(at_us))


def _jobs(
    basis: _Basis, around: Surroundings, leftovers: Leftovers, tilts: Callable[[], Tilts]
) -> Jobs:
    report = around.report

    def ended(facts: JobFacts) -> None:
        """Called by the writer when an outcome is durable."""
        report(JobEnded(facts))
        if facts.leftover:
            leftovers.look()

    return Jobs(
        basis.in_force.settings.archive_path, around.write, basis.inspection, basis.power,
        basis.calibrations, basis.compensation, basis.looks, ended, basis.unentered, tilts,
        around.clock,
    )


def _keeper(basis: _Basis, around: Surroundings, disk: DiskSpace) -> KeeperThread:
    settings, looks = basis.in_force.settings, basis.looks

    def write(change: Write, written: Written) -> None:
        """Have something written that may have a defect, which ends the keeper's round alone."""
        around.write(looks.within("retention", change, IS_OFF), written)

    def tell(room: Room) -> None:
        """Wake the loop only if it has to act on the state of the disk, or to show it."""
        if disk.is_news(room):
            tell_disk(room)

    tell_disk = around.inbox.forward(disk.tell)
    return KeeperThread(
        Keeper(
            settings.archive_path, settings.retention, recorders(settings.devices), through(write),
            tell, guard=looks.guard,
        )
    )
