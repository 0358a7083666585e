"""Dispatcher: makes a job of each command, and hands it to the handler of its word."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from beemon.base import outcomes
from beemon.orchestrator.desk import Desk
from beemon.orchestrator.handlers import HANDLERS, Handler
from beemon.orchestrator.job import QueuedCommand
from beemon.protocol import commands
from beemon.protocol.lines import RequestError


class Dispatcher:
    """Works in the loop alone. Once ``is_stopping``, no command is begun any more."""

    def __init__(self, desk: Desk, handlers: Mapping[str, Handler] = HANDLERS) -> None:
        self.is_stopping = False
        self._desk, self._handlers = desk, handlers
        self._entering = 0

    @property
    def is_entering(self) -> bool:
        """Whether a command is on its way to the ledger, for its job number."""
        return self._entering > 0

    def take(self, command: str) -> None:
        """Carry out a command off the queue."""
        if isinstance(command, QueuedCommand) and command.job is not None:
            self.execute(command, command.job)
        else:
            origin = command.origin if isinstance(command, QueuedCommand) else "queue"
            self._enter(str(command), origin)

    def execute(self, command: QueuedCommand, number: int) -> None:
        """Carry out a command that has its job number."""
        desk = self._desk
        if self.is_stopping:
            ending = outcomes.interrupted("stopping", "not begun")
            desk.jobs.end_unbegun(number, command, ending)
            return
        try:
            request = commands.parse(str(command), desk.in_force.settings.devices)
            if not request.word.is_command:
                raise RequestError("unknown-command", f"{request.word.name} is not a command")
        except RequestError as error:
            desk.jobs.end_unbegun(number, command, outcomes.failed("refused", str(error)))
            return
        job = desk.jobs.open(command, number, request.word.name)
        desk.pulse.hurry()
        self._handlers[job.verb](desk, job, request)

    def _enter(self, text: str, origin: str) -> None:
        """Give a command that no client sent its job number, then carry it out like any other."""
        self._entering += 1
        came = self._desk.clock.stamp()
        self._desk.write(
            lambda ledger: ledger.accept(text, origin, came),
            self._desk.inbox.forward(partial(self._entered, text, origin)),
        )

    def _entered(self, text: str, origin: str, job: int) -> None:
        self._entering -= 1
        self.execute(QueuedCommand(text, job, origin), job)
