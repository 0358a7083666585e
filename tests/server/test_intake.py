"""The intake: what it takes for a command to be accepted, and what it leaves where it is not."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from beemon.config import settings as config
from beemon.ledger.session import ArchiveSession
from beemon.orchestrator.job import QueuedCommand
from beemon.protocol.commands import parse
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import JobFacts
from beemon.protocol.reports import Heartbeat, JobEnded, Trouble
from beemon.server.archive import ArchiveInUse
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import MAX_CLIENT_JOBS, MAX_DEVICE_JOBS, MAX_OPEN_JOBS, RESERVE, Intake
from beemon.server.latest import LatestState
from beemon.system.service import Notifier
from tests.faults import failing_disk

SENSORS = {name: f'[sensor.{name}]\ndriver = "simulated"\n' for name in "abc"}


class ClosedQueue(queue.Queue[Any]):
    def put_nowait(self, item: Any) -> None:
        raise ValueError("the queue is closed")


class Service:
    """An intake over a real archive and a config on disk, without a Server around it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "beemon.toml"
        self.file.write_text(SENSORS["a"] + SENSORS["b"])
        settings = config.load(self.file)
        self.archive = ArchiveSession(folder / "archive")
        self.board = LatestState()
        self.config = ConfigInForce(settings, self.board)
        self.queue: queue.Queue[QueuedCommand] = queue.Queue()
        archive = ArchiveInUse(self.archive, self.config, self.board)
        self.intake = Intake(self.queue, self.config, archive, self.board, Notifier())

    def say(self, text: str, client: str = "192.0.2.7", port: int = 40000) -> int:
        return self.intake.accept(parse(text, self.config.current().devices), client, port)

    def refusal(self, text: str, client: str = "192.0.2.7") -> tuple[str, str]:
        with pytest.raises(RequestError) as refused:
            self.say(text, client)
        return refused.value.code, str(refused.value)

    def end(self, job: int, outcome: str = "done") -> None:
        self.intake.end_job(JobEnded(JobFacts(job, outcome=outcome)))


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))  # of the last good config
    service = Service(tmp_path)
    with closing(service.archive):
        yield service


def test_a_command_is_in_the_ledger_and_on_the_queue_verbatim(service: Service) -> None:
    job = service.say("read  sensor.a")
    queued = service.queue.get_nowait()
    assert (queued, queued.job, queued.origin) == ("read  sensor.a", job, "192.0.2.7:40000")
    found = service.archive.reader.job(job)
    assert found is not None
    assert (found.command, found.origin) == ("read  sensor.a", "192.0.2.7:40000")


@pytest.mark.parametrize(
    ("client", "port", "origin"), [("local:pi", 0, "local:pi"), ("", 0, "signal")]
)
def test_who_has_no_port_is_named_without_one(
    service: Service, client: str, port: int, origin: str
) -> None:
    service.say("read", client, port)
    assert service.queue.get_nowait().origin == origin


# Room

def test_no_client_takes_all_places(service: Service) -> None:
    for _ in range(MAX_CLIENT_JOBS):
        service.say("inspection begin")
    code, message = service.refusal("read sensor.a")
    assert (code, message.split(" are waiting")[0]) == (
        "queue-full", f"{MAX_CLIENT_JOBS} commands of 192.0.2.7"
    )
    assert service.say("read sensor.a", "192.0.2.8")
    assert service.say("stop all")  # what is urgent is never a client's fault


def test_no_device_takes_all_places(service: Service) -> None:
    jobs = [service.say("read sensor.a") for _ in range(MAX_DEVICE_JOBS)]
    assert service.refusal("read sensor.a", "192.0.2.8") == (
        "queue-full",
        f"{MAX_DEVICE_JOBS} commands are waiting for sensor.a; to end them: beemon cancel sensor.a",
    )
    assert service.say("read sensor.b")
    service.end(jobs[0], "failed")
    assert service.say("read sensor.a")


def test_what_is_urgent_has_places_of_its_own_but_not_without_end(service: Service) -> None:
    for number in range(MAX_OPEN_JOBS):
        service.say("inspection begin", f"192.0.2.{number // 50}")
    assert service.refusal("read", "192.0.2.9")[0] == "queue-full"
    for _ in range(RESERVE):
        service.say("stop all", "192.0.2.9")
    assert service.refusal("stop all", "192.0.2.9")[0] == "queue-full"


def test_a_queue_that_is_full_is_not_waited_for(service: Service) -> None:
    service.intake.queue = queue.Queue(maxsize=1)
    service.say("read")
    assert service.refusal("read")[0] == "queue-full"
    assert len(service.archive.reader.jobs(9)) == 1


# What stands in the way

def test_a_command_that_the_queue_does_not_take_has_failed(service: Service) -> None:
    service.intake.queue = ClosedQueue()
    assert service.refusal("read")[0] == "queue-full"
    (job,) = service.archive.reader.jobs(9)
    assert (job.outcome, job.reason) == ("failed", "not-queued")
    service.intake.queue = queue.Queue()
    for _ in range(MAX_DEVICE_JOBS):
        service.say("read sensor.a")  # it has kept no place


def test_what_cannot_be_entered_is_not_queued(service: Service) -> None:
    service.archive.open()
    with failing_disk(), pytest.raises(sqlite3.OperationalError):
        service.say("read")
    assert service.queue.empty()


def test_while_no_outcome_can_be_entered_nothing_is_accepted(service: Service) -> None:
    service.board.post(Heartbeat(0.0, troubles=(Trouble("ledger", "the disk is full"),)))
    assert service.refusal("read")[0] == "no-ledger"
    service.board.post(Heartbeat(0.0))
    assert service.say("read")


def test_after_the_close_nothing_is_accepted(service: Service) -> None:
    service.intake.close()
    service.intake.close()
    assert service.refusal("stop all") == ("stopping", "the service is stopping")


# A reload

def test_a_reload_hands_over_what_is_on_disk_and_puts_it_in_force_once_done(
    service: Service,
) -> None:
    service.file.write_text(SENSORS["c"])
    job = service.say("reload")
    handed = service.queue.get_nowait().settings
    assert handed is not None
    assert list(handed.devices) == ["sensor.c"]
    assert service.intake.is_handing_over(job)
    assert list(service.config.current().devices) == ["sensor.a", "sensor.b"]
    service.end(job)
    assert service.config.current() is handed
    assert not service.intake.is_handing_over(job)


def test_a_reload_that_fails_leaves_what_is_in_force(service: Service) -> None:
    service.file.write_text(SENSORS["c"])
    job = service.say("reload")
    service.end(job, "failed")
    assert list(service.config.current().devices) == ["sensor.a", "sensor.b"]
    assert not service.intake.is_handing_over(job)


def test_a_config_that_is_wrong_is_refused_and_enters_nothing(service: Service) -> None:
    service.file.write_text("[sensor.a")
    assert service.refusal("reload")[0] == "bad-config"
    service.archive.open()
    assert service.archive.reader.jobs(9) == []


def test_a_reload_that_is_not_queued_hands_nothing_over(service: Service) -> None:
    service.intake.queue = ClosedQueue()
    assert service.refusal("reload")[0] == "queue-full"
    (job,) = service.archive.reader.jobs(9)
    assert not service.intake.is_handing_over(job.job)
