"""The intake: what it takes for a command to be accepted, and what it leaves where it is not."""

from __future__ import annotations

import logging
import queue
import sqlite3
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from beemon.config import settings as config
from beemon.ledger.ledger import NAME
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
from tests.hive import until

SENSORS = {name: f'[sensor.{name}]\ndriver = "simulated"\n' for name in "abc"}


class ClosedQueue(queue.Queue[Any]):
    def put_nowait(self, item: Any) -> None:
        raise ValueError("the queue is closed")


class AskedQueue(queue.Queue[Any]):
    """Tells that a command has been found to have a place on it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def full(self) -> bool:
        self.asked.set()
        return super().full()


class Service:
    """An intake over a real archive and a config on disk, without a Server around it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "beemon.toml"
        self.file.write_text(SENSORS["a"] + SENSORS["b"])
        settings = config.load(self.file)
        self.archive_path = folder / "archive"
        self.archive = ArchiveSession(self.archive_path)
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


# Together

CLIENTS = 8


def say_together(
    service: Service, text: str, meanwhile: AbstractContextManager[None] | None = None
) -> list[int | BaseException]:
    """Say it by several clients: the first is entered by a commit, and the others come meanwhile.

    Returns the job or the error of each.
    """
    service.archive.open()
    with (
        closing(sqlite3.connect(service.archive_path / NAME, isolation_level=None)) as other,
        ThreadPoolExecutor(CLIENTS) as threads,
    ):
        other.execute("BEGIN IMMEDIATE")
        said = [threads.submit(service.say, text, port=port) for port in range(CLIENTS)]
        until(lambda: service.intake.waiting == CLIENTS - 1)
        with meanwhile or nullcontext():
            other.execute("ROLLBACK")
            return [each.exception(60) or each.result() for each in said]


def commits(service: Service) -> int:
    """The commits so far; each syncs the log (sqlite.org/walformat.html, 2.1: iChange)."""
    index = (service.archive_path / f"{NAME}-shm").read_bytes()
    count: int = struct.unpack_from("=I", index, 8)[0]
    return count


def test_commands_that_come_together_are_entered_by_one_commit_in_the_order_of_the_queue(
    service: Service,
) -> None:
    service.say("read")
    before = commits(service)
    jobs = [job for job in say_together(service, "read sensor.a") if isinstance(job, int)]
    assert sorted(jobs) == list(range(2, CLIENTS + 2))
    assert [service.queue.get_nowait().job for _ in range(CLIENTS + 1)] == [1, *sorted(jobs)]
    assert commits(service) - before == 2
    found = [service.archive.reader.job(job) for job in jobs]
    assert [job.origin for job in found if job] == [
        "192.0.2.7", *(f"192.0.2.7:{port}" for port in range(1, CLIENTS))
    ]


def test_if_a_commit_fails_none_of_its_commands_is_entered_or_queued(service: Service) -> None:
    for error in say_together(service, "read sensor.a", failing_disk()):
        assert isinstance(error, sqlite3.OperationalError)
    assert service.queue.empty()
    assert service.archive.reader.jobs(9) == []
    for _ in range(MAX_DEVICE_JOBS):
        service.say("read sensor.a")  # none has kept a place


def test_of_those_that_come_together_only_those_without_a_place_are_refused(
    service: Service,
) -> None:
    for _ in range(MAX_DEVICE_JOBS - 3):
        service.say("read sensor.a")
    said = say_together(service, "read sensor.a")
    refused = [error.code for error in said if isinstance(error, RequestError)]
    assert refused == ["queue-full"] * (CLIENTS - 3)
    assert len(service.archive.reader.jobs(99)) == service.queue.qsize() == MAX_DEVICE_JOBS
    assert service.say("read sensor.b")


def test_one_that_the_queue_does_not_take_keeps_no_other_from_it(service: Service) -> None:
    service.intake.queue = short = queue.Queue(maxsize=3)
    taken = [job for job in say_together(service, "read sensor.a") if isinstance(job, int)]
    assert [short.get_nowait().job for _ in taken] == sorted(taken) == [1, 2, 3]
    jobs = service.archive.reader.jobs(99)
    assert len(jobs) == CLIENTS
    assert {(job.outcome, job.reason) for job in jobs if job.job > 3} == {("failed", "not-queued")}


def test_a_command_that_is_entered_while_the_stop_begins_is_ended_by_it(service: Service) -> None:
    service.intake.queue = commands = AskedQueue()
    service.archive.open()
    with (
        closing(sqlite3.connect(service.archive_path / NAME, isolation_level=None)) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        other.execute("BEGIN IMMEDIATE")
        said = thread.submit(service.refusal, "read sensor.a")
        assert commands.asked.wait(60)
        service.intake.close()
        other.execute("ROLLBACK")
        assert said.result(60) == ("stopping", "the service is stopping")
    assert commands.empty()
    [job] = service.archive.reader.jobs(9)
    assert (job.outcome, job.reason) == ("interrupted", "stopping")


def test_what_was_accepted_is_logged_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    service.say("read sensor.a")
    service.say("read sensor.b")
    service.intake.tell_accepted()
    service.intake.tell_accepted()
    assert [record.getMessage() for record in caplog.records if "accepted" in record.msg] == [
        "job 1 accepted: read sensor.a (192.0.2.7:40000)",
        "job 2 accepted: read sensor.b (192.0.2.7:40000)",
    ]


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
