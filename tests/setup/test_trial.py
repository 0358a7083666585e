"""Trials of devices, by their real drivers: some hang."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from beemon.base.progress import Progress, StoppedError
from beemon.setup import trial
from beemon.setup.candidates import Candidate

pytestmark = pytest.mark.process

LIMIT_SECONDS = 2.0


def hanging(name: str) -> Candidate:
    return Candidate(name=name, what="it hangs",
                     options={"driver": "simulated", "fault": "hang", "fault_after": 0})


def seconds_of_trials(folder: Path, *names: str) -> float:
    """The time in limits of one trial, which every device reaches."""
    began = time.monotonic()
    found = trial.try_all([hanging(name) for name in names], folder, Progress(), LIMIT_SECONDS)
    assert found == dict.fromkeys(names, trial.Trial(False, "it did not answer within 2 s"))
    return (time.monotonic() - began) / LIMIT_SECONDS


def test_devices_of_different_workers_are_tried_side_by_side(tmp_path: Path) -> None:
    assert seconds_of_trials(tmp_path, "microphone.a", "microphone.b", "sensor.a") < 2


def test_not_too_many_are_tried_at_once(tmp_path: Path) -> None:
    names = [f"microphone.m{number}" for number in range(trial.MOST_AT_ONCE + 1)]
    assert seconds_of_trials(tmp_path, *names) >= 2


def test_devices_of_one_worker_are_tried_one_after_the_other(tmp_path: Path) -> None:
    assert seconds_of_trials(tmp_path, "sensor.a", "sensor.b") >= 2


def test_the_progress_is_told_and_stops_the_trials(tmp_path: Path) -> None:
    progress = Progress()
    well = Candidate(name="sensor.a", what="", options={"driver": "simulated"})

    def stop_when_one_is_done() -> None:
        while progress.says != "1 of 2 devices tried":
            time.sleep(0.01)
        progress.stop()

    watcher = threading.Thread(target=stop_when_one_is_done, daemon=True)
    watcher.start()
    with pytest.raises(StoppedError):
        trial.try_all([well, hanging("microphone.a")], tmp_path, progress)
    watcher.join()


def test_ctrl_c_waits_for_no_trial(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            trial.try_all([hanging("microphone.a")], tmp_path, Progress())
        assert time.monotonic() - began < trial.LIMIT_SECONDS / 2
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
