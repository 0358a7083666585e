"""The drilled service, and what it is asked and answers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beemon.orchestrator.health import TIERS
from beemon.protocol.client import Client
from tests.grounds.drill.case import Case, Good, Rig, Stand, Victim
from tests.grounds.tree import PROJECT
from tests.hive import Hive, until

ASK = {"microphone": "record {} {}", "camera": "record {} {}", "sensor": "read {}"}
REFUSED = ("back-off", "fatal")
INTERVAL_SECONDS = 5.0
SCHEDULES = {
    "sensor": f'interval = "{INTERVAL_SECONDS:g}s"',
    "camera": f'interval = "{INTERVAL_SECONDS:g}s", duration = "2s"',
}
SCHEDULES["microphone"] = SCHEDULES["camera"]
PAUSE_SECONDS = 0.1
WELL_SECONDS = 60.0
"""How long a device may take to work at first, or again once its fault is gone."""
NOTICE_SECONDS = 60.0


@dataclass
class Answered:
    """One request: when it was sent and answered (monotonic), and the job as the ledger has it."""

    asked: float
    answered: float
    job: dict[str, Any]

    @property
    def done(self) -> bool:
        return bool(self.job["outcome"] == "done")


@dataclass
class Course:
    """How a case went: its requests under the fault and after it, and the tiers that answered.

    Times are monotonic seconds; None: it never came to that.
    """

    rig: Rig
    case: Case
    began: float = 0.0
    ended: float | None = None
    well: float | None = None
    under: list[Answered] = field(default_factory=list)
    after: list[Answered] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    trouble: str = ""

    @property
    def failed(self) -> Answered | None:
        """The request that showed the fault."""
        return next((answer for answer in self.under if not answer.done), None)

    @property
    def tier(self) -> str | None:
        """The last tier of recovery that answered."""
        return next((tier for tier in reversed(TIERS) if self.counted.get(tier)), None)


class Service(Hive):
    """The real service with every device of these stands; the good ones have a schedule."""

    def __init__(self, folder: Path, stands: list[Stand]) -> None:
        rigs = [rig for stand in stands for rig in stand.rigs]
        self.good = [good for stand in stands for good in stand.good]
        path = [*(p for stand in stands for p in stand.path), str(PROJECT)]
        environment = {key: v for stand in stands for key, v in stand.environment.items()}
        super().__init__(
            folder, "\n".join([*map(_table, rigs), *map(_scheduled, self.good)]),
            PYTHONPATH=os.pathsep.join(path), DRILL=str(os.getpid()), **environment,
        )
        self._on: dict[str, bool] = {}

    def recovery(self, device: str) -> dict[str, int]:
        """How often each tier answered for a device."""
        counts: dict[str, int] = self.ask("status")["devices"][device].get("recovery", {})
        return counts

    def drill(self, rig: Rig, case: Case) -> Course:
        """One case, from a device that works to one that works again."""
        course = Course(rig, case)
        with self.client() as client:
            try:
                self._go_through(client, course)
            except AssertionError as error:  # what was waited for did not come
                course.trouble = str(error).splitlines()[0]
            finally:
                if course.ended is None:
                    case.end()
        return course

    def _go_through(self, client: Client, course: Course) -> None:
        case, device = course.case, course.rig.device
        self._ask_until(client, course, course.after, True, WELL_SECONDS, "it does not work")
        before = self.recovery(device)
        course.after.clear()
        case.begin()
        course.began = time.monotonic()
        if case.reason is None:
            while time.monotonic() < course.began + case.lag + 1.0:
                self._put(client, course, course.under)
        else:
            self._ask_until(client, course, course.under, False, NOTICE_SECONDS, "never noticed")
        if case.lasts:
            self._until_fatal(client, course)
        else:
            case.end()
            course.ended = time.monotonic()
            self._ask_until(client, course, course.after, True, WELL_SECONDS, "never well again")
            course.well = course.after[-1].answered
        after = self.recovery(device)
        course.counted = {tier: n - before.get(tier, 0) for tier, n in after.items()}

    def _until_fatal(self, client: Client, course: Course) -> None:
        deadline = time.monotonic() + WELL_SECONDS
        while course.under[-1].job.get("reason") != "fatal":
            if time.monotonic() > deadline:
                raise AssertionError("never given up")
            self._put(client, course, course.under)

    def _ask_until(self, client: Client, course: Course, answers: list[Answered], done: bool,
                   seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not answers or answers[-1].done is not done:
            if time.monotonic() > deadline:
                said = answers[-1].job if answers else {}
                raise AssertionError(f"{otherwise}: {said.get('message')}")
            self._put(client, course, answers)

    def _put(self, client: Client, course: Course, answers: list[Answered]) -> None:
        """One request, and its job as the ledger has it."""
        kills = course.case.victim if answers is course.under else None
        if kills and course.case.lag:
            until(kills, 20)  # what hangs is not what is asked
        asked = time.monotonic()
        number = client.request(self._request(course.rig)).payload["job"]
        if kills:
            self._kill_under(number, kills)
        client.wait(number)
        answered = time.monotonic()
        job = client.request(f"job {number}").payload
        answers.append(Answered(asked, answered, job))
        time.sleep(PAUSE_SECONDS)

    def _kill_under(self, number: int, victim: Victim) -> None:
        """As the kernel does where memory runs out."""
        until(lambda: str(number) in self.ask("status")["running"], 20)
        os.kill(until(victim, 20) or 0, signal.SIGKILL)

    def _request(self, rig: Rig) -> str:
        device = rig.device
        kind = device.partition(".")[0]
        if kind != "output":
            return ASK[kind].format(device, rig.seconds)
        self._on[device] = not self._on.get(device)
        return f"switch {device} {'on' if self._on[device] else 'off'}"

    @contextmanager
    def switching(self, outputs: list[str]) -> Iterator[dict[str, list[Answered]]]:
        """Outputs have no schedule: these are switched on and off meanwhile."""
        over = threading.Event()
        answers: dict[str, list[Answered]] = {output: [] for output in outputs}

        def switch(output: str) -> None:
            rig = Rig(output, "", "", [])
            case = Case("", "", None)
            with self.client() as client:
                while not over.wait(1.0):
                    self._put(client, Course(rig, case), answers[output])

        threads = [threading.Thread(target=switch, args=(output,)) for output in outputs]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _table(rig: Rig) -> str:
    return f"[{rig.device}]\n{rig.config}\n"


def _scheduled(good: Good) -> str:
    schedule = SCHEDULES.get(good.device.partition(".")[0])
    return f"[{good.device}]\n{good.config}\n" + (
        f"schedule = {{ {schedule} }}\n" if schedule else ""
    )
