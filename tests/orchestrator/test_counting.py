"""When bees are counted: days by simulated time, with the real ledger, task and videos."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")

from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.recording import RecordingFacts
from beemon.config.settings import ArchiveSettings, Counting, DeviceSettings, Settings
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.orchestrator import counting as orchestrated
from beemon.orchestrator.archive_worker import Chore
from beemon.orchestrator.counting import CPU_SECONDS, LOOK_SECONDS, MOST_SAVED
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox
from beemon.worker import counting
from tests.samples import View, write_video

CAMERA = "camera.entrance"
NOON_US = 1_780_000_000_000_000
HOUR, DAY = 3600.0, 86_400.0


class Time:
    """A clock that the test sets, in seconds since noon."""

    def __init__(self) -> None:
        self.at, self.quality = 0.0, Quality.SYNCHRONISED

    def now(self) -> Moment:
        return Moment(NOON_US + round(self.at * 1e6), 9000.0 + self.at)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), self.quality)

    def boot_id(self) -> str:
        return "one"


class Run:
    """One run of the service, as far as counting goes; its worker does each chore at once.

    Each video takes the CPU time ``cpu``, or as much as it took, and ``fails`` makes the worker
    give each up.
    """

    def __init__(self, archive: Path, clock: Time, counted: Counting, video: Path) -> None:
        self.archive, self.clock, self.video = archive, clock, video
        self.inbox, self.ledger = Inbox(), Ledger(archive, clock=clock)
        self.ledger.prepare()
        with self.ledger.transaction():
            self.ledger.begin_run()
        self.waiting: list[Chore] = []
        self.counted: list[str] = []
        self.writes = 0
        self.cpu: float | None = None
        self.fails = False
        self.looks = Looks(self.write)
        camera = DeviceSettings(
            name=CAMERA, kind="camera", table={}, lines={}, counting=counted
        )
        settings = Settings(archive=ArchiveSettings(path=archive), devices={CAMERA: camera})
        self.counting = orchestrated.Counting(
            InForce(settings, {}), self, self.write, self.looks, self.inbox, clock  # type: ignore[arg-type]
        )

    def write(self, change: Callable[[Ledger], Any], written: Callable[[Any], None]) -> None:
        self.writes += 1
        with self.ledger.transaction() as ledger:
            result = change(ledger)
        written(result)

    def add_idle(self, chores: Sequence[Chore]) -> None:
        self.waiting += chores
        assert len(self.waiting) == 1

    def record(self, hour: float) -> None:
        """Keep a video that began at an hour."""
        path = self.archive / f"recordings/{hour}.mp4"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.video, path)
        start = NOON_US + round(hour * HOUR * 1e6)
        with self.ledger.transaction() as ledger:
            job = ledger.accept(f"record {CAMERA}", "test")
            facts = RecordingFacts(
                start, 9000.0 + hour * HOUR, seconds=4.0, size=9, sha256="ab", clock="synchronised"
            )
            catalog.enter(ledger, job, CAMERA, path, facts)

    def turn(self) -> None:
        """Look, and do everything that follows from it."""
        self.counting.look(self.clock.stamp())
        while (action := self.inbox.take(0)) or self.waiting:
            if action:
                action()
            else:
                self.carry_out(self.waiting.pop(0))

    def live(self, until: float) -> None:
        """Turn every five minutes until an hour."""
        while self.clock.at < until * HOUR:
            self.clock.at += LOOK_SECONDS
            self.turn()

    def carry_out(self, chore: Chore) -> None:
        work = chore.work
        assert work.place is not None
        self.counted.append(work.place.final.stem)
        if self.fails:
            assert chore.give_up is not None
            chore.give_up()
            return
        done = counting.count(0, work.place.final, work.bee_length)
        cpu = done.facts["cpu"] if self.cpu is None else self.cpu
        chore.settle(replace(done, facts={**done.facts, "cpu": cpu}))

    def bees(self) -> dict[float, float | str]:
        """The bees in view, or the reason, by the hour."""
        found = self.ledger.db.execute(
            "SELECT utc_us, value, reason FROM readings JOIN series USING (series)"
            " WHERE sensor = ? AND quantity = 'bees'", (CAMERA,),
        )
        return {(row[0] - NOON_US) / HOUR / 1e6: row[2] or row[1] for row in found}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    write_video(path, View(160, 120).pictures(30))
    return path


@pytest.fixture
def make(tmp_path: Path, video: Path) -> Iterator[Callable[..., Run]]:
    """Makes runs of one archive, at one time; ``options`` are the camera's."""
    runs: list[Run] = []
    clock = Time()

    def new(**options: Any) -> Run:
        counted = Counting(**{"count_bees": True, **options})
        runs.append(Run(tmp_path, clock, counted, video))
        return runs[-1]

    yield new
    for run in runs:
        run.ledger.close()


def test_each_video_is_counted_once_the_newest_first(make):
    run = make()
    for hour in (-3, -1, -2):
        run.record(hour)
    run.live(1)
    assert run.counted == ["-1", "-2", "-3"]
    assert set(run.bees()) == {-3, -2, -1}
    assert all(bees > 1 for bees in run.bees().values())


def test_a_look_follows_five_minutes_after_the_last_one(make):
    run = make()
    run.turn()
    run.record(-1)
    run.clock.at += LOOK_SECONDS - 1
    run.turn()
    assert run.counted == []
    run.clock.at += 1
    run.turn()
    assert run.counted == ["-1"]


def test_without_a_camera_that_counts_nothing_is_asked(make):
    run = make(count_bees=False)
    run.record(-1)
    run.live(1)
    assert (run.writes, run.counted) == (0, [])


def test_the_length_of_a_bee_is_the_cameras(make):
    run = make(bee_length=80.0)
    run.record(-1)
    run.turn()
    assert 0 <= run.bees()[-1] < 1


def test_what_the_cpu_time_does_not_suffice_for_is_given_up_after_a_day(make):
    run = make()
    run.cpu = CPU_SECONDS / 12
    for number in range(48):
        run.record(number / 4 - 12)
    run.live(36)
    found = run.bees()
    assert len(found) == 48
    missing = [hour for hour, bees in found.items() if bees == "not-counted"]
    assert len(run.counted) == 48 - len(missing)
    assert 11 <= len(run.counted) <= 12  # one in two hours, until the newest is a day old


def test_a_day_takes_no_more_cpu_time_than_is_allowed(make):
    run = make()
    run.cpu = CPU_SECONDS / 12
    for number in range(24 * 8):
        run.clock.at = number / 4 * HOUR
        run.record(number / 4)
        run.turn()
    assert 23 <= len(run.counted) <= 25  # one video each two hours


def test_no_more_is_saved_than_the_time_of_a_night(make):
    run = make()
    run.live(72)
    run.cpu = CPU_SECONDS / 12
    for number in range(20):
        run.record(71 + number / 100)
    run.live(72.5)
    assert len(run.counted) == MOST_SAVED // run.cpu + 1


def test_a_restart_goes_on_where_the_last_run_ended(make):
    run = make()
    run.cpu = CPU_SECONDS
    for hour in (-1, -2):
        run.record(hour)
    run.turn()
    again = make()
    again.turn()
    assert (run.counted, again.counted) == (["-1"], ["-2"])


def test_a_video_on_which_the_worker_fails_is_given_up_and_costs_time(make):
    run = make()
    for hour in (-1, -2):
        run.record(hour)
    run.fails = True
    run.live(5)
    assert run.counted == ["-1"]
    assert run.bees() == {-1: "not-counted"}


def test_a_defect_costs_the_look_alone(make):
    run = make(bee_length="long")
    for hour in (-1, -2):
        run.record(hour)
    run.live(1)
    assert run.counted == ["-1"]
    [trouble] = run.looks.troubles
    assert (trouble.about, run.bees()) == ("counting", {})
    run.looks.switch_on()
    run.live(2)
    assert len(run.counted) == 2


def test_an_unsure_clock_waits(make):
    run = make()
    run.record(-1)
    run.clock.quality = Quality.UNSURE
    run.live(1)
    assert run.counted == []
    run.clock.quality = Quality.SYNCHRONISED
    run.live(2)
    assert run.counted == ["-1"]
