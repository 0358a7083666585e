"""Supplies: the place for a recording and the calibrations that a worker gets with a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from beemon.base.clock import Clock
from beemon.base.readings import Calibration
from beemon.base.values import value_class
from beemon.ledger.ledger import Ledger
from beemon.ledger.recordings import is_taken
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.task import Task
from beemon.storage import files
from beemon.storage.files import Place
from beemon.worker.messages import Failed
from beemon.worker.worker import message_of, reason_of

FindPlace = Callable[[Task, Callable[[Place | Failed], None]], None]
"""Finds a place for a task's recording, then calls back."""


@value_class
class Supplies:
    """``calibrations_of`` returns the calibrations of a device, by quantity."""

    find_place: FindPlace
    calibrations_of: Callable[[str], Mapping[str, Calibration]]


@value_class
class Placer:
    """Finds places in the archive in force. ``write`` has something written to the ledger."""

    clock: Clock
    write: Callable[[Write, Written], None]
    inbox: Inbox
    in_force: InForce

    def find_place(self, task: Task, placed: Callable[[Place | Failed], None]) -> None:
        """Find a place for the task's recording, enter it in the ledger, then call back."""
        settings = self.in_force.settings
        suffix = self.in_force.devices[task.device].suffix_of(task.verb)

        def write(ledger: Ledger) -> Place | Failed:
            try:
                place = files.find_place(
                    settings.archive_path, settings.hive.name, task.device, suffix,
                    self.clock.now().utc_us, partial(is_taken, ledger),
                )
            except OSError as error:
                return Failed(task.number, reason_of(error), message_of(error))
            ledger.begin(task.job, task.device, place)
            return place

        self.write(write, self.inbox.forward(placed))
