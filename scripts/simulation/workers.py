"""Workers of the simulated year: they hang, die, lie and fail now and then, and else do their work.

They stand below the real supervisors, in the place of a worker's process. A recording is as many
random bytes as its length asks for; what the sensors say is the simulated hive's.
"""

from __future__ import annotations

import heapq
import itertools
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial

from clockwork import Clockwork

from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.devices.ask import ResolvedDevice
from beemon.devices.sensors.simulated import QUANTITIES
from beemon.orchestrator.worker_process import Mailbox
from beemon.repair.salvage import salvage
from beemon.retention.keeper import LOOK_SECONDS
from beemon.storage import files
from beemon.worker import insight
from beemon.worker.messages import (
    Answer,
    Begun,
    Cut,
    Done,
    Downward,
    Failed,
    Finish,
    Opened,
    Ready,
    Upward,
    Work,
)
from beemon.worker.worker import INSIGHT, SALVAGE, TRY

BYTES_A_SECOND = {"camera": 4000, "microphone": 1000}
"""A hundredth and less of what real ones write: the disk is so much smaller, too."""
BATTERY = "sensor.battery"
START_SECONDS, READ_SECONDS, ABORT_SECONDS = 2.0, 0.5, 1.0
FAULTS = (("hangs", 0.0005), ("dies", 0.0005), ("lies", 0.001), ("fails", 0.002))
"""How often a worker does so, of all its work."""


class World:
    """The machine that the workers run on: its clock, its chance, and what is to happen when."""

    def __init__(self, clock: Clockwork, chance: random.Random, seen: Counter[str]) -> None:
        self.clock, self.chance, self.seen = clock, chance, seen
        self.measure_battery: Callable[[], float] | None = None
        self.make_room: Callable[[], None] = lambda: None
        """The keeper's look at the disk; a run sets its own."""
        self.workers: list[SimulatedWorker] = []
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    @property
    def now(self) -> float:
        """The monotonic clock, in seconds."""
        return self.clock.now().monotonic

    def happen(self, seconds: float, what: Callable[[], None]) -> None:
        """Have something happen so many seconds from now."""
        heapq.heappush(self._coming, (self.now + seconds, next(self._numbers), what))

    def go_on(self) -> None:
        """Have happen what is due."""
        while self._coming and self._coming[0][0] <= self.now:
            heapq.heappop(self._coming)[2]()

    def seconds_to_next(self) -> float | None:
        """How long it is until something happens; None if nothing is to happen."""
        return max(0.0, self._coming[0][0] - self.now) if self._coming else None

    @property
    def recording(self) -> list[str]:
        """The kinds of the devices that are recording."""
        self.workers = [worker for worker in self.workers if not worker.is_gone(0.0)]
        return [kind for worker in self.workers for kind in worker.recording]

    def fault(self) -> str | None:
        """What is wrong with a piece of work, if anything is."""
        for word, share in FAULTS:
            if self.chance.random() < share:
                self.seen[f"a worker {word}"] += 1
                return word
        return None


class SimulatedWorker:
    """Has the surface of :class:`beemon.orchestrator.worker_process.WorkerProcess`."""

    pid = None

    def __init__(
        self,
        world: World,
        _name: str,
        _devices: Mapping[str, ResolvedDevice],
        mailbox: Mailbox,
        heard: Callable[[Upward], None],
        ended: Callable[[str], None],
    ) -> None:
        self.is_ready = self.is_resting = False
        self.opened: set[str] = set()
        self.opening: str | None = None
        self._world, self._mailbox = world, mailbox
        self._tell_heard, self._tell_ended = heard, ended
        self._working: dict[int, Work] = {}
        self._is_gone = self._let_go = False
        world.workers.append(self)
        world.happen(START_SECONDS, partial(self._say, Ready()))

    @property
    def limit(self) -> float | None:
        """It starts and ends in time."""
        return None

    @property
    def recording(self) -> list[str]:
        """The kinds of the devices that it records with at the moment."""
        return [
            work.device.split(".")[0] for work in self._working.values() if work.verb == "record"
        ]

    def send(self, message: Downward) -> None:
        """Take work, or the word to end it."""
        if self._is_gone:
            return
        if isinstance(message, Work):
            self._begin(message)
        elif isinstance(message, Cut):
            if work := self._working.get(message.number):
                self._answer(work, is_cut=True)
        elif isinstance(message, Finish):
            for work in list(self._working.values()):
                self._answer(work, is_cut=True)
            self._world.happen(READ_SECONDS, partial(self._end, ""))

    def rest(self) -> None:
        """End everything, and exit."""
        self.send(Finish())
        self.is_ready, self.is_resting = False, True

    def let_go(self, how: signal.Signals | None = None) -> None:
        """Be heard no more; ended by a signal it is gone a moment later."""
        self._let_go = True
        if how is not None:
            self._world.happen(ABORT_SECONDS, self.kill)

    def is_gone(self, _: float) -> bool:
        """Whether the process has ended."""
        return self._is_gone

    def kill(self) -> None:
        """End it at once."""
        self._is_gone = True

    def _begin(self, work: Work) -> None:
        self._say(Begun(work.device, work.number))
        if work.device and work.device not in self.opened:
            self._say(Opened(work.device))
        self._working[work.number] = work
        if work.place is not None and work.verb not in (SALVAGE, INSIGHT):
            work.place.temporary.touch()
        seconds = work.seconds if work.verb == "record" else READ_SECONDS
        fault = None if work.verb in (TRY, SALVAGE) else self._world.fault()
        if fault == "dies":
            self._world.happen(seconds / 2, partial(self._end, " (SIGSEGV)"))
        elif fault != "hangs":
            self._world.happen(seconds, partial(self._answer, work, fault))

    def _answer(self, work: Work, fault: str | None = None, *, is_cut: bool = False) -> None:
        if self._is_gone or self._working.pop(work.number, None) is None:
            return
        if fault == "fails":
            self._say(Failed(work.number, "device-error", "its hardware has an error"))
        else:
            self._say(self._done(work, is_lie=fault == "lies", is_cut=is_cut))

    def _done(self, work: Work, *, is_lie: bool, is_cut: bool) -> Answer:
        if work.verb == SALVAGE:
            assert work.place is not None
            found = salvage(work.place)
            return Done(work.number, path=work.place.final if found else None, recording=found)
        if work.verb == TRY:
            return Done(work.number)
        if work.verb == INSIGHT:
            return self._look(work)
        if work.verb == "read":
            return self._read(work, is_lie=is_lie)
        try:
            return self._record(work, is_lie=is_lie, is_cut=is_cut)
        except OSError as error:
            return Failed(work.number, "disk-full", str(error))

    def _look(self, work: Work) -> Answer:
        """The real findings of a simulated day."""
        assert work.place is not None
        assert work.asked is not None
        try:
            return _own_process().submit(
                insight.look, work.number, work.place.final, work.asked
            ).result()
        except OSError as error:
            return Failed(work.number, "disk-full", str(error))

    def _read(self, work: Work, *, is_lie: bool) -> Done:
        """A sensor that lies says what cannot be, and is refused."""
        at = self._world.clock.stamp()
        if is_lie:
            return Done(work.number, refused=dict.fromkeys(QUANTITIES, "out-of-range"), readings=[
                Reading(work.device, quantity, unit, None, "out-of-range", at)
                for quantity, (_, unit) in QUANTITIES.items()
            ])
        if work.device == BATTERY and (volts := self._world.measure_battery):
            return Done(work.number, [Reading(BATTERY, "voltage", "V", volts(), None, at)])
        return Done(work.number, [
            Reading(work.device, quantity, unit, measure(0, at.utc_us / 1e6), None, at)
            for quantity, (measure, unit) in QUANTITIES.items()
        ])

    def _record(self, work: Work, *, is_lie: bool, is_cut: bool) -> Done:
        """A recorder that lies leaves a file in which its check finds nothing but silence."""
        assert work.place is not None
        seconds = work.seconds / 2 if is_cut else work.seconds
        size = round(seconds * BYTES_A_SECOND[work.device.split(".")[0]])
        work.place.temporary.write_bytes(os.urandom(size))
        kept, sha256 = files.keep_file(work.place)
        self._world.happen(LOOK_SECONDS, self._world.make_room)
        at = self._world.clock.stamp()
        made = RecordingFacts(
            at.utc_us - round(seconds * 1e6), at.monotonic - seconds, at.quality, seconds,
            size=kept, sha256=sha256,
        )
        if is_lie:
            made = replace(made, verdict="failed", findings=("silent",))
        return Done(
            work.number, path=work.place.final, recording=made, cut=is_cut,
            failure="silent" if is_lie else None,
        )

    def _say(self, message: Upward) -> None:
        self._mailbox(partial(self._hear, message))

    def _hear(self, message: Upward) -> None:
        if self._let_go or self._is_gone:
            return
        self.is_ready |= isinstance(message, Ready) and not self.is_resting
        self._tell_heard(message)

    def _end(self, how: str) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        if not self._let_go:
            self._mailbox(partial(self._tell_ended, how))


@cache
def _own_process() -> ProcessPoolExecutor:
    """Where the findings are made: as a worker's, its memory is not the Orchestrator's."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
