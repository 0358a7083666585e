"""Handlers: one function for each command; :data:`HANDLERS` has them all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from beemon.base import clock, outcomes
from beemon.config.settings import Settings
from beemon.devices.ask import ResolvedDevice, find_conflicts, resolve_devices
from beemon.ledger import calibrations, events, uploads
from beemon.ledger.calibrations import Made
from beemon.ledger.ledger import Ledger
from beemon.orchestrator.desk import Desk
from beemon.orchestrator.in_force import recorders
from beemon.orchestrator.job import Job
from beemon.orchestrator.jobs import DEFECT
from beemon.orchestrator.live import make_task
from beemon.protocol import commands
from beemon.protocol.commands import Request
from beemon.scale.calibrations import Step
from beemon.scale.compensation import fitted
from beemon.scale.drift import NoFitError
from beemon.scale.watch import day_at
from beemon.system.service import fields
from beemon.worker.lanes import calibration_timeout_of
from beemon.worker.worker import message_of, reason_of

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 10.0
"""A recording's length where neither the command nor a schedule gives one."""
SLACK_SECONDS = 10.0
SLACK_SHARE = 0.25
"""Additional time for a recording, as a share of its length and in seconds: to end the file, check,
hash and sync it."""

_DELIVERIES = {
    "delivered": "the message was delivered",
    "refused": "the message was not delivered",
    "unknown": "the message may have been delivered",
}

Handler = Callable[[Desk, Job, Request], None]
"""Carries out a command whose job is open, or begins to: it sees to it that the job ends."""


def record(desk: Desk, job: Job, request: Request) -> None:
    """Have a camera or microphone record."""
    device = desk.in_force.devices[request["DEVICE"]]
    schedule = device.config.schedule
    planned = schedule.duration if schedule else None
    seconds = request["SECONDS"] or planned or DEFAULT_SECONDS
    if not _is_paused(desk, job, device.name):
        desk.submit(job, device, seconds * (1 + SLACK_SHARE) + SLACK_SECONDS, seconds)


def take_snapshot(desk: Desk, job: Job, request: Request) -> None:
    """Have a camera take a picture."""
    device = desk.in_force.devices[request["CAMERA"]]
    if not _is_paused(desk, job, device.name):
        desk.submit(job, device, device.timeout + SLACK_SECONDS)


def show_live(desk: Desk, job: Job, request: Request) -> None:
    """Have a camera show its live picture, unless it rests."""
    device = desk.in_force.devices[request["CAMERA"]]
    job.device = device.name
    if reason := desk.timetable.rests(device.name):
        desk.jobs.end(job, outcomes.failed(reason, f"{device.name} rests"))
        return
    try:
        place = desk.live.place(device.name, job.number)
    except OSError as error:
        desk.jobs.end(job, outcomes.failed(reason_of(error), message_of(error)))
        return
    job.pending.add(device.name)
    task = make_task(job, device, request["SECONDS"], place)
    desk.workers.of(device.name).submit(task, desk.clock.now().monotonic)


def _is_paused(desk: Desk, job: Job, device: str) -> bool:
    """Whether there is too little space for the device's recordings, which ends the job."""
    if device not in desk.disk.room.paused:
        return False
    how = outcomes.skipped if job.is_scheduled else outcomes.failed
    job.device = device
    desk.jobs.end(job, how("low-disk", desk.disk.room.sentence))
    return True


def read(desk: Desk, job: Job, request: Request) -> None:
    """Have the named sensors read, or all."""
    devices = desk.in_force.devices
    sensors = request["SENSOR"] or [n for n in devices if commands.kind_of(n) == "sensor"]
    if not sensors:
        desk.jobs.end(job, outcomes.failed("missing-device", "the config has no sensor"))
        return
    job.pending = set(sensors)
    for name in dict.fromkeys(sensors):
        desk.submit(job, devices[name], devices[name].timeout)


def calibrate(desk: Desk, job: Job, request: Request) -> None:
    """Have a scale measure a point of its calibration, or fit its drift."""
    device = desk.in_force.devices[request["SCALE"]]
    if request["STEP"] == "temperature":
        _fit_drift(desk, job, device)
        return
    job.step = Step(
        device.name, request["STEP"], request["WEIGHT"], request["TOLERANCE"] or 0.0,
        device.calibrates,
    )
    desk.submit(job, device, calibration_timeout_of(device))


def _fit_drift(desk: Desk, job: Job, device: ResolvedDevice) -> None:
    """Fit a scale's drift to the nights in the ledger; no device is asked."""
    weighing = device.config.weighing
    if weighing is None or weighing.temperature is None:
        message = f'[{device.name}.weighing] in the config needs temperature = "sensor.…"'
        desk.jobs.end(job, outcomes.failed("no-temperature", message))
        return
    is_day = day_at(desk.in_force.settings.hive.place)

    def look(ledger: Ledger) -> Made | NoFitError:
        try:
            return fitted(ledger, device.name, weighing, is_day, job.number)
        except NoFitError as error:
            return error

    desk.write(
        desk.looks.within("drift", look, None),
        desk.inbox.forward(partial(_take_fit, desk, job)),
    )


def _take_fit(desk: Desk, job: Job, found: Made | NoFitError | None) -> None:
    if found is None or isinstance(found, NoFitError):
        desk.jobs.end(job, outcomes.failed("no-fit", str(found)) if found else DEFECT)
        return
    desk.compensation.use_fit(found)

    def keep(ledger: Ledger) -> None:
        calibrations.enter(ledger, found)

    facts = {name: value for name, value in found.facts.items() if name != "job"}
    desk.jobs.end(job, outcomes.done(**facts), keep=keep)


def switch_output(desk: Desk, job: Job, request: Request) -> None:
    """Have an output switched on or off."""
    device = desk.in_force.devices[request["OUTPUT"]]
    verb = "on" if request["on|off"] else "off"
    desk.submit(job, device, device.timeout, request["SECONDS"] or 0.0, verb)


def switch_schedule(desk: Desk, job: Job, request: Request) -> None:
    """Switch the scheduled work of a device, or of all, on or off."""
    chosen = request["DEVICE|all"]
    names = set(desk.in_force.settings.devices) if chosen == "all" else {chosen}
    desk.timetable.switch(names, on=job.verb == "start")
    log.info("scheduled work of %s: %s", chosen, job.verb, extra=fields(job=job.number))
    scheduled = sorted(filter(desk.timetable.is_on, names))
    desk.jobs.end(job, outcomes.done(scheduled=scheduled))


def cancel(desk: Desk, job: Job, request: Request) -> None:
    """End a job early, or all that clients asked of a device or of all."""
    chosen = request["JOB|DEVICE|all"]
    if isinstance(chosen, str):
        _cancel_all(desk, job, chosen)
        return
    target = desk.jobs.find(chosen)
    if target is None or target is job:
        message = f"job {chosen} is not open"
        desk.jobs.end(job, outcomes.failed("no-such-job", message))
        return
    desk.cut(target, "cancelled")
    desk.jobs.end(job, outcomes.done(cancelled=chosen))


def _cancel_all(desk: Desk, job: Job, chosen: str) -> None:
    """Cancel what clients asked of a device, or of all; scheduled work continues."""
    targets = [
        other for other in desk.jobs.jobs.values()
        if other.pending and not other.is_scheduled and (chosen == "all" or chosen in other.pending)
    ]
    for target in targets:
        desk.cut(target, "cancelled")
    desk.jobs.end(job, outcomes.done(cancelled=[target.number for target in targets]))


def inspect(desk: Desk, job: Job, request: Request) -> None:
    """Begin or end an inspection."""
    note, now = " ".join(request["NOTE"]), desk.clock.stamp()
    inspections = desk.inspections
    change = inspections.begin if request["begin|end"] == "begin" else inspections.end
    keep = change(note, now)
    is_on = inspections.inspection.is_on
    for other in desk.jobs.jobs.values():
        other.inspected = other.inspected or is_on
    desk.pulse.hurry()
    desk.jobs.end(job, outcomes.done(inspection=is_on), keep=keep)


def confirm_clock(desk: Desk, job: Job, _: Request) -> None:
    """Believe the clock, as the beekeeper has set it."""
    try:
        quality = clock.believe(desk.clock.now())
    except ValueError as error:
        desk.jobs.end(job, outcomes.failed("refused", str(error)))
    except OSError as error:
        desk.jobs.end(job, outcomes.failed(reason_of(error), message_of(error)))
    else:
        desk.jobs.end(job, outcomes.done(clock=quality.value))


def mark_uploaded(desk: Desk, job: Job, request: Request) -> None:
    """Enter that a recording is uploaded, if the hash is its own."""
    recording, sha256, proof = request["RECORDING"], request["SHA256"], request["PROOF"]
    desk.jobs.end_by(job, lambda ledger: uploads.mark_uploaded(ledger, recording, sha256, proof))


def mark_forgotten(desk: Desk, job: Job, request: Request) -> None:
    """Enter that a recording is not uploaded any more."""
    recording = request["RECORDING"]
    desk.jobs.end_by(job, lambda ledger: uploads.mark_forgotten(ledger, recording))


def enter_alert(desk: Desk, job: Job, request: Request) -> None:
    """Enter what became of a message to the beekeeper."""
    rule, step, delivery = request["RULE"], request["STEP"], request["DELIVERY"]

    def keep(ledger: Ledger) -> None:
        events.enter(
            ledger, "alert", f"alert {rule} {step}: {_DELIVERIES[delivery]}",
            rule=rule, step=step, delivery=delivery,
        )

    desk.jobs.end(job, outcomes.done(alert=rule, delivery=delivery), keep=keep)


def label_swarm(desk: Desk, job: Job, request: Request) -> None:
    """Enter the beekeeper's word on a swarm."""
    from beemon.ledger import finding_days  # READY does not wait for it

    number, word = request["FINDING"], request["yes|no"]
    desk.jobs.end_by(job, lambda ledger: finding_days.enter_label(ledger, number, word))


def reload(desk: Desk, job: Job, _: Request) -> None:
    """Put the settings that came with the command in force, if nothing is wrong with them."""
    settings = job.settings
    if settings is None:
        message = "it came without settings; send `reload` to the Server"
        desk.jobs.end(job, outcomes.failed("bad-config", message))
        return
    devices, found = resolve_devices(settings.devices)
    problems = [str(problem) for problem in (*found, *find_conflicts(devices.values()))]
    if settings.archive_path != desk.in_force.settings.archive_path:
        problems.append("[archive] path cannot change while the service runs; restart it")
    if problems:
        desk.jobs.end(job, outcomes.failed("bad-config", "; ".join(problems)))
        return
    _put_in_force(desk, settings, devices)
    desk.jobs.end(job, outcomes.done(devices=sorted(settings.devices)))


def _put_in_force(desk: Desk, settings: Settings, devices: dict[str, ResolvedDevice]) -> None:
    desk.in_force.settings, desk.in_force.devices = settings, devices
    _try_looks_again(desk)
    desk.employ_workers()
    desk.timetable.change(settings.devices, desk.clock.stamp())
    desk.inspections.change(settings.devices)
    desk.power.change(settings)
    desk.compensation.change(settings.devices)
    desk.scales.change(settings.devices, settings.hive.place)
    desk.keeper.change(settings.retention, recorders(settings.devices))
    desk.tell_plan()


def _try_looks_again(desk: Desk) -> None:
    """Switch on the looks that are off, and repeat those that are made at a start only."""
    were_off = desk.looks.switch_on()
    if were_off & {"calibrations", "compensation"}:
        desk.load_calibrations()
    if "inspection" in were_off:
        desk.inspections.resume()
    if "power" in were_off:
        desk.power.resume()
    if "leftovers" in were_off:
        desk.leftovers.look()


HANDLERS: Mapping[str, Handler] = {
    "record": record,
    "snapshot": take_snapshot,
    "live": show_live,
    "read": read,
    "calibrate": calibrate,
    "switch": switch_output,
    "start": switch_schedule,
    "stop": switch_schedule,
    "cancel": cancel,
    "inspection": inspect,
    "swarm": label_swarm,
    "clock": confirm_clock,
    "uploaded": mark_uploaded,
    "forgotten": mark_forgotten,
    "alerted": enter_alert,
    "reload": reload,
}
"""The handler of each command, by its word."""
