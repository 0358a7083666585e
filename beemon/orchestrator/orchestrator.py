"""Orchestrator: one process, one loop, one mailbox.

Commands off the Server's queue, answers of workers, what became durable, and the time all come in
through the mailbox as things to do; the loop does them one after the other and waits for nothing
else. Hardware waits in the workers, the card in the ledger's writer thread. What goes up to the
Server are reports.
"""

from __future__ import annotations

import logging
import multiprocessing.queues
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from multiprocessing.context import SpawnProcess
from typing import Any

from beemon.base import clock, outcomes, zone
from beemon.base.readings import Calibration
from beemon.base.reports import (
    DeviceChanged,
    Heartbeat,
    JobEnded,
    Planned,
    Rejected,
    Replaced,
    Report,
    Started,
    Stopped,
    Trouble,
)
from beemon.config.settings import RECORDERS, Settings
from beemon.devices._base import ARCHIVE
from beemon.devices.ask import ResolvedDevice, find_conflicts, resolve_devices
from beemon.ledger import calibrations, events, switches
from beemon.ledger import recordings as catalog
from beemon.ledger.calibrations import Made
from beemon.ledger.examination import KIND as EXAMINATION
from beemon.ledger.examination import Examiner, Found
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.writer import LedgerWriter, Write, Written
from beemon.media.tags import Tags
from beemon.orchestrator import estimate as planning
from beemon.orchestrator.clock_watch import ClockKeeper
from beemon.orchestrator.health import Health
from beemon.orchestrator.inspection import Inspection
from beemon.orchestrator.job import Job, QueuedCommand
from beemon.orchestrator.jobs import DEFECT, Jobs
from beemon.orchestrator.leftovers import Leftovers
from beemon.orchestrator.slots import SlotRunner
from beemon.orchestrator.supervisor import Task
from beemon.orchestrator.troubles import Troubles
from beemon.orchestrator.workers import Workers
from beemon.protocol import commands
from beemon.protocol.lines import RequestError
from beemon.retention.keeper import IS_OFF, Keeper, KeeperThread, Room, through
from beemon.scale.calibrations import Calibrations, Step, kept_calibrations
from beemon.scale.compensation import Compensation, fitted
from beemon.scale.drift import NoFitError
from beemon.scale.watch import Scales, day_at
from beemon.storage import files as recordings
from beemon.storage.files import Place
from beemon.system import processes, service
from beemon.system.service import fields
from beemon.timing import timedate
from beemon.worker.lanes import calibration_timeout_of, lane_of
from beemon.worker.messages import Answer, Failed
from beemon.worker.worker import message_of, reason_of

log = logging.getLogger(__name__)

EXIT_DEFECT = 70
"""Its exit status after an error that nobody foresaw."""
HEARTBEAT_SECONDS = 1.0
STOP_SECONDS = 6.0
"""How long open recordings get to end properly at a stop."""
DEFAULT_SECONDS = 10.0
"""A recording's length where neither the command nor a schedule gives one."""
TRY_SECONDS = 3.0
"""How long after a start or a reload a device that nobody has asked yet is tried: what is due at
once comes first."""
SLACK_SECONDS = 10.0
SLACK_SHARE = 0.25
"""What a recording may take beyond its own length, and as a share of that: to end the file, check,
hash and sync it."""


class Orchestrator(SpawnProcess):
    """Carries out the commands on ``command_queue`` and reports on ``report_queue``.

    ``None`` on the queue means stop. ``run_number`` is this run's number in the ledger.
    """

    def __init__(
        self,
        settings: Settings,
        command_queue: multiprocessing.queues.Queue[Any],
        report_queue: multiprocessing.queues.Queue[Report | None],
        run_number: int,
    ) -> None:
        super().__init__(name="beemon-orchestrator", daemon=False)
        self._settings = settings
        self._commands = command_queue
        self._reports = report_queue
        self._run_number = run_number
        self._parent = os.getpid()

    def run(self) -> None:
        """The process: work until told to stop, then bring everything to an end."""
        processes.begin_child(self.name, self._parent)
        processes.crash_with_any_thread()
        service.start_log()
        os.environ[ARCHIVE] = str(self._settings.archive_path)  # for the workers
        try:
            self._work()
        except Exception:
            log.critical("the Orchestrator has a defect and ends", exc_info=True)
            os._exit(EXIT_DEFECT)  # what it started dies with it

    def _work(self) -> None:
        self._devices, problems = resolve_devices(self._settings.devices)
        if problems:
            self._reports.put(Rejected(problems))
            return
        self._set_up()
        self._heartbeat(clock.now().monotonic)
        self._reports.put(Started())
        self._tell_plan()
        while not self._stopped():
            self._turn()
        self._wind_up()

    def _tell_plan(self) -> None:
        at = datetime.now(UTC)
        planned: dict[str, float] = self._looks.guard(
            "plan", lambda: planning.bytes_a_day(self._devices, at), {}
        )
        self._reports.put(Planned(planned))

    def _set_up(self) -> None:
        self._mailbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._entering = 0
        self._troubles = Troubles()
        self._ledger_trouble: str | None = None
        self._stop_at: float | None = None
        self._next_heartbeat = 0.0
        self._look_again = 0.0
        self._staff = Workers(self, self._mailbox.put)
        self._writer = LedgerWriter(
            self._settings.archive_path,
            self._run_number,
            lambda trouble: self._mailbox.put(partial(self._on_ledger_trouble, trouble)),
        )
        self._writer.start()
        self._looks = Looks(self._writer.write, lambda: self._mailbox.put(self._hurry_heartbeat))
        inspection = Inspection()
        self._calibrations = Calibrations([])
        self._compensation = Compensation([], self._settings.devices)
        self._load_calibrations()
        self._docket = Jobs(
            self._settings.archive_path, self._writer.write, inspection, self._calibrations,
            self._compensation, self._looks, self._ended,
        )
        self._agenda = SlotRunner(
            self._settings.devices, inspection, self._writer, self._looks, self._mailbox.put,
            self._execute, self._docket.end_unbegun,
        )
        self._local = zone.look()
        if self._local.trouble:
            log.warning("%s: %s", self._local.trouble, self._local.remedy)
        timedate.begin_asking()
        self._steps: dict[str, dict[str, Any]] = {}
        self._scales = Scales(
            self._settings.devices, self._settings.hive.place, self._writer.write, self._looks,
            lambda name, step: self._mailbox.put(partial(self._steps.__setitem__, name, step)),
        )
        self._housekeeping = ClockKeeper(self._writer.write, self._looks, clock.stamp())
        self._room = Room()
        self._keeper = KeeperThread(
            Keeper(
                self._settings.archive_path,
                self._settings.retention,
                _recorders(self._settings),
                through(self._write_for_keeper),
                lambda room: self._mailbox.put(partial(self._on_room, room)),
                guard=self._looks.guard,
            )
        )
        self._keeper.start()
        self._found = Found()
        self._examiner = Examiner(
            self._settings.archive_path,
            lambda found: self._mailbox.put(partial(self._examined, found)),
        )
        self._examiner.start()
        self._upkeep = Leftovers(
            self._settings.archive_path, self._run_number, self._writer.write, self._looks,
            self._mailbox.put,
        )
        self._upkeep.look()
        self._staff.employ(self._devices)
        self._try_from = clock.now().monotonic + TRY_SECONDS
        threading.Thread(target=self._take_commands, name="commands", daemon=True).start()

    def _load_calibrations(self) -> None:
        looks, archive = self._looks, self._settings.archive_path
        kept = looks.guard("calibrations", lambda: kept_calibrations(archive), ())
        looks.guard("calibrations", lambda: self._calibrations.take_over(kept), None)
        looks.guard("compensation", lambda: self._compensation.take_over(kept), None)

    def _write_for_keeper(self, write: Write, written: Written) -> None:
        """Have something written that may have a defect, which ends the keeper's round alone."""
        self._writer.write(self._looks.within("retention", write, IS_OFF), written)

    # The loop

    def _turn(self) -> None:
        wait = self._look_again - clock.now().monotonic
        try:
            action = self._mailbox.get(timeout=max(0.0, wait))
        except queue.Empty:
            pass
        else:
            action()
        now = clock.now().monotonic
        self._look_again = min(self._tick(now), self._heartbeat(now))

    def _tick(self, now: float) -> float:
        """Do what the time asks for; return when to look again."""
        times = [now + HEARTBEAT_SECONDS]
        times += self._staff.tick(now) + self._upkeep.tick(now)
        if now >= self._try_from and self._stop_at is None:
            self._staff.try_next(now)
        self._staff.let_rest(now, lambda name: self._agenda.timetable.is_open(name, clock.now()))
        if self._stop_at is None:
            times.append(now + self._agenda.look(clock.stamp()))
        elif now >= self._stop_at:
            self._staff.kill(now)
        return min(times)

    def _heartbeat(self, now: float) -> float:
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + HEARTBEAT_SECONDS
            self._reports.put(self._state(now))
            self._housekeeping.look(clock.stamp())
            self._scales.look(clock.stamp())
        return self._next_heartbeat

    def _state(self, now: float) -> Heartbeat:
        at_work, jobs = self._staff.at_work, self._docket.jobs
        running = {number: job.text for number, job in jobs.items() if number in at_work}
        return Heartbeat(
            monotonic=now,
            devices={
                name: {
                    **described,
                    **self._looks.guard(
                        "calibrations", partial(self._calibrations.describe, name), dict[str, Any]()
                    ),
                    **({"step": self._steps[name]} if name in self._steps else {}),
                    **self._looks.guard(
                        "description", partial(self._agenda.timetable.describe, name),
                        dict[str, Any](),
                    ),
                    **({"paused": "low-disk"} if name in self._room.paused else {}),
                }
                for name, described in self._staff.describe(now).items()
            },
            inspection=self._agenda.inspection.describe(now),
            running=running,
            waiting=len(jobs) - len(running),
            troubles=tuple(self._service_troubles()),
        )

    def _hurry_heartbeat(self) -> None:
        """Have `status` know at once what has just changed."""
        self._next_heartbeat = 0.0

    def _service_troubles(self) -> Iterator[Trouble]:
        if self._ledger_trouble:
            remedy = "read the kernel's messages: journalctl -k"
            yield Trouble("ledger", self._ledger_trouble, remedy)
        if self._room.sentence:
            remedy = "free some space; beemon budget shows what beemon takes"
            yield Trouble("disk", self._room.sentence, remedy)
        if self._room.log:
            yield self._room.log
        yield from self._found.troubles
        if self._local.trouble:
            yield Trouble("zone", self._local.trouble, self._local.remedy)
        yield from self._looks.troubles
        timetable = self._agenda.timetable
        scheduled = [name for name, device in self._settings.devices.items() if device.schedule]
        if off := [name for name in scheduled if not timetable.is_on(name)]:
            says = f"the scheduled work of {', '.join(off)} is switched off"
            yield Trouble("stopped", says, "to switch it on again: beemon start all")

    def _take_commands(self) -> None:
        while True:
            command = self._commands.get()
            self._mailbox.put(partial(self._on_command, command))
            if command is None:
                return

    # Commands

    def _on_command(self, command: str | None) -> None:
        if command is None:
            self._begin_stop()
        elif isinstance(command, QueuedCommand) and command.job is not None:
            self._execute(command, command.job)
        else:
            origin = command.origin if isinstance(command, QueuedCommand) else "queue"
            self._enter(str(command), origin)

    def _enter(self, text: str, origin: str) -> None:
        """Give a command that no client sent its job number, then carry it out like any other."""
        self._entering += 1
        came = clock.stamp()
        self._writer.write(
            lambda ledger: ledger.accept(text, origin, came),
            lambda job: self._mailbox.put(partial(self._entered, text, origin, job)),
        )

    def _entered(self, text: str, origin: str, job: int) -> None:
        self._entering -= 1
        self._execute(QueuedCommand(text, job, origin), job)

    def _execute(self, command: QueuedCommand, number: int) -> None:
        if self._stop_at is not None:
            self._docket.end_unbegun(number, command, outcomes.interrupted("stopping", "not begun"))
            return
        try:
            request = commands.parse(str(command), self._settings.devices)
            if not request.word.is_command:
                raise RequestError("unknown-command", f"{request.word.name} is not a command")
        except RequestError as error:
            self._docket.end_unbegun(number, command, outcomes.failed("refused", str(error)))
            return
        job = self._docket.open(command, number, request.word.name)
        self._hurry_heartbeat()
        carry_out: dict[str, Callable[[Job, commands.Request], None]] = {
            "record": self._record,
            "snapshot": self._snapshot,
            "read": self._read,
            "calibrate": self._calibrate,
            "switch": self._switch_output,
            "start": self._switch,
            "stop": self._switch,
            "cancel": self._cancel,
            "inspection": self._inspect,
            "clock": self._believe_clock,
            "reload": partial(self._reload, command.settings),
        }
        carry_out[job.verb](job, request)

    def _record(self, job: Job, request: commands.Request) -> None:
        device = self._devices[request["DEVICE"]]
        schedule = device.config.schedule
        planned = schedule.duration if schedule else None
        seconds = request["SECONDS"] or planned or DEFAULT_SECONDS
        if not self._is_paused(job, device.name):
            self._employ(job, device, seconds * (1 + SLACK_SHARE) + SLACK_SECONDS, seconds)

    def _snapshot(self, job: Job, request: commands.Request) -> None:
        device = self._devices[request["CAMERA"]]
        if not self._is_paused(job, device.name):
            self._employ(job, device, device.timeout + SLACK_SECONDS)

    def _is_paused(self, job: Job, device: str) -> bool:
        """Whether there is too little space for the device's recordings, which ends the job."""
        if device not in self._room.paused:
            return False
        how = outcomes.skipped if job.is_scheduled else outcomes.failed
        job.device = device
        self._docket.end(job, how("low-disk", self._room.sentence))
        return True

    def _read(self, job: Job, request: commands.Request) -> None:
        sensors = request["SENSOR"] or [
            name for name in self._settings.devices if commands.kind_of(name) == "sensor"
        ]
        if not sensors:
            self._docket.end(job, outcomes.failed("missing-device", "the config has no sensor"))
            return
        job.pending = set(sensors)
        for name in dict.fromkeys(sensors):
            device = self._devices[name]
            self._employ(job, device, device.timeout)

    def _calibrate(self, job: Job, request: commands.Request) -> None:
        device = self._devices[request["SCALE"]]
        if request["STEP"] == "temperature":
            self._fit(job, device)
            return
        job.step = Step(
            device.name, request["STEP"], request["WEIGHT"], request["TOLERANCE"] or 0.0,
            device.calibrates,
        )
        self._employ(job, device, calibration_timeout_of(device))

    def _fit(self, job: Job, device: ResolvedDevice) -> None:
        """Fit a scale's drift to the nights in the ledger; no device is asked."""
        weighing = device.config.weighing
        if weighing is None or weighing.temperature is None:
            message = f'[{device.name}.weighing] in the config needs temperature = "sensor.…"'
            self._docket.end(job, outcomes.failed("no-temperature", message))
            return
        is_day = day_at(self._settings.hive.place)

        def look(ledger: Ledger) -> Made | NoFitError:
            try:
                return fitted(ledger, device.name, weighing, is_day, job.number)
            except NoFitError as error:
                return error

        self._writer.write(
            self._looks.within("drift", look, None),
            lambda found: self._mailbox.put(partial(self._fitted, job, found)),
        )

    def _fitted(self, job: Job, found: Made | NoFitError | None) -> None:
        if found is None or isinstance(found, NoFitError):
            self._docket.end(job, outcomes.failed("no-fit", str(found)) if found else DEFECT)
            return
        self._compensation.use(found)

        def keep(ledger: Ledger) -> None:
            calibrations.enter(ledger, found)

        facts = {name: value for name, value in found.facts.items() if name != "job"}
        self._docket.end(job, outcomes.done(**facts), keep=keep)

    def _switch_output(self, job: Job, request: commands.Request) -> None:
        device = self._devices[request["OUTPUT"]]
        verb = "on" if request["on|off"] else "off"
        self._employ(job, device, device.timeout, request["SECONDS"] or 0.0, verb)

    def _switch(self, job: Job, request: commands.Request) -> None:
        chosen = request["DEVICE|all"]
        names = set(self._settings.devices) if chosen == "all" else {chosen}
        timetable = self._agenda.timetable
        timetable.switch(names, on=job.verb == "start")
        log.info("scheduled work of %s: %s", chosen, job.verb, extra=fields(job=job.number))
        self._docket.end(job, outcomes.done(scheduled=sorted(filter(timetable.is_on, names))))

    def _cancel(self, job: Job, request: commands.Request) -> None:
        chosen = request["JOB|DEVICE|all"]
        if isinstance(chosen, str):
            self._cancel_all(job, chosen)
            return
        target = self._docket.jobs.get(chosen)
        if target is None or target is job:
            message = f"job {chosen} is not open"
            self._docket.end(job, outcomes.failed("no-such-job", message))
            return
        self._cut(target, "cancelled")
        self._docket.end(job, outcomes.done(cancelled=target.number))

    def _cancel_all(self, job: Job, chosen: str) -> None:
        """Cancel what clients asked of a device, or of all; what is scheduled goes on."""
        targets = [
            other for other in self._docket.jobs.values()
            if other.pending and not other.is_scheduled
            and (chosen == "all" or chosen in other.pending)
        ]
        for target in targets:
            self._cut(target, "cancelled")
        self._docket.end(job, outcomes.done(cancelled=[target.number for target in targets]))

    def _inspect(self, job: Job, request: commands.Request) -> None:
        state, note, now = request["begin|end"], " ".join(request["NOTE"]), clock.stamp()
        agenda = self._agenda
        change = agenda.begin_inspection if state == "begin" else agenda.end_inspection
        keep = change(note, now)
        for other in self._docket.jobs.values():
            other.inspected = other.inspected or agenda.inspection.is_on
        self._hurry_heartbeat()
        self._docket.end(job, outcomes.done(inspection=agenda.inspection.is_on), keep=keep)

    def _believe_clock(self, job: Job, _: commands.Request) -> None:
        try:
            quality = clock.believe(clock.now())
        except ValueError as error:
            self._docket.end(job, outcomes.failed("refused", str(error)))
        except OSError as error:
            self._docket.end(job, outcomes.failed(reason_of(error), message_of(error)))
        else:
            self._docket.end(job, outcomes.done(clock=quality.value))

    def _cut(self, job: Job, reason: str) -> None:
        job.cut = reason
        self._staff.cut(job.number, reason)

    def _reload(self, settings: Settings | None, job: Job, _: commands.Request) -> None:
        if settings is None:
            message = "no settings came with it; send `reload` to the Server"
            self._docket.end(job, outcomes.failed("bad-config", message))
            return
        devices, found = resolve_devices(settings.devices)
        problems = [str(problem) for problem in (*found, *find_conflicts(devices.values()))]
        if settings.archive_path != self._settings.archive_path:
            problems.append("[archive] path cannot change while the service runs; restart it")
        if problems:
            self._docket.end(job, outcomes.failed("bad-config", "; ".join(problems)))
            return
        self._change(settings, devices)
        self._docket.end(job, outcomes.done(devices=sorted(settings.devices)))

    def _change(self, settings: Settings, devices: dict[str, ResolvedDevice]) -> None:
        self._settings, self._devices = settings, devices
        self._try_looks_again()
        for device in self._staff.employ(devices):
            self._troubles.forget(device)
        self._try_from = clock.now().monotonic + TRY_SECONDS
        self._agenda.change(settings.devices)
        self._compensation.change(settings.devices)
        self._scales.change(settings.devices, settings.hive.place)
        self._keeper.change(settings.retention, _recorders(settings))
        self._tell_plan()

    def _try_looks_again(self) -> None:
        """Have those that were off done again that are done at a start only."""
        were_off = self._looks.switch_on()
        if were_off & {"calibrations", "compensation"}:
            self._load_calibrations()
        if "inspection" in were_off:
            self._agenda.resume_inspection()
        if "leftovers" in were_off:
            self._upkeep.look()

    # Workers

    def _employ(
        self,
        job: Job,
        device: ResolvedDevice,
        budget: float,
        seconds: float = 0.0,
        verb: str | None = None,
    ) -> None:
        supervisor = self._staff.of(device.name)
        job.device = device.name if len(job.pending) < 2 else None
        job.pending.add(device.name)
        lane = lane_of(device, job.verb, job.origin)
        task = Task(job.number, device.name, verb or job.verb, lane, budget, seconds)
        hive = self._settings.hive
        task.is_slot = job.is_scheduled
        task.tags = Tags(hive.name, device.name, job.number, hive.latitude, hive.longitude)
        if job.is_scheduled and supervisor.has_slot_waiting(lane, device.name):
            self.finished(task, Failed(task.number, "busy", "an earlier slot still waits"))
        else:
            supervisor.submit(task, clock.now().monotonic)

    # What a supervisor needs (supervisor.Employer)

    def place_for(self, task: Task, placed: Callable[[Place | Failed], None]) -> None:
        """Find a place for the task's recording, enter it in the ledger, then call back."""
        device = self._devices[task.device]
        suffix = device.suffix_of(task.verb)
        settings = self._settings

        def write(ledger: Ledger) -> Place | Failed:
            try:
                place = recordings.place(
                    settings.archive_path, settings.hive.name, task.device, suffix,
                    clock.now().utc_us, partial(catalog.is_taken, ledger),
                )
            except OSError as error:
                return Failed(task.number, reason_of(error), message_of(error))
            ledger.begin(task.job, task.device, place)
            return place

        self._writer.write(write, lambda place: self._mailbox.put(partial(placed, place)))

    def finished(self, task: Task, answer: Answer) -> None:
        """The task has its answer: the job may be at its end."""
        if isinstance(answer, Failed) and answer.reason == "disk-full":
            self._keeper.call()
        self._docket.take(task, answer)

    def note_replaced(self) -> None:
        """Have the Server end the service, so that systemd starts the version on disk."""
        self._reports.put(Replaced())

    def calibrations_of(self, device: str) -> Mapping[str, Calibration]:
        """Those that make values of what the device measures, by quantity."""
        return self._calibrations.of(device)

    def device_changed(self, device: str, health: Health) -> None:
        """Tell of a device's trouble when it begins, changes or ends."""
        self._troubles.tell(device, health)
        self._reports.put(DeviceChanged(device, health.state.value, health.trouble))
        self._hurry_heartbeat()

    def output_switched(self, device: str, *, on: bool, seconds: float | None) -> None:
        """Keep what the output did as an event: it explains what the sensors say afterwards."""
        at = clock.stamp()
        self._writer.write(
            lambda ledger: switches.enter(ledger, device, on=on, seconds=seconds, at=at),
            lambda _: None,
        )
        self._hurry_heartbeat()

    def _ended(self, job: int, facts: dict[str, Any]) -> None:
        """Called by the writer when an outcome is durable."""
        self._reports.put(JobEnded(job, facts))
        if "leftover" in facts:
            self._upkeep.look()

    # The end

    def _begin_stop(self) -> None:
        self._upkeep.finish()
        self._stop_at = clock.now().monotonic + STOP_SECONDS
        for job in list(self._docket.jobs.values()):
            job.cut = "stopping"
        self._staff.finish("stopping")

    def _stopped(self) -> bool:
        if self._stop_at is None:
            return False
        if clock.now().monotonic > self._stop_at + 1.0:
            return True  # what is left does not even die of SIGKILL
        entering = self._entering or self._agenda.is_writing
        open_jobs = self._docket.jobs or (entering and not self._ledger_trouble)
        return not open_jobs and self._staff.is_idle and self._upkeep.is_idle

    def _wind_up(self) -> None:
        self._keeper.finish()
        self._examiner.finish()
        if not self._writer.finish(1.0):
            log.error("the ledger could not be written to the end; the next start closes it")
        self._reports.put(Stopped())

    def _on_room(self, room: Room) -> None:
        """Tell of too little space when it begins, changes or ends; never twice."""
        before, self._room = self._room, room
        self._agenda.timetable.hold_back("low-disk", room.paused)
        if room.log and not before.log:
            log.warning("%s", room.log)
        if (room.paused, room.trouble) == (before.paused, before.trouble):
            return
        message = room.sentence or "there is enough space again: no device pauses for it"
        log.log(logging.WARNING if room.sentence else logging.INFO, "%s", message)
        paused = sorted(room.paused)
        self._writer.write(
            lambda ledger: events.enter(ledger, "low-disk", message, paused=paused),
            lambda _: None,
        )
        self._hurry_heartbeat()

    def _examined(self, found: Found) -> None:
        """Tell what is wrong with the ledger when that changes."""
        before, self._found = self._found, found
        if found == before:
            return
        said = [str(trouble) for trouble in found.troubles] or ["the ledger is in order again"]
        for message in said:
            log.log(logging.ERROR if found.troubles else logging.INFO, "%s", message)
        self._writer.write(
            lambda ledger: events.enter(ledger, EXAMINATION, "; ".join(said)), lambda _: None
        )
        self._next_heartbeat = 0.0

    def _on_ledger_trouble(self, trouble: str | None) -> None:
        self._ledger_trouble = trouble
        if trouble:
            log.error("%s; outcomes wait until it can", trouble)
        else:
            log.info("the ledger can be written again")


def _recorders(settings: Settings) -> list[str]:
    return [name for name in settings.devices if commands.kind_of(name) in RECORDERS]
