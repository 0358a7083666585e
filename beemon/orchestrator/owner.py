"""Owner: the Orchestrator's services for its supervisors, and its handling of their reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from beemon.base.clock import Clock
from beemon.base.readings import Calibration
from beemon.base.reports import DeviceChanged, Replaced, Report
from beemon.ledger import recordings as catalog
from beemon.ledger import switches
from beemon.ledger.ledger import Ledger
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.health import Health
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.task import Task
from beemon.orchestrator.troubles import Troubles
from beemon.scale.calibrations import Calibrations
from beemon.storage import files as recordings
from beemon.storage.files import Place
from beemon.worker.messages import Answer, Failed
from beemon.worker.worker import message_of, reason_of


@dataclass(frozen=True)
class SupervisorsOwner:
    """``make_room`` is called when the disk is full; ``write`` has something written to the
    ledger, ``report`` tells the Server something."""

    clock: Clock
    write: Callable[[Write, Written], None]
    report: Callable[[Report], None]
    inbox: Inbox
    pulse: Pulse
    in_force: InForce
    jobs: Jobs
    calibrations: Calibrations
    troubles: Troubles
    make_room: Callable[[], None]

    def place_for(self, task: Task, placed: Callable[[Place | Failed], None]) -> None:
        """Find a place for the task's recording, enter it in the ledger, then call back."""
        settings = self.in_force.settings
        suffix = self.in_force.devices[task.device].suffix_of(task.verb)

        def write(ledger: Ledger) -> Place | Failed:
            try:
                place = recordings.find_place(
                    settings.archive_path, settings.hive.name, task.device, suffix,
                    self.clock.now().utc_us, partial(catalog.is_taken, ledger),
                )
            except OSError as error:
                return Failed(task.number, reason_of(error), message_of(error))
            ledger.begin(task.job, task.device, place)
            return place

        self.write(write, self.inbox.forward(placed))

    def finished(self, task: Task, answer: Answer) -> None:
        """The task has its answer: the job may be at its end."""
        if isinstance(answer, Failed) and answer.reason == "disk-full":
            self.make_room()
        self.jobs.take(task, answer)

    def note_replaced(self) -> None:
        """Have the Server end the service, so that systemd starts the version on disk."""
        self.report(Replaced())

    def calibrations_of(self, device: str) -> Mapping[str, Calibration]:
        """The calibrations in use for a device, by the quantity that it measures."""
        return self.calibrations.of(device)

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
