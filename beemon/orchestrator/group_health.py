"""Group health: the health of all devices of one worker, by its reports and its answers."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Collection, Mapping

from beemon.base.status import DeviceState
from beemon.config.settings import RECORDERS
from beemon.devices.ask import ResolvedDevice
from beemon.orchestrator.blame import WorkerEnd
from beemon.orchestrator.health import Health
from beemon.orchestrator.task import Task
from beemon.worker.messages import Answer, Done, Failed, Lost, Rebound

log = logging.getLogger(__name__)

_LIFELESS = ("silent:", "stuck:", "flat:", "black:", "blank:", "frozen:")
"""Findings of a recording's check that a device causes if it hangs internally."""


class GroupHealth:
    """The health ``of`` each device; ``changed`` is called after a change. Times are monotonic."""

    def __init__(
        self, devices: Mapping[str, ResolvedDevice], changed: Callable[[str, Health], None]
    ) -> None:
        self.of = {device: Health() for device in devices}
        self._devices = devices
        self._changed = changed
        self._told: dict[str, tuple[DeviceState, str | None, str | None]] = {}

    def is_settled(self, now: float) -> bool:
        """Whether no device is used soon just because the time has come."""
        return not any(
            health.state in (DeviceState.UNTRIED, DeviceState.STARTING)
            or (health.state is DeviceState.BACKING_OFF and not health.may_try(now))
            for health in self.of.values()
        )

    def tell(self, device: str) -> None:
        """Report a device's health, if it is not the same as before."""
        health = self.of[device]
        now = health.state, health.trouble, health.note
        if self._told.get(device) != now:
            self._told[device] = now
            self._changed(device, health)

    def untried(self, asked: Collection[str], now: float) -> str | None:
        """Return a device that has shown neither that it works nor that it does not."""
        return next((
            name for name, health in self.of.items()
            if name not in asked and self._devices[name].kind != "output"
            and health.needs_try(now, opening_is_proof=self._is_recorder(name))
        ), None)

    def refusal(self, task: Task, now: float) -> Failed | None:
        """Return why the task's device is not to be used at ``now``; None: it may be used."""
        health = self.of[task.device]
        if health.may_try(now):
            return None
        reason = "fatal" if health.state is DeviceState.GIVEN_UP else "back-off"
        wait = health.retry_at - now
        message = f"not used for another {wait:.0f} s after: {health.trouble}"
        return Failed(task.number, reason, message)

    def may_try_all(self, devices: Collection[str], now: float) -> bool:
        """Whether all these devices may be used at ``now``."""
        return all(self.of[device].may_try(now) for device in devices)

    def note_starting(self, devices: Collection[str]) -> None:
        """A worker starts, with work for these devices."""
        for device in devices:
            self.of[device].starting()
            self.tell(device)

    def note_opened(self, device: str, now: float) -> None:
        """The worker has opened a device; an output is then in its safe state."""
        self.of[device].opened()
        if self._devices[device].kind == "output":
            self.of[device].well(now)
        self.tell(device)

    def note_trouble(self, device: str, trouble: str, now: float) -> None:
        """A device raised an error."""
        self.of[device].troubled(trouble, now)
        self.tell(device)

    def note_rebound(self, rebound: Rebound) -> None:
        """Log the first of equal failures to rebind, and nothing of a device that is given up."""
        health, before = self.of[rebound.device], self.of[rebound.device].rebind_trouble
        health.rebind_trouble = rebound.trouble
        health.rebound += rebound.trouble is None
        if rebound.trouble and rebound.trouble != before:
            log.warning("%s: its USB device could not be rebound: %s",
                        rebound.device, rebound.trouble)
        elif not rebound.trouble and not health.is_given_up:
            log.warning("%s: its USB device %s was rebound", rebound.device, rebound.usb)

    def log_defect(self, lost: Lost) -> None:
        """Log the traceback of a driver's defect, once."""
        if lost.details and self.of[lost.device].is_news(f"{lost.reason}: {lost.message}"):
            log.error("%s: its driver has a defect\n%s", lost.device, lost.details)

    def ending_signal(self, end: WorkerEnd, devices: Collection[str]) -> signal.Signals | None:
        """Return SIGABRT, which writes the worker's stacks to the journal, for new trouble only."""
        is_news = any(self.of[device].is_news(end.trouble) for device in devices)
        return signal.SIGKILL if end.signal is signal.SIGABRT and not is_news else end.signal

    def strike(self, devices: Collection[str], end: WorkerEnd, now: float) -> None:
        """Count the end of a worker as a failure of these devices; the caller reports it."""
        for device in devices:
            self.of[device].strike(end.trouble, now)

    def note_answer(self, device: str, answer: Answer, now: float) -> bool:
        """Take an answer as evidence; return whether the device works.

        A refused value is a trouble of a device that works.
        """
        health = self.of[device]
        works = isinstance(answer, Done) and (bool(answer.refused) or answer.failure is None)
        if isinstance(answer, Done) and answer.refused:
            health.troubled("; ".join(f"{q}: {why}" for q, why in answer.refused.items()), now)
        elif isinstance(answer, Done) and works:
            health.well(now)
            made = answer.recording
            if made and (made.seconds is not None or made.informed):
                health.note = made.informed  # a picture alone has no rate
        else:
            health.troubled(trouble_of(answer), now)
        self.tell(device)
        return works

    def needs_new_worker(self, device: str, answer: Answer) -> bool:
        """Whether a recorder failed repeatedly in a way that a new worker may help against."""
        if not self._is_recorder(device) or not self.of[device].needs_more:
            return False
        if isinstance(answer, Failed):
            return answer.reason == "device-error"
        return (answer.failure or "").startswith(_LIFELESS)

    def forgive(self, devices: Collection[str], now: float) -> None:
        """Forget the failures of devices whose worker has run for long enough."""
        for device in devices:
            if self.of[device].strikes:
                self.of[device].well(now)
                self.tell(device)

    def note_stopped(self) -> None:
        """There is no worker any more."""
        for health in self.of.values():
            health.stopped()

    def _is_recorder(self, device: str) -> bool:
        return self._devices[device].kind in RECORDERS


def trouble_of(answer: Answer) -> str:
    """Return the trouble of a device that an answer shows."""
    if isinstance(answer, Done):
        return f"check-failed: {answer.failure}"
    return f"{answer.reason}: {answer.message}"
