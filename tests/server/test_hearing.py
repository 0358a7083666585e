"""What follows in the Server from the Orchestrator's reports, and what ends the service."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from beemon.base import clock
from beemon.config.settings import ArchiveSettings, Settings
from beemon.ledger.session import ArchiveSession
from beemon.protocol.commands import parse
from beemon.protocol.replies import JobFacts
from beemon.protocol.reports import Heartbeat, JobEnded, Replaced
from beemon.server.archive import ArchiveInUse
from beemon.server.ending import Ending
from beemon.server.hearing import Hearing
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import Intake
from beemon.server.latest import LatestState
from beemon.server.limits import Limits
from beemon.server.orchestrator_process import OrchestratorDiedError
from beemon.server.queries import Queries
from beemon.server.status_line import StatusLine
from beemon.system.service import Notifier


class Watchdog(Notifier):
    """Counts how often the service proved to be alive, and keeps what it said of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fed = 0
        self.said: list[str] = []

    def alive(self) -> None:
        self.fed += 1

    def status(self, text: str) -> None:
        self.said.append(text)


class Service:
    """A hearing over a real archive, without an Orchestrator."""

    def __init__(self, session: ArchiveSession, settings: Settings) -> None:
        self.board, self.watchdog = LatestState(), Watchdog()
        config = ConfigInForce(settings, self.board)
        archive = ArchiveInUse(session, config, self.board)
        self.intake = Intake(queue.Queue(), config, archive, self.board, self.watchdog)
        self.ending = Ending(self.intake)
        queries = Queries(self.board, config.current, archive.reader)
        line = StatusLine(self.board, queries, self.watchdog)
        self.hearing = Hearing(archive, self.intake, self.board, line, self.ending, Limits())


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(archive=ArchiveSettings(path=tmp_path))
    with closing(ArchiveSession(tmp_path)) as session:
        session.open()
        yield Service(session, settings)


def test_a_fresh_heartbeat_alone_feeds_the_watchdog(service: Service) -> None:
    service.hearing.hear(Heartbeat(clock.now().monotonic))
    service.hearing.hear(Heartbeat(clock.now().monotonic - 2 * Limits().stale_seconds))
    assert service.watchdog.fed == 1
    assert len(service.watchdog.said) == 2


def test_the_age_of_the_latest_heartbeat_is_known(service: Service) -> None:
    assert service.hearing.heartbeat_age is None
    service.hearing.hear(Heartbeat(clock.now().monotonic - 3))
    assert service.hearing.heartbeat_age == pytest.approx(3, abs=1)


def test_a_job_that_ended_has_left_its_place_before_anybody_hears_of_it(service: Service) -> None:
    job = service.intake.accept(parse("read", ()), "192.0.2.7", 1)
    with service.board.subscription() as mail:
        service.hearing.hear(JobEnded(JobFacts(job, outcome="done")))
        message = mail.get_nowait()
    assert message is not None
    assert message.ended.job == job
    assert not service.intake._open_jobs


def test_the_death_of_the_orchestrator_ends_the_service_as_a_failure(service: Service) -> None:
    service.hearing.note_died("it was killed")
    service.ending.wait()
    assert isinstance(service.ending.failure, OrchestratorDiedError)


def test_another_version_takes_over_without_a_failure(service: Service) -> None:
    service.hearing.hear(Replaced())
    service.ending.wait()
    assert service.ending.failure is None


class Gate:
    """Notes whether it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_the_end_closes_what_lets_something_in_before_anybody_learns_of_it() -> None:
    gates = Gate(), Gate()
    ending = Ending(*gates)
    assert not ending.has_begun
    ending.fail(OSError("the disk is gone"))
    assert ending.has_begun
    assert [gate.closed for gate in gates] == [1, 1]
    ending.begin()
    assert str(ending.failure) == "the disk is gone"
