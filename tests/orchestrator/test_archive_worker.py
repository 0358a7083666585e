"""The archive's chores, with real workers and a mailbox that the test reads."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from beemon.base.clock import now
from beemon.devices.microphones._flac import FlacWriter
from beemon.ledger.recovery import Leftover
from beemon.orchestrator import archive_worker
from beemon.orchestrator.archive_worker import ArchiveWorker
from beemon.storage.files import Place
from beemon.worker.messages import Done
from tests.hive import until

pytestmark = pytest.mark.process


class Loop:
    """An Orchestrator's loop around its chores."""

    def __init__(self, retry_seconds: tuple[float, ...] = (0.5, 0.5, 0.5)) -> None:
        self.mail: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.settled: list[tuple[int, Done]] = []
        self.chores = ArchiveWorker(self.mail.put, retry_seconds=retry_seconds)
        self.longest = max(retry_seconds, default=0.0)
        self.waits = False

    def add(self, leftovers: list[Leftover]) -> None:
        self.chores.add([archive_worker.salvage(leftover, self.settle) for leftover in leftovers])

    def settle(self, leftover: Leftover, done: Done) -> None:
        self.settled.append((leftover.job, done))

    def turn(self) -> None:
        while not self.mail.empty():
            self.mail.get()()
        at = now().monotonic
        again = self.chores.tick(at)
        self.waits = again is not None and at < again <= at + self.longest

    def until(self, condition: Callable[[], object]) -> None:
        def turned() -> object:
            self.turn()
            return condition()

        until(turned)


@pytest.fixture
def loop() -> Loop:
    return Loop()


def leftover(folder: Path, job: int = 1) -> Leftover:
    """A second of sound whose last bytes are missing."""
    pytest.importorskip("soundfile")
    place = Place(folder / f".{job}.flac.part", folder / f"{job}.flac")
    with FlacWriter(place.temporary, 16_000, 1) as file:
        file.write(os.urandom(32_000))
    os.truncate(place.temporary, 20_000)
    return Leftover(job, "microphone.a", place)


def test_one_after_the_other_is_salvaged_and_then_the_worker_goes(
    tmp_path: Path, loop: Loop
) -> None:
    loop.add([leftover(tmp_path, job) for job in (1, 2)])
    loop.until(lambda: len(loop.settled) == 2)
    assert [(job, done.path) for job, done in loop.settled] == [
        (1, tmp_path / "1.flac"), (2, tmp_path / "2.flac"),
    ]
    loop.until(lambda: not loop.chores.alive)


def test_without_leftovers_there_is_no_worker(loop: Loop) -> None:
    loop.add([])
    assert loop.chores.tick(now().monotonic) is None
    assert not loop.chores.alive


def test_what_is_known_already_is_done_once(tmp_path: Path, loop: Loop) -> None:
    found = leftover(tmp_path)
    loop.add([found])
    loop.add([found])
    loop.until(lambda: loop.settled)
    loop.until(lambda: not loop.chores.alive)
    assert len(loop.settled) == 1


def test_what_is_still_being_written_is_tried_again(tmp_path: Path, loop: Loop) -> None:
    found = leftover(tmp_path)
    with found.place.temporary.open("ab"):
        loop.add([found])
        loop.until(lambda: loop.waits)
        assert loop.settled == []
    loop.until(lambda: loop.settled)
    loop.until(lambda: not loop.chores.alive)


def test_a_worker_that_is_killed_costs_one_more_try(tmp_path: Path, loop: Loop) -> None:
    fifo = tmp_path / ".1.flac.part"
    os.mkfifo(fifo)  # to read it is to wait
    loop.add([Leftover(1, "microphone.a", Place(fifo, tmp_path / "1.flac"))])
    worker = children()
    loop.until(lambda: children() - worker)
    fifo.unlink()
    for pid in children() - worker:
        os.kill(pid, signal.SIGKILL)
    loop.until(lambda: loop.settled)
    assert loop.settled[0][1].path is None
    loop.until(lambda: not loop.chores.alive)


def test_what_never_works_is_given_up_until_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop(retry_seconds=())
    found = leftover(tmp_path)
    with found.place.temporary.open("ab"):
        loop.add([found])
        said = "the leftover of job 1 in .1.flac.part: not done, so the next start"
        loop.until(lambda: said in caplog.text)
    loop.until(lambda: not loop.chores.alive)
    assert found.place.temporary.exists()


def test_what_is_given_up_says_so_and_may_come_again(tmp_path: Path) -> None:
    loop, given_up = Loop(retry_seconds=()), []
    found = leftover(tmp_path)
    chore = replace(
        archive_worker.salvage(found, loop.settle), give_up=lambda: given_up.append(found.job)
    )
    with found.place.temporary.open("ab"):
        loop.chores.add([chore])
        loop.until(lambda: given_up)
    loop.chores.add([chore])
    loop.until(lambda: loop.settled)
    loop.until(lambda: not loop.chores.alive)


def test_what_takes_too_long_is_not_tried_again_if_it_may_be_given_up(tmp_path: Path) -> None:
    loop, given_up = Loop(retry_seconds=(0.0, 0.0)), []
    fifo = tmp_path / ".1.flac.part"
    os.mkfifo(fifo)  # to read it is to wait
    found = Leftover(1, "microphone.a", Place(fifo, tmp_path / "1.flac"))
    chore = replace(
        archive_worker.salvage(found, loop.settle), seconds=0.0,
        give_up=lambda: given_up.append(found.job),
    )
    loop.chores.add([chore])
    loop.until(lambda: given_up)
    loop.until(lambda: not loop.chores.alive)
    assert given_up == [1]


def test_a_chore_that_waits_for_another_try_delays_no_other(tmp_path: Path) -> None:
    loop = Loop(retry_seconds=(3600.0,))
    written, other = leftover(tmp_path, 1), leftover(tmp_path, 2)
    with written.place.temporary.open("ab"):
        loop.add([written])
        loop.until(lambda: loop.waits)
        loop.add([other])
        loop.until(lambda: loop.settled)
    assert [job for job, _ in loop.settled] == [2]
    loop.until(lambda: not loop.chores.alive)


def test_an_idle_chore_waits_for_all_others(tmp_path: Path, loop: Loop) -> None:
    idle = [leftover(tmp_path, job) for job in (1, 2)]
    loop.chores.add_idle([archive_worker.salvage(one, loop.settle) for one in idle])
    loop.add([leftover(tmp_path, job) for job in (3, 4)])
    loop.until(lambda: len(loop.settled) == 4)
    assert [job for job, _ in loop.settled] == [3, 4, 1, 2]
    loop.until(lambda: not loop.chores.alive)


def test_a_chore_that_follows_at_once_is_done_by_the_same_worker(
    tmp_path: Path, loop: Loop
) -> None:
    before, seen = children(), set()

    def settled(count: int) -> bool:
        seen.update(children() - before)
        return len(loop.settled) == count

    loop.add([leftover(tmp_path, 1)])
    loop.until(lambda: settled(1))
    loop.add([leftover(tmp_path, 2)])
    loop.until(lambda: settled(2))
    loop.until(lambda: not loop.chores.alive)
    assert len(seen) == 1


def test_told_to_finish_it_kills_what_is_at_work(tmp_path: Path, loop: Loop) -> None:
    loop.add([leftover(tmp_path)])
    loop.until(lambda: loop.chores.alive)
    loop.chores.finish()
    loop.until(lambda: not loop.chores.alive)
    assert loop.settled == []
    assert (tmp_path / ".1.flac.part").exists()


def children() -> set[int]:
    """The processes that this one started, but for multiprocessing's own."""
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = {int(pid) for task in listed for pid in task.read_text().split()}
    return {pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}
