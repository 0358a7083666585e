"""The board: what the Orchestrator said last, and the clients who wait for what it says next."""

from __future__ import annotations

import queue

import pytest

from beemon.base import clock
from beemon.base.status import DeviceState, DeviceStatus
from beemon.protocol.replies import DeviceReport, JobFacts, JobReport
from beemon.protocol.reports import DeviceChanged, Heartbeat, JobEnded, Started, Stopped
from beemon.server.latest import LatestState

DONE = JobEnded(JobFacts(17, outcome="done"))


@pytest.fixture
def board() -> LatestState:
    return LatestState()


def nothing_in(mail) -> bool:
    with pytest.raises(queue.Empty):
        mail.get_nowait()
    return True


def test_before_the_first_heartbeat_there_is_no_age(board):
    assert board.heartbeat is None
    assert board.heartbeat_age is None


def test_the_latest_heartbeat_counts(board):
    now = clock.now().monotonic
    board.post(Heartbeat(now - 60))
    assert board.heartbeat_age >= 60
    board.post(Heartbeat(now, waiting=3))
    assert board.heartbeat_age < 30
    assert board.heartbeat.waiting == 3


def test_a_devices_change_is_seen_before_the_next_heartbeat(board):
    works = DeviceStatus(DeviceState.RUNNING, 2.0, scheduled=True)
    board.post(Heartbeat(1.0, devices={"camera.entrance": works}))
    board.post(DeviceChanged("camera.entrance", DeviceState.BACKING_OFF, "timeout: no answer"))
    assert board.heartbeat.devices["camera.entrance"] == DeviceStatus(
        DeviceState.BACKING_OFF, 2.0, trouble="timeout: no answer", scheduled=True
    )
    board.post(DeviceChanged("camera.entrance", DeviceState.RUNNING, None))
    assert board.heartbeat.devices["camera.entrance"] == works


def test_a_waiting_client_gets_every_report_from_then_on(board):
    board.post(DONE)
    with board.subscription() as mail:
        board.post(DeviceChanged("camera.entrance", DeviceState.BACKING_OFF, "timeout: no answer"))
        board.post(DeviceChanged("camera.entrance", DeviceState.RUNNING, None))
        board.post(DONE)
        assert mail.get_nowait() == DeviceReport(
            device="camera.entrance", state=DeviceState.BACKING_OFF, trouble="timeout: no answer"
        )
        assert mail.get_nowait() == DeviceReport(
            device="camera.entrance", state=DeviceState.RUNNING
        )
        assert mail.get_nowait() == JobReport(ended=JobFacts(17, outcome="done"))
        assert nothing_in(mail)


def test_every_waiting_client_gets_it_and_one_that_left_does_not(board):
    with board.subscription() as first:
        with board.subscription() as second:
            assert board.waiting == 2
            board.post(DONE)
        assert board.waiting == 1
        board.post(DONE)
        assert first.get_nowait() == first.get_nowait() == second.get_nowait()
        assert nothing_in(second)
    assert board.waiting == 0


def test_a_client_that_fails_leaves_the_board_too(board):
    with pytest.raises(ConnectionError), board.subscription():
        raise ConnectionError
    assert board.waiting == 0


@pytest.mark.parametrize("report", [Heartbeat(0.0), Started(), Stopped()])
def test_what_is_no_news_to_clients_is_not_sent(board, report):
    with board.subscription() as mail:
        board.post(report)
        assert nothing_in(mail)


def test_when_the_board_closes_nobody_waits_for_ever(board):
    with board.subscription() as mail:
        board.close()
        assert mail.get_nowait() is None


def test_who_comes_after_the_close_does_not_wait_either(board):
    board.close()
    with board.subscription() as mail:
        assert mail.get_nowait() is None
