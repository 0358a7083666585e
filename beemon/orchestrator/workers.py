"""Workers: a supervisor with its worker for each group of devices in the config.

A device that ends or blocks its group's worker gets a worker of its own, so that it no longer
delays the others. It keeps this worker until its settings change or the service restarts.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping

from beemon.base.status import DeviceStatus
from beemon.config.settings import RECORDERS
from beemon.devices.ask import ResolvedDevice
from beemon.orchestrator.supervisor import Supervisor
from beemon.orchestrator.supplies import Supplies
from beemon.orchestrator.task import Task
from beemon.orchestrator.worker_handle import Owner
from beemon.orchestrator.worker_process import Mailbox, StartWorker, WorkerProcess, monotonic
from beemon.system.service import fields
from beemon.worker.lanes import lane_of
from beemon.worker.worker import TRY

log = logging.getLogger(__name__)

MOST_APART = 4
"""Maximum number of devices with a worker of their own: each takes the memory of a Python
process."""
REST_SECONDS = 30.0
"""Time in seconds for which an unused recorder stays open outside its window."""
SLOT_REST_SECONDS = 2.0
"""The same after a slot: no client is about to use it again."""
LEAST_REST_SECONDS = 60.0
"""Minimum time in seconds for which a camera rests between slots. If it is less, the camera stays
open: each start of its worker costs power as well, and may fail."""

Devices = Mapping[str, ResolvedDevice]
SecondsToUse = Callable[[ResolvedDevice], float]
"""For how many seconds a device need not be open; infinite if nothing is planned for it."""


class Workers:
    """The supervisors of all devices, and those that a reload retired and whose workers still end.

    ``employer`` and ``mailbox`` are the supervisors' way back, ``start`` and ``now`` theirs too.
    No device is tried before ``try_from``, in monotonic seconds.
    """

    def __init__(
        self,
        employer: Owner,
        mailbox: Mailbox,
        supplies: Supplies,
        *,
        start: StartWorker = WorkerProcess,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.try_from = 0.0
        self._employer, self._mailbox, self._supplies = employer, mailbox, supplies
        self._start, self._now = start, now
        self._supervisors: dict[str, Supervisor] = {}
        self._retired: list[Supervisor] = []
        self._apart: dict[str, ResolvedDevice] = {}
        self._next_slots: dict[str, float] = {}

    @property
    def at_work(self) -> set[int]:
        """The jobs whose turn it is."""
        return {job for supervisor in self._all for job in supervisor.at_work}

    def are_at_rest(self, now: float) -> bool:
        """Whether none has anything to do until somebody, or a slot, wants something of a device.
        """
        return all(supervisor.is_at_rest(now) for supervisor in self._all)

    @property
    def is_idle(self) -> bool:
        """Whether all work is answered, and every worker has gone."""
        return not any(supervisor.alive or supervisor.busy for supervisor in self._all)

    def of(self, device: str) -> Supervisor:
        """The supervisor of a device."""
        return next(s for s in self._supervisors.values() if device in s.devices)

    def employ(self, devices: Devices) -> list[str]:
        """Let these devices be held, as they are set, and no others; return those let go."""
        self._apart = {n: was for n, was in self._apart.items() if devices.get(n) == was}
        wanted = _groups(devices, self._apart)
        let_go: list[str] = []
        for name, supervisor in list(self._supervisors.items()):
            if wanted.get(name) != supervisor.devices:
                self._retire(name)
                let_go += supervisor.devices
        for name, group in wanted.items():
            if name not in self._supervisors:
                self._hire(name, group)
        return let_go

    def tick(self, now: float) -> list[float]:
        """Act on what the time says; return when to look again (monotonic)."""
        looks = [supervisor.tick(now) for supervisor in self._all]
        self._retired = [s for s in self._retired if s.alive or s.busy]
        return [again for again in looks if again is not None]

    def try_next(self, now: float) -> None:
        """Have a device tried that has not shown yet whether it works; one at a time.

        A camera that records at noon only would else be dead all morning, and nobody would know.
        """
        if now < self.try_from or any(supervisor.is_trying for supervisor in self._all):
            return
        for supervisor in self._supervisors.values():
            if name := supervisor.untried(now):
                _try(supervisor, supervisor.devices[name], now)
                return

    @property
    def _resting(self) -> Iterator[tuple[Supervisor, ResolvedDevice]]:
        """The devices that are closed between slots, each with its supervisor."""
        for supervisor in self._supervisors.values():
            for device in supervisor.devices.values():
                if device.rests_between_slots:
                    yield supervisor, device

    def open_ahead(self, now: float, seconds_to_use: SecondsToUse) -> list[float]:
        """Open cameras that rested ahead of their next slot, once for each; return when to look
        again (monotonic)."""
        times = []
        for supervisor, device in self._resting:
            slot = now + seconds_to_use(device)
            opens_at = slot - supervisor.seconds_ahead
            if now < opens_at:
                times.append(opens_at)
            elif now >= self._next_slots.get(device.name, 0.0) and (
                supervisor.needs_opening(device.name, now)
            ):
                self._next_slots[device.name] = slot
                _try(supervisor, device, now)
        return times

    def let_rest(self, now: float, seconds_to_use: SecondsToUse) -> list[float]:
        """Close recorders that nobody wants, since they draw power; sensors and outputs stay.

        Returns when to look again (monotonic).
        """
        times = []
        for supervisor in self._all:
            devices = supervisor.devices.values()
            records = all(device.kind in RECORDERS for device in devices)
            if not records or supervisor.busy or not supervisor.idle_since:
                continue
            seconds = SLOT_REST_SECONDS if supervisor.was_slot else REST_SECONDS
            rests_at = supervisor.idle_since + seconds
            if now < rests_at:
                times.append(rests_at)
            elif min(map(seconds_to_use, devices)) >= supervisor.seconds_ahead + LEAST_REST_SECONDS:
                supervisor.rest()
        return times

    def cut(self, job: int, reason: str) -> None:
        """End a job's tasks early."""
        for supervisor in self._all:
            supervisor.cut(job, reason)

    def finish(self, reason: str) -> None:
        """End everything early, and let every worker exit by itself."""
        for supervisor in self._supervisors.values():
            supervisor.finish(reason)

    def kill(self, now: float) -> None:
        """End what is left at once."""
        for supervisor in self._all:
            supervisor.kill(now)

    def statuses(self, now: float) -> dict[str, DeviceStatus]:
        """The part of each device's status that its health and its worker tell."""
        return {
            name: supervisor.outputs.complete(health.status(now), name, now)
            for supervisor in self._supervisors.values()
            for name, health in supervisor.health.items()
        }

    @property
    def _all(self) -> list[Supervisor]:
        return [*self._supervisors.values(), *self._retired]

    def _retire(self, name: str) -> None:
        supervisor = self._supervisors.pop(name)
        supervisor.finish("reloaded")
        self._retired.append(supervisor)

    def _hire(self, name: str, group: Devices) -> None:
        before = [s for s in self._retired if s.group == name]
        self._supervisors[name] = Supervisor(
            name, group, self._employer, self._mailbox, self._supplies, before, self._set_apart,
            start=self._start, now=self._now,
        )

    def _set_apart(self, supervisor: Supervisor, device: str) -> None:
        if len(self._apart) >= MOST_APART:
            return
        self._apart[device] = supervisor.devices[device]
        self._supervisors[device] = supervisor.part_with(device)
        log.warning("%s: from now on it has its own worker, so that it cannot block other devices",
                    device, extra=fields(device=device))


def _try(supervisor: Supervisor, device: ResolvedDevice, now: float) -> None:
    lane = lane_of(device, "read" if device.kind == "sensor" else TRY, TRY)
    supervisor.submit(Task(0, device.name, TRY, lane, device.timeout), now)


def _groups(
    devices: Devices, apart: Collection[str]
) -> dict[str, dict[str, ResolvedDevice]]:
    """Which worker holds which devices, by the word of their drivers; some have one alone."""
    groups: dict[str, dict[str, ResolvedDevice]] = defaultdict(dict)
    for name, device in devices.items():
        groups[name if name in apart else device.group][name] = device
    return dict(groups)
