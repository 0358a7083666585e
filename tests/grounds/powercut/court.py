"""Processes that judge states side by side: mount, recover, look, unmount."""

from __future__ import annotations

import logging
import multiprocessing
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from pathlib import Path

from beemon.ledger.ledger import Ledger
from beemon.ledger.session import ArchiveSession
from beemon.repair.salvage import salvage_all
from tests.grounds.deadline import until
from tests.grounds.powercut import disk
from tests.grounds.powercut.judge import Judge
from tests.grounds.powercut.load import Service
from tests.grounds.powercut.promises import Promise

ARCHIVE = "archive"
"""The archive's folder on an image."""

CHECKED_MOUNT = "nobarrier"
"""How a state is mounted: nothing that is written to it has to outlive the look at it."""


@dataclass(frozen=True)
class State:
    """What a power cut left, and what had been promised by then."""

    number: int
    image: Path
    promises: list[Promise]
    boots: bool


@dataclass(frozen=True)
class Verdict:
    """What was found in a state; ``counts`` say how much was looked at."""

    number: int
    image: Path
    violations: list[str]
    counts: Counter[str] = field(default_factory=Counter)


class Court:
    """``judges`` processes; states go in, verdicts come out in any order."""

    def __init__(self, folder: Path, judges: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._states: Queue[State | None] = context.Queue()
        self._verdicts: Queue[Verdict] = context.Queue()
        self._judges = [
            context.Process(
                target=_judge_all,
                args=(folder / f"judge-{number}", self._states, self._verdicts),
                daemon=True,
            )
            for number in range(judges)
        ]
        for judge in self._judges:
            judge.start()

    def take(self, state: State) -> None:
        """Have a state judged."""
        self._states.put(state)

    def verdict(self) -> Verdict:
        """The next one that is ready. Raises ``queue.Empty`` where none comes in two minutes."""
        return self._verdicts.get(timeout=120)

    def close(self) -> None:
        """Send the judges home."""
        for _ in self._judges:
            self._states.put(None)
        for judge in self._judges:
            judge.join(20)


def _judge_all(folder: Path, states: Queue[State | None], verdicts: Queue[Verdict]) -> None:
    logging.disable()  # each recovery says what it found
    folder.mkdir(parents=True)
    judge = Judge()
    while (state := states.get()) is not None:
        judge.counts = Counter()
        violations = list(_judged(judge, state, folder))
        verdicts.put(Verdict(state.number, state.image, violations, judge.counts))


def _judged(judge: Judge, state: State, folder: Path) -> Iterator[str]:
    try:
        with disk.mounted(state.image, folder / "mount", CHECKED_MOUNT) as mount:
            yield from _look(judge, state, mount / ARCHIVE, folder)
    except OSError as error:
        yield f"no file system: {error}"


def _look(judge: Judge, state: State, archive: Path, folder: Path) -> Iterator[str]:
    yield from judge.before_recovery(archive)
    try:
        recover(archive)
    except (OSError, sqlite3.Error) as error:
        yield f"no recovery: {type(error).__name__}: {error}"
        return
    yield from judge.after_recovery(archive, state.promises)
    if state.boots:
        judge.counts["boots"] += 1
        yield from _boot(archive, folder)
        yield from judge.after_recovery(archive, state.promises)


def recover(archive: Path) -> None:
    """What the service does with an archive before it listens, and what its archive worker does."""
    with closing(ArchiveSession(archive)) as register:
        register.open()
        with closing(Ledger(archive, register.run_number)) as ledger:
            salvage_all(ledger)


def _boot(archive: Path, folder: Path) -> Iterator[str]:
    """The whole service starts on it, answers and works."""
    service = Service(archive, folder / "service")
    service.start()
    try:
        until(service.answers, "an answer")
        for command in ("record microphone.brood 0.3", "snapshot camera.entrance", "read"):
            ending = service.do(command)
            if ending.get("outcome") != "done":
                yield f"does not work after the start: {command}: {ending}"
        service.stop()
    except (RuntimeError, OSError) as error:
        yield f"does not start: {error}"
    finally:
        service.kill()
