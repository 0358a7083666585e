"""Tasks and their queue: deadlines, order, and one at a time."""

from __future__ import annotations

import pytest

from beemon.orchestrator.task import OPEN_SECONDS, Task, TaskQueue

NOW = 1000.0


def read(device: str, job: int = 1) -> Task:
    return Task(job, f"sensor.{device}", "read", device, 5.0)


def start_all(queue: TaskQueue) -> list[int]:
    """Start what may start; the jobs of that."""
    started = []
    for task in queue.take_next():
        queue.start(task)
        started.append(task.job)
    return started


@pytest.mark.parametrize(
    ("is_open", "has_begun", "more"),
    [(False, False, OPEN_SECONDS), (True, False, OPEN_SECONDS), (False, True, OPEN_SECONDS),
     (True, True, 0.0)],
)
def test_a_task_may_take_longer_while_a_device_may_be_opened(is_open, has_begun, more) -> None:
    task = read("a")
    task.has_begun = has_begun
    task.set_deadline(NOW, is_open=is_open)
    assert task.deadline == NOW + more + 5.0
    assert task.is_late(NOW + more + 5.0)
    assert not task.is_late(NOW + more + 4.9)


def test_the_time_to_open_a_device_is_over_when_it_is_open() -> None:
    task = read("a")
    task.set_deadline(NOW, is_open=False)
    task.note_opened(NOW + 1)
    assert task.deadline == NOW + 6


@pytest.mark.parametrize(("verb", "rest"), [("record", 5.0), ("on", 65.0)])
def test_a_recording_that_is_cut_has_only_the_time_to_end(verb, rest) -> None:
    task = Task(1, "x", verb, "x", 65.0, 60.0, has_begun=True)
    task.set_deadline(NOW, is_open=True)
    task.shorten(NOW, is_open=True)
    assert task.deadline == NOW + rest


def test_a_queue_is_empty_when_every_task_is_answered() -> None:
    queue = TaskQueue()
    found = [queue.is_empty]
    queue.add(read("a"))
    found.append(queue.is_empty)
    start_all(queue)
    found.append(queue.is_empty)
    queue.end(queue.running[1], is_done=True)
    assert [*found, queue.is_empty] == [True, False, False, True]


def test_each_lane_runs_one_task_at_a_time_unless_one_has_to_run_alone() -> None:
    queue = TaskQueue()
    for job, device in enumerate("aab", start=1):
        queue.add(read(device, job))
    assert start_all(queue) == [1, 3]
    for task in list(queue.running.values()):
        task.runs_alone = True
        queue.put_back(task)
    assert start_all(queue) == [1]
    queue.end(queue.running[3], is_done=True)
    assert start_all(queue) == [2]


def test_a_recording_follows_the_one_before_it_if_it_waited_for_it() -> None:
    queue = TaskQueue()
    follows = []
    for job in (1, 2):
        queue.add(read("a", job))
    for number in (1, 2):
        assert start_all(queue) == [number]
        follows.append(queue.running[number].follows)
        queue.end(queue.running[number], is_done=True)
    assert follows == [False, True]


def test_what_waits_for_a_device_or_a_job_can_be_taken_out() -> None:
    queue, apart = TaskQueue(), TaskQueue()
    for job, device in enumerate("abab", start=1):
        queue.add(read(device, job))
    queue.move("sensor.a", apart)
    assert [task.job for task in apart.tasks] == [1, 3]
    assert [task.job for task in queue.drop_waiting(4)] == [4]
    assert [task.job for task in queue.tasks] == [2]
