"""Owner: the Orchestrator's handling of the reports of its supervisors."""

from __future__ import annotations

from collections.abc import Callable

from beemon.base.clock import Clock
from beemon.base.values import value_class
from beemon.ledger import switches
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.health import Health
from beemon.orchestrator.inbox import Pulse
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.task import Task
from beemon.orchestrator.troubles import Troubles
from beemon.protocol.reports import DeviceChanged, Replaced, Report
from beemon.worker.messages import Answer, Failed


@value_class
class SupervisorsOwner:
    """``make_room`` is called when the disk is full; ``write`` has something written to the
    ledger, ``report`` tells the Server something."""

    clock: Clock
    write: Callable[[Write, Written], None]
    report: Callable[[Report], None]
    pulse: Pulse
    jobs: Jobs
    troubles: Troubles
    make_room: Callable[[], None]

    def finished(self, task: Task, answer: Answer) -> None:
        """The task has its answer; `status` shows at once that a job is at its end."""
        if isinstance(answer, Failed) and answer.reason == "disk-full":
            self.make_room()
        self.jobs.take(task, answer)
        if task.job not in self.jobs.jobs:
            self.pulse.hurry()

    def note_replaced(self) -> None:
        """Have the Server end the service, so that systemd starts the version on disk."""
        self.report(Replaced())

    def device_changed(self, device: str, health: Health) -> None:
        """Tell of a device's trouble when it begins, changes or ends."""
        self.troubles.tell(device, health)
        self.report(DeviceChanged(device, health.state, health.trouble))
        self.pulse.hurry()

    def output_switched(self, device: str, *, on: bool, seconds: float | None) -> None:
        """Keep what the output did as an event: it explains what the sensors say afterwards."""
        at = self.clock.stamp()
        self.write(
            lambda ledger: switches.enter(ledger, device, on=on, seconds=seconds, at=at),
            lambda _: None,
        )
        self.pulse.hurry()
