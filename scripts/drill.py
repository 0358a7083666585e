"""The fault drill: what the service answers when devices hang, die, fail, get lost or go dead.

Each drilled device works for two requests, shows its fault in the third and is well again; one
never is. It is asked again and again, as a schedule would, while good devices are asked beside it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beemon.client import Client, ServiceUnreachableError

ASK = {
    "microphone": "record {} 1",
    "camera": "record {} 1",
    "sensor": "read {}",
    "output": "switch {} on",
}
EXPECTED = {  # what the ledger is to say, and the last tier that is to answer
    "hang": ("timeout", "restarts"),
    "die": ("worker-died", "restarts"),
    "lost": ("stalled", "restarts"),
    "error": ("device-error", "reopened"),
    "dead": ("check-failed", "reopened"),
    "worn-out": ("worker-died", "given_up"),
}
DRILLED = (
    *(f"{kind}.{fault}" for kind in ASK for fault in ("hang", "die", "lost", "error")),
    "microphone.dead", "camera.dead", "microphone.worn-out",
)
BRIEF = ("microphone.die", "microphone.dead", "sensor.hang", "sensor.error", "output.lost")
SHARED = ("sensor", "output")  # kinds whose devices share a worker
GOOD_REQUESTS = 2
REFUSED = ("back-off", "fatal")

TIMEOUT_SECONDS = 2.0
"""The deadline of a reading or a switching; a recording has eleven seconds and a tenth."""
DEADLINE_SECONDS = {"microphone": 11.1, "camera": 11.1, "sensor": 2.0, "output": 2.0}
LATE_SECONDS = 3.0
"""How much later than its deadline a fault may be noticed, or than its back-off a device asked."""
BACK_OFF_SECONDS = 1.0
RECOVERY_SECONDS = 15.0
"""How long after the failure it is to work again; most of it is the new worker's start."""
BESIDE_SECONDS = 5.0
"""How long a good device may take for a second of recording, or for a request while its worker is
started anew; who shares a worker with a device that hangs waits for that one's deadline, too."""
WHOLE_SECONDS = 60.0
BRIEF_SECONDS = 30.0
PAUSE_SECONDS = 0.1


@dataclass
class Answered:
    """One request: when it was sent and answered (monotonic), and with what."""

    asked: float
    answered: float
    job: dict[str, Any]

    @property
    def done(self) -> bool:
        return bool(self.job["outcome"] == "done")


@dataclass
class Course:
    """What one device was asked and answered, in order."""

    device: str
    answers: list[Answered] = field(default_factory=list)

    @property
    def failure(self) -> int:
        """Which of the requests showed the fault."""
        return next(i for i, answer in enumerate(self.answers) if not answer.done)

    @property
    def noticed(self) -> float:
        """How long the failure took to be noticed."""
        failed = self.answers[self.failure]
        return failed.answered - failed.asked

    def since_failure(self, *, done: bool) -> float | None:
        """Seconds to the next request that reached the device, or to the next that was done."""
        failed = self.answers[self.failure]
        for answer in self.answers[self.failure + 1:]:
            if done and answer.done:
                return answer.answered - failed.answered
            if not done and answer.job.get("reason") not in REFUSED:
                return answer.asked - failed.answered
        return None

    @property
    def longest(self) -> float:
        """The longest wait until the device did what it was asked, its first opening aside."""
        first = next((i for i, answer in enumerate(self.answers) if answer.done), 0)
        waits, since = [0.0], None
        for answer in self.answers[first + 1:]:
            since = answer.asked if since is None else since
            waits.append(answer.answered - since)
            since = None if answer.done else since
        return max(waits)


class Drill:
    """The service in a folder of its own, and the conversations with it."""

    def __init__(self, folder: Path, drilled: tuple[str, ...], seconds: float) -> None:
        self.drilled = drilled
        self.good = tuple(f"{kind}.good" for kind in ASK if f"{kind}." in " ".join(drilled))
        self.port = free_port()
        self._over = threading.Event()
        self._end = time.monotonic() + seconds
        config = folder / "beemon.toml"
        config.write_text("\n".join(self._config(folder)))
        environment = {**os.environ, "STATE_DIRECTORY": str(folder)}
        command = [sys.executable, "-m", "beemon", "serve", "--config", str(config)]
        self._log = (folder / "log").open("w")
        self._service = subprocess.Popen(command, env=environment, stderr=self._log)

    def run(self) -> tuple[list[Course], list[Course], dict[str, Any]]:
        """Drill all; the courses of the drilled and of the good devices, and `status` after."""
        self._connect().close()
        with ThreadPoolExecutor(len(self.drilled) + len(self.good)) as pool:
            beside = [pool.submit(self._go_on, device) for device in self.good]
            drilled = [pool.submit(self._drill, devices) for devices in self._lines()]
            try:
                courses = [course for line in drilled for course in line.result()]
            finally:
                self._over.set()
            with self._connect() as client:
                status = client.request("status").payload["devices"]
            return courses, [course.result() for course in beside], status

    def stop(self) -> None:
        """Stop the service as systemd does."""
        self._service.send_signal(signal.SIGTERM)
        self._service.wait(15)
        self._log.close()

    def _config(self, folder: Path) -> Iterator[str]:
        yield f'[hive]\nname = "drill"\n[server]\nlistening_port = {self.port}'
        yield f'[archive]\npath = "{folder}/archive"'
        for device in (*self.good, *self.drilled):
            kind, _, fault = device.partition(".")
            yield f'[{device}]\ndriver = "simulated"\ntimeout = "{TIMEOUT_SECONDS:g}s"'
            if kind == "camera":
                yield "width = 160\nheight = 120\nframe_rate = 10"
            if device in self.drilled:
                yield f'fault = "{"die" if fault == "worn-out" else fault}"'
                yield f"fault_after = {GOOD_REQUESTS}\nfault_for = {int(fault != 'worn-out')}"
                yield f'fault_file = "{folder}/{device}"'

    def _lines(self) -> Iterator[list[str]]:
        """Who shares a worker is drilled one after the other, all others at the same time."""
        for kind in SHARED:
            yield [device for device in self.drilled if device.startswith(f"{kind}.")]
        yield from ([d] for d in self.drilled if not d.startswith(SHARED))

    def _drill(self, devices: list[str]) -> list[Course]:
        courses = [Course(device) for device in devices]
        for course in courses:
            with self._connect() as client:
                while not self._is_recovered(course) and time.monotonic() < self._end:
                    self._ask(client, course)
        return courses

    def _is_recovered(self, course: Course) -> bool:
        if not course.answers:
            return False
        if course.device.endswith(".worn-out"):
            return course.answers[-1].job.get("reason") == "fatal"
        return course.answers[-1].done and not all(answer.done for answer in course.answers)

    def _go_on(self, device: str) -> Course:
        course = Course(device)
        with self._connect() as client:
            while not self._over.wait(PAUSE_SECONDS):
                self._ask(client, course)
        return course

    def _ask(self, client: Client, course: Course) -> None:
        asked = time.monotonic()
        number = client.request(ASK[course.device.partition(".")[0]].format(course.device))
        client.wait(number.payload["job"])
        answered = time.monotonic()
        job = client.request(f"job {number.payload['job']}").payload  # as the ledger has it
        course.answers.append(Answered(asked, answered, job))
        if job.get("reason") in REFUSED:
            time.sleep(PAUSE_SECONDS)

    def _connect(self) -> Client:
        while True:
            try:
                return Client(port=self.port)
            except ServiceUnreachableError:
                if self._service.poll() is not None or time.monotonic() > self._end:
                    raise
                time.sleep(0.1)


def judge(course: Course, health: dict[str, Any]) -> tuple[list[str], list[str]]:
    """A drilled device's row, and what about it is not as it should be."""
    kind, _, fault = course.device.partition(".")
    if all(answer.done for answer in course.answers):
        return [course.device, fault, "-", "-", "-", "-", "-"], ["the fault did not show"]
    reason = course.answers[course.failure].job.get("reason", "-")
    tier = list(health.get("recovery", {"none": 1}))[-1]
    again, well = (course.since_failure(done=done) for done in (False, True))
    wrong = []
    if (reason, tier) != EXPECTED[fault]:
        wrong.append(f"expected {' and '.join(EXPECTED[fault])}")
    if course.failure != GOOD_REQUESTS:
        wrong.append(f"failed in request {course.failure + 1}")
    if course.noticed > DEADLINE_SECONDS[kind] + LATE_SECONDS:
        wrong.append("noticed too late")
    if again is None or again > BACK_OFF_SECONDS + LATE_SECONDS:
        wrong.append("asked again too late")
    if fault == "worn-out":
        if health.get("state") != "FATAL" or well is not None:
            wrong.append("not given up")
    elif well is None or well > RECOVERY_SECONDS:
        wrong.append("recovered too late")
    times = [span(course.noticed), span(again), span(well)]
    return [course.device, fault, reason, tier, *times], wrong


def judge_good(course: Course) -> tuple[list[str], list[str]]:
    """A good device's row, and what about it is not as it should be."""
    kind = course.device.partition(".")[0]
    lost = [a.job.get("reason", "-") for a in course.answers if not a.done]
    bound = BESIDE_SECONDS + (DEADLINE_SECONDS[kind] if kind in SHARED else 0.0)
    wrong = ["delayed too long"] if course.longest > bound else []
    if len(course.answers) - len(lost) < GOOD_REQUESTS:
        wrong.append("hardly ever worked")
    if lost and kind not in SHARED:
        wrong.append(f"failed: {', '.join(lost)}")
    asked, failed = str(len(course.answers)), str(len(lost))
    return [course.device, asked, failed, span(course.longest), span(bound)], wrong


def span(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"


def show(heading: tuple[str, ...], rows: list[tuple[list[str], list[str]]]) -> None:
    """A table, with what is wrong after each row."""
    cells = [list(heading), *(row for row, _ in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, wrong in [(list(heading), []), *rows]:
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"{text}  {'WRONG: ' + '; '.join(wrong) if wrong else ''}".rstrip(), flush=True)
    print()


def main() -> int:
    """Run the drill; 0 where all is as it should be."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--brief", action="store_true", help="only some devices and faults")
    brief = options.parse_args().brief
    drilled, seconds = (BRIEF, BRIEF_SECONDS) if brief else (DRILLED, WHOLE_SECONDS)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="beemon-drill-") as folder:
        drill = Drill(Path(folder), drilled, seconds)
        try:
            courses, beside, status = drill.run()
        finally:
            drill.stop()
    rows = [judge(course, status[course.device]) for course in courses]
    good = [judge_good(course) for course in beside]
    show(("device", "fault", "reason", "tier", "noticed", "asked again", "works again"), rows)
    show(("beside them", "asked", "failed", "longest wait", "bound"), good)
    took = time.monotonic() - began
    bad = sum(bool(wrong) for _, wrong in [*rows, *good]) + (took > seconds)
    print(f"{len(rows)} faults in {took:.0f} of {seconds:.0f} s; {bad} not as it should be")
    return 1 if bad else 0


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
