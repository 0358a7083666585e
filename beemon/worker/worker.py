"""Worker: a process that holds devices and does one thing with each at a time; it may hang.

The main thread takes tasks from the pipe and opens devices. Each task has a thread to itself. An
error raised by a driver fails the task. Any other error is reported, and then ends the process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import logging
import os
import queue
import threading
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from beemon.base import clock
from beemon.base.clock import Stamp
from beemon.base.defects import attempt, contain, of_files
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts, checked_facts
from beemon.checks.examine import try_to_examine
from beemon.checks.findings import CHECK_FAILED, NO_EVIDENCE, Examination
from beemon.config.settings import DeviceSettings
from beemon.devices._base import (
    Camera,
    Device,
    DeviceError,
    DeviceLostError,
    LibraryMissingError,
    Output,
    Recorder,
    Refusal,
    Sensor,
    SensorSettings,
)
from beemon.devices.ask import ResolvedDevice, resolve_devices
from beemon.media import tags
from beemon.storage import files
from beemon.system import processes, service
from beemon.worker.messages import (
    Answer,
    Begun,
    Cut,
    Done,
    Downward,
    Failed,
    Finish,
    Lost,
    NotSafe,
    Opened,
    Ready,
    Rebound,
    Switched,
    Upward,
    Work,
)
from beemon.worker.sampling import Sampler

if TYPE_CHECKING:
    from beemon.worker.live import LiveViews

log = logging.getLogger(__name__)

FINISH_SECONDS = 5.0
"""Time in seconds for recordings to end properly when the worker must finish."""

SALVAGE, INDEX, INSIGHT, COUNT = "salvage", "index", "insight", "count"
"""The tasks of a worker without devices."""
CALIBRATE = "calibrate"
"""The task of a sensor's worker besides reading."""
LIVE = "live"
"""The task of a camera's worker besides recordings and snapshots."""
TRY = "try"
"""The task for a device that has not worked yet: it is opened, and a sensor is read, without a job
or a reading."""
NICE = 10
"""The niceness of such a worker, so that recordings have priority."""

_SHORT_BY = 0.1  # seconds by which a recording may fall short and still count as whole


class CheckFailedError(DeviceError):
    """A recording that does not count, since its content did not pass its check."""

    reason = CHECK_FAILED


Tasks = queue.SimpleQueue[Callable[[], object] | None]
"""The tasks of one thread; None: there are no more."""


class Hands:
    """Threads that do tasks; one that has done its task waits for the next.

    A new thread for each would wake the caller twice: for the task, and when the thread runs.
    """

    def __init__(self) -> None:
        self._all: list[tuple[threading.Thread, Tasks]] = []
        self._free: deque[Tasks] = deque()

    def do(self, task: Callable[[], object]) -> None:
        """Have a thread do a task at once; called by one thread alone."""
        if not self._free:
            self._hire()
        self._free.pop().put(task)

    def finish(self, seconds: float) -> None:
        """Return when every task is done, but after ``seconds`` in any case."""
        deadline = clock.now().monotonic + seconds
        for thread, tasks in self._all:
            tasks.put(None)
            thread.join(max(0.0, deadline - clock.now().monotonic))

    def _hire(self) -> None:
        tasks = Tasks()
        thread = threading.Thread(target=self._work, args=(tasks,), name=f"hand-{len(self._all)}")
        self._all.append((thread, tasks))
        self._free.append(tasks)
        thread.start()

    def _work(self, tasks: Tasks) -> None:
        while task := tasks.get():
            task()
            self._free.append(tasks)


class Worker(SpawnProcess):
    """Drives ``devices`` for the Orchestrator at the other end of ``pipe``."""

    def __init__(
        self, name: str, devices: Mapping[str, DeviceSettings], pipe: Connection[Upward, Downward]
    ) -> None:
        super().__init__(name=f"beemon-{name}", daemon=True)
        self._settings = devices
        self._pipe = pipe
        self._parent = os.getpid()

    def run(self) -> None:
        """The process: work until told to finish, or until the Orchestrator has gone."""
        processes.begin_child(self.name, self._parent)
        processes.crash_with_any_thread()  # a driver's own threads count, listen and switch
        service.start_log()
        self._resolved: dict[str, ResolvedDevice] = {}
        self._devices: dict[str, Device] = {}
        self._samplers: dict[str, Sampler] = defaultdict(Sampler)
        self._running: dict[int, tuple[Work, threading.Event]] = {}
        self._hands = Hands()
        self._live: LiveViews | None = None
        self._sending = threading.Lock()
        self._ending = threading.Lock()
        self._make_outputs_safe()
        if not self._settings:
            with contextlib.suppress(PermissionError):  # a sandbox may forbid it
                os.nice(NICE)
        self._send(Ready())
        while not isinstance(message := self._receive(), Finish):
            if isinstance(message, Cut):
                self._cut(message.number)
            else:
                self._begin(message)
        self._finish()

    def _make_outputs_safe(self) -> None:
        """Switch all outputs to their safe state, as the first act, after an earlier worker."""
        for name, settings in self._settings.items():
            if settings.kind == "output":
                self._send(Begun(name))
                try:
                    self._open(name)
                except OSError as error:
                    self._send(NotSafe(name, reason_of(error), message_of(error)))

    def _receive(self) -> Downward:
        try:
            message: Downward = self._pipe.recv()
        except EOFError:
            return Finish()
        return message

    def _send(self, message: Upward) -> None:
        with self._sending:
            self._pipe.send(message)

    def _cut(self, number: int) -> None:
        if number in self._running:
            self._running[number][1].set()

    def _begin(self, work: Work) -> None:
        cancelled = threading.Event()
        self._running[work.number] = work, cancelled
        self._send(Begun(work.device, work.number))
        if self._settings and not self._guarded(work, lambda: self._open(work.device, work)):
            del self._running[work.number]
            return
        self._hands.do(partial(self._work, work, cancelled))

    def _open(self, name: str, work: Work | None = None) -> None:
        if name in self._devices:
            return
        device = self._make(name)
        if work is not None and work.rebind:
            self._rebind(name, device)
        device.on_lost = lambda error: self._end_over(name, error.reason, str(error))
        if isinstance(device, Output):
            device.changed = lambda on, seconds: self._send(Switched(name, on, seconds))
        device.open()
        self._devices[name] = device
        self._send(Opened(name))

    def _make(self, name: str) -> Device:
        """The device, not yet open.

        It is resolved when it is first opened, so that the cause is known if its driver ends the
        process.
        """
        if name not in self._resolved:
            found, problems = resolve_devices({name: self._settings[name]})
            if problems:
                raise LibraryMissingError("; ".join(map(str, problems)))
            self._resolved.update(found)
        return self._resolved[name].make()

    def _rebind(self, name: str, device: Device) -> None:
        """Have the kernel find its hardware again; the rest is done whether or not that worked."""
        try:
            if found := device.bind_anew():
                self._send(Rebound(name, found))
        except DeviceError as error:
            self._send(Rebound(name, trouble=str(error)))

    def _work(self, work: Work, cancelled: threading.Event) -> None:
        self._guarded(work, lambda: self._answer(work, self._carry_out(work, cancelled)))
        self._running.pop(work.number, None)
        if isinstance(self._devices.get(work.device), Recorder):
            processes.give_rest_back()

    def _answer(self, work: Work, answer: Answer) -> None:
        """Send it when the work is over: the next may come, and fail, before its thread ends."""
        self._running.pop(work.number, None)
        self._send(answer)

    def _guarded(self, work: Work, action: Callable[[], None]) -> bool:
        """Do it; if the driver or the disk fails, report the reason."""
        try:
            contain(action, partial(self._end_by_defect, work.device), of_files)
        except DeviceLostError as error:
            self._end_over(work.device, error.reason, str(error))
        except OSError as error:
            self._release(work, error)
            self._send(Failed(work.number, reason_of(error), message_of(error)))
            return False
        return True

    def _end_by_defect(self, name: str, error: Exception) -> NoReturn:
        said = f"{type(error).__name__}: {error}"
        self._end_over(name, "driver-error", said, traceback.format_exc())

    def _end_over(self, name: str, reason: str, message: str, details: str = "") -> NoReturn:
        """Tell that the device is lost, and end."""
        with self._ending:  # for good: who comes second has nothing to add
            self._send(Lost(name, reason, message, details))
            os._exit(70)

    def _carry_out(self, work: Work, cancelled: threading.Event) -> Answer:
        if not self._settings:
            return _do_chore(work)
        device = self._devices[work.device]
        if work.verb == TRY:
            return _try(device, work, self._samplers[work.device])
        if isinstance(device, Sensor) and work.verb == CALIBRATE:
            return Done(work.number, sampled=self._samplers[work.device].measure(device))
        if isinstance(device, Sensor):
            return _read(device, work, self._samplers[work.device])
        if isinstance(device, Output):
            return _switch(device, work)
        if isinstance(device, Camera) and work.verb == LIVE:
            return self._views().show(device, work, cancelled)
        return self._record(device, work, cancelled)

    def _views(self) -> LiveViews:
        from beemon.worker.live import LiveViews  # few cameras ever show any

        with self._ending:
            self._live = self._live or LiveViews()
            return self._live

    def _record(self, device: Device, work: Work, cancelled: threading.Event) -> Answer:
        if work.place is None or not isinstance(device, Recorder):
            raise TypeError(f"{work.device} cannot {work.verb}")
        temporary = work.place.temporary
        if work.verb == "snapshot" and isinstance(device, Camera):
            facts = checked_facts(device.snapshot(temporary))
        else:
            stated = device.record(temporary, work.seconds, cancelled, follows=work.follows)
            facts = checked_facts(stated)
            if cancelled.is_set() and not facts.seconds:
                return Failed(work.number, "cancelled", "nothing was recorded yet")
        is_cut = cancelled.is_set() and (facts.seconds or 0) < work.seconds - _SHORT_BY
        return self._keep(work, facts, is_cut=is_cut)

    def _keep(self, work: Work, facts: RecordingFacts, *, is_cut: bool) -> Done:
        """Examine a finished file and keep it: as a recording, or as evidence against its device.

        Raises :class:`CheckFailedError` where nothing can be made of it; then it is left over.
        """
        assert work.place is not None
        asked = work.seconds if work.verb == "record" and not is_cut else None
        found = try_to_examine(work.place.temporary, facts, asked)
        failure = "; ".join(map(str, found.failures)) or None
        if any(finding.word in NO_EVIDENCE for finding in found.failures):
            raise CheckFailedError(failure)
        facts, start = found.judged(facts), facts.start
        _, defect = attempt(lambda: _tag(work, facts), None)
        size, sha256 = files.keep_file(work.place)
        if failure:
            self._release(work, CheckFailedError(failure))
        return Done(
            work.number,
            readings=_features(work.device, found, start),
            path=work.place.final,
            recording=dataclasses.replace(facts, size=size, sha256=sha256),
            cut=is_cut,
            failure=failure,
            defects={**found.defects, **({"tags": defect} if defect else {})},
        )

    def _release(self, failed: Work, error: OSError) -> None:
        """Close the device, so that the next request opens it afresh.

        Not over the disk's failure, and not under other work on it.
        """
        running = [work for work, _ in list(self._running.values())]
        in_use = any(work.device == failed.device for work in running if work is not failed)
        if not in_use and reason_of(error) not in ("disk-full", "archive-error"):
            self._close(failed.device)

    def _close(self, name: str) -> None:
        device = self._devices.pop(name, None)
        if device is not None:
            device.close()

    def _finish(self) -> None:
        for _, cancelled in list(self._running.values()):
            cancelled.set()
        self._hands.finish(FINISH_SECONDS)
        for name in list(self._devices):
            self._close(name)


def _do_chore(work: Work) -> Done:
    """Do a task without a device; a salvaged recording has a path if there was something to keep.
    """
    from beemon.repair import indexing, salvage  # those who hold devices need neither

    if work.place is None:
        raise TypeError(f"{work.verb} of nothing")
    if work.asked is not None:
        from beemon.worker import insight  # with all rules

        return insight.look(work.number, work.place.final, work.asked)
    if work.verb == COUNT:
        from beemon.worker import counting

        count = partial(counting.count, work.number, work.place.final, work.bee_length)
        return processes.run_idle(count)
    if work.verb == INDEX:
        return Done(work.number, facts={**indexing.index_as(work.number, work.place.final)})
    found = salvage.salvage(work.place)
    return Done(work.number, path=work.place.final if found else None, recording=found)


def _tag(work: Work, facts: RecordingFacts) -> None:
    if work.place is None or work.tags is None:
        return
    whole = dataclasses.replace(
        work.tags,
        clock=facts.clock or clock.quality(),
        verdict=facts.verdict or tags.GOOD,
        findings=facts.findings or (),
        facts=dataclasses.replace(facts, verdict=None, findings=None),
    )
    try:
        tags.write(work.place.temporary, whole)
    except tags.BadTagsError as error:  # it counts all the same: the ledger says what it holds
        log.warning("%s: a recording could not be tagged: %s", work.device, error,
                    extra=service.fields(device=work.device))


def _features(device: str, found: Examination, start: Stamp) -> list[Reading]:
    """A recording's features as readings of it, dated at its start."""
    return found.readings(device, start) if found.features else []


def _read(sensor: Sensor, work: Work, sampler: Sampler) -> Done:
    measured = sampler.read(sensor, work.calibrations)
    at = clock.stamp()
    done = Done(work.number)
    for said in measured:
        name, quantity, unit = work.device, said.quantity, said.unit
        if isinstance(said, Refusal):
            reading = Reading(name, quantity, unit, None, said.reason, at, raw=said.raw)
            done.refused[quantity] = f"{said.reason}: {said.message}"
        else:
            reading = Reading(
                name, quantity, unit, said.value, None, at, said.quality, said.raw,
                said.calibration, said.uncertainty,
            )
        done.readings.append(reading)
    return done


def _try(device: Device, work: Work, sampler: Sampler) -> Done:
    """Have an open device prove itself. One that counts keeps counting for its first reading."""
    if isinstance(device, Sensor) and isinstance(device.settings, SensorSettings):
        return dataclasses.replace(_read(device, work, sampler), readings=[])
    return Done(work.number)


def _switch(output: Output, work: Work) -> Done:
    on = output.is_safe_on if work.verb == "make_safe" else work.verb == "on"
    until = output.turn(on=on, seconds=work.seconds or None)
    returns = {} if until is None else {"returns_after_seconds": until}
    return Done(work.number, facts={"output": "on" if on else "off", **returns})


def reason_of(error: OSError) -> str:
    """The word of :data:`beemon.base.outcomes.REASONS` for an error of a driver or the disk."""
    if isinstance(error, DeviceError):
        return error.reason
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk-full"
    return "archive-error" if error.filename else "device-error"


def message_of(error: OSError) -> str:
    """The error's message, the same each time: without the recording's own name, but with its
    folder."""
    if not (error.strerror and error.filename):
        return str(error) or type(error).__name__
    file = Path(os.fsdecode(error.filename))
    return f"{error.strerror}: {file.parent if files.is_temporary(file) else file}"
