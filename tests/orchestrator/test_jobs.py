"""Jobs: an outcome is in the ledger before it is reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from beemon.base import clock, outcomes
from beemon.base.clock import Stamp
from beemon.base.facts import to_json
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.config.settings import Settings
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.orchestrator.inbox import Inbox, Pulse
from beemon.orchestrator.inspection import Inspection
from beemon.orchestrator.job import Job, QueuedCommand
from beemon.orchestrator.jobs import Jobs
from beemon.orchestrator.power import Power
from beemon.orchestrator.task import Task
from beemon.orchestrator.tilts import Tilts
from beemon.orchestrator.timetable import Timetable
from beemon.orchestrator.unentered import Unentered
from beemon.scale.calibrations import Calibrations
from beemon.scale.compensation import Compensation
from beemon.storage import files
from beemon.worker.messages import Done, Failed


class Desk:
    """Jobs over a real ledger, written at once or when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(folder)
        self.ledger.prepare()
        with self.ledger.transaction():
            self.ledger.begin_run()
        self.inspection = Inspection()
        self.hurried: list[int] = []
        self.told: list[dict[str, Any]] = []
        self.waiting: list[tuple[Any, Any]] = []
        write = lambda *write: self.waiting.append(write)  # noqa: E731
        looks = Looks(write)
        timetable = Timetable({}, UTC)
        self.unentered = Unentered(Inbox())
        self.tilts = Tilts(looks, self.hurried.append)
        self.jobs = Jobs(
            folder, write, self.inspection,
            Power(Settings(), timetable, write, looks, Inbox(), Pulse()),
            Calibrations([]), Compensation([], {}), looks,
            lambda facts: self.told.append(to_json(facts)),
            self.unentered, lambda: self.tilts,
        )

    def open(self, text: str, *devices: str) -> Job:
        with self.ledger.transaction():
            number = self.ledger.accept(text, "test")
        job = self.jobs.open(QueuedCommand(text, number, "test"), number, text.split()[0])
        job.pending = set(devices)
        job.device = devices[0] if len(devices) == 1 else None
        return job

    def write(self) -> None:
        """Let what waits become durable."""
        while self.waiting:
            write, written = self.waiting.pop(0)
            with self.ledger.transaction() as ledger:
                result = write(ledger)
            written(result)

    def row(self, job: Job) -> dict[str, Any]:
        return dict(
            self.ledger.db.execute("SELECT * FROM jobs WHERE job = ?", (job.number,)).fetchone()
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.ledger.close()


def task(job: Job, device: str, **more: Any) -> Task:
    return Task(job.number, device, job.verb, device, 1.0, number=1, **more)


def reading(sensor: str, at: Stamp) -> Reading:
    return Reading(sensor, "temperature", "°C", 35.0, None, at)


def test_an_outcome_is_told_when_it_is_durable_and_not_before(desk: Desk) -> None:
    job = desk.open("read sensor.a", "sensor.a")
    desk.jobs.take(
        task(job, "sensor.a"), Done(1, readings=[reading("sensor.a", clock.stamp())])
    )
    assert desk.jobs.jobs == {}
    assert desk.told == []
    desk.write()
    assert [(facts["job"], facts["outcome"]) for facts in desk.told] == [(job.number, "done")]
    assert desk.row(job)["outcome"] == "done"


def test_a_read_ends_with_the_last_of_its_sensors(desk: Desk) -> None:
    job = desk.open("read sensor.a sensor.b", "sensor.a", "sensor.b")
    desk.jobs.take(
        task(job, "sensor.a"), Done(1, readings=[reading("sensor.a", clock.stamp())])
    )
    assert job.number in desk.jobs.jobs
    desk.jobs.take(task(job, "sensor.b"), Failed(2, "timeout", "no answer"))
    desk.write()
    assert (desk.row(job)["outcome"], desk.row(job)["reason"]) == ("failed", "partly")
    assert desk.ledger.db.execute("SELECT count(*) FROM readings").fetchone()[0] == 2


def test_a_sensor_that_fails_has_a_reason_for_each_quantity_that_it_is_known_to_have(
    desk: Desk,
) -> None:
    first = desk.open("read sensor.a", "sensor.a")
    desk.jobs.take(
        task(first, "sensor.a"), Done(1, readings=[reading("sensor.a", clock.stamp())])
    )
    second = desk.open("read sensor.a", "sensor.a")
    desk.jobs.take(task(second, "sensor.a"), Failed(2, "timeout", "no answer"))
    desk.write()
    assert desk.ledger.db.execute(
        "SELECT quantity, reason FROM readings JOIN series USING (series) WHERE job = ?",
        (second.number,),
    ).fetchall()[0][:] == ("temperature", "timeout")


def test_a_recording_is_entered_with_its_outcome(desk: Desk, tmp_path: Path) -> None:
    job = desk.open("record microphone.a 1", "microphone.a")
    desk.inspection.begin("", clock.stamp())
    job.inspected = desk.inspection.is_on
    path = tmp_path / "recordings/2026-06-01/a.flac"
    made = RecordingFacts(size=1, sha256="0", seconds=1.0)
    desk.jobs.take(task(job, "microphone.a"), Done(1, path=path, recording=made))
    desk.write()
    [row] = desk.ledger.db.execute("SELECT path, job, facts FROM recordings").fetchall()
    assert row[:2] == ("recordings/2026-06-01/a.flac", job.number)
    assert '"inspection": true' in row["facts"]


def test_what_a_failed_recording_left_is_told_with_its_outcome(desk: Desk, tmp_path: Path) -> None:
    job = desk.open("record microphone.a 1", "microphone.a")
    place = files.find_place(tmp_path, "hive", "microphone.a", ".flac", 0)
    with desk.ledger.transaction():
        desk.ledger.begin(job.number, "microphone.a", place)
    place.temporary.write_bytes(b"half a recording")
    desk.jobs.take(
        task(job, "microphone.a", place=place), Failed(1, "timeout", "it hangs")
    )
    desk.write()
    assert desk.told[0]["leftover"] == desk.row(job)["leftover"]
    assert place.temporary.name in desk.told[0]["leftover"]


def test_the_answer_to_a_job_that_has_ended_changes_nothing(desk: Desk) -> None:
    job = desk.open("record microphone.a 1", "microphone.a")
    desk.jobs.end(job, outcomes.failed("cancelled"))
    desk.jobs.take(task(job, "microphone.a"), Failed(1, "timeout", "late"))
    desk.write()
    assert len(desk.told) == 1
    assert desk.row(job)["reason"] == "cancelled"


def test_a_command_that_never_became_work_has_an_outcome_too(desk: Desk) -> None:
    with desk.ledger.transaction():
        number = desk.ledger.accept("make coffee", "test")
    command = QueuedCommand("make coffee", number, "test")
    desk.jobs.end_unbegun(number, command, outcomes.failed("refused", "no such word"))
    desk.write()
    assert desk.told == [{
        "command": "make coffee", "job": number, "outcome": "failed", "reason": "refused",
        "message": "no such word",
    }]


def test_a_lasting_change_of_the_tilt_has_the_day_looked_at(desk: Desk) -> None:
    now = clock.stamp()
    for minute, degrees in enumerate((2.0, 2.1, 80.0, 80.2)):
        at = now._replace(
            utc_us=now.utc_us + minute * 60_000_000, quality=clock.Quality.SYNCHRONISED
        )
        job = desk.open("read sensor.a", "sensor.a")
        tilt = Reading("sensor.a", "tilt", "°", degrees, None, at)
        desk.jobs.take(task(job, "sensor.a"), Done(1, readings=[tilt]))
    assert desk.hurried == [now.utc_us + 60_000_000, now.utc_us + 180_000_000]
