"""One run of the service in the simulated year: what is real, and what is played.

The Orchestrator's loop is beemon's own, with its timetable, supervisors, ledger, keeper and clock
watch. The workers are played (:mod:`workers`), and so is the time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from workers import SimulatedWorker, World

from beemon.base import zone
from beemon.config.settings import Settings
from beemon.devices.ask import resolve_devices
from beemon.ledger.ledger import Ledger
from beemon.ledger.session import ArchiveSession
from beemon.orchestrator.assembly import Surroundings, assemble
from beemon.orchestrator.conditions import LedgerWriting
from beemon.orchestrator.halt import Machine
from beemon.orchestrator.inbox import Action, Inbox
from beemon.orchestrator.job import QueuedCommand
from beemon.protocol.reports import Report

KEEP_SECONDS = 120.0
"""How often the keeper looks, besides soon after each recording; its thread does so more often."""
STOP_SECONDS = 0.1
"""How far the clock is set at a time while the loop ends."""


class StillInbox(Inbox):
    """Waits for nothing."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do at this moment."""
        return self._actions.empty()

    def take(self, _: float) -> Action | None:
        """The next action, if there is one."""
        return super().take(0.0)


class Run:
    """The service from a start to a stop, or to a power cut."""

    def __init__(
        self, archive: Path, settings: Settings, local: tzinfo, world: World,
        keep_seconds: float, make_machine: Callable[[], Machine],
    ) -> None:
        self._world, self._keep_seconds = world, keep_seconds
        self._session = ArchiveSession(archive, world.clock)
        self._session.open()
        self._ledger = Ledger(archive, self._session.run_number, clock=world.clock)
        self._inbox = StillInbox()
        devices, problems = resolve_devices(settings.devices)
        assert not problems, problems
        self._loop = assemble(settings, devices, self._session.run_number, Surroundings(
            clock=world.clock, inbox=self._inbox, write=self._write, writing=LedgerWriting(),
            report=_tell_nobody, start_worker=partial(SimulatedWorker, world),
            local=zone.Local(local), make_machine=make_machine,
        ))
        self._next_keep = 0.0
        world.make_room = self._loop.desk.keeper.make_room
        self._loop.start()

    def take(self, command: str) -> None:
        """Carry out a command, as if a client had sent it."""
        self._loop.take(command)
        self._turn()

    def reload(self, settings: Settings) -> None:
        """Take over other settings, which the Server hands on with the command."""
        job = self._session.accept("reload", "127.0.0.1:1")
        self._loop.take(QueuedCommand("reload", job, "127.0.0.1:1", settings))
        self._turn()

    def stop(self) -> None:
        """End in order: what is at work is cut, and kept."""
        self._loop.take(None)
        self._turn()
        while not self._loop.is_over:
            self._world.clock.go_on(STOP_SECONDS)
            self._world.go_on()
            self._turn()
        self.lose_power()

    def lose_power(self) -> None:
        """End at once: what was committed is kept, and what is at work is never answered."""
        keeper = self._loop.desk.keeper
        keeper.finish()
        keeper.run()  # once finished, it only lets go of the ledger
        self._ledger.close()
        self._session.close()

    def step(self) -> float:
        """Do what is due; return the seconds until there is more to do."""
        self._world.go_on()
        if self._world.now >= self._next_keep:
            self._next_keep = self._world.now + self._keep_seconds
            self._loop.desk.keeper.make_room()
        self._turn()
        due = self._loop.desk.timetable.seconds_to_next(self._world.clock.stamp())
        waits = [wait for wait in (due, self._world.seconds_to_next()) if wait is not None]
        return min([self._keep_seconds, *(max(wait, 0.001) for wait in waits)])

    def _turn(self) -> None:
        """Have the loop turn until nothing is left to do at this moment."""
        self._loop.turn()
        while not self._inbox.is_empty:
            self._loop.turn()

    def _write(self, write: Callable[[Ledger], Any], written: Callable[[Any], None]) -> None:
        with self._ledger.transaction() as ledger:
            result = write(ledger)
        written(result)


def _tell_nobody(_: Report) -> None:
    """There is no Server here."""
