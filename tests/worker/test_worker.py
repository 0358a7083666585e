"""What a worker makes of what a driver does, raises, and is told."""

from __future__ import annotations

import dataclasses
import errno
import os
import queue
from multiprocessing import Pipe
from pathlib import Path
from threading import Barrier, Event, Thread, current_thread
from typing import Any

import numpy as np
import pytest

from beemon.base.recording import RecordingFacts
from beemon.devices._base import CommonSettings, Device, DeviceError, Microphone, began
from beemon.media import tags
from beemon.media.tags import Tags
from beemon.storage import files
from beemon.storage.files import Place
from beemon.worker.messages import Failed, Work
from beemon.worker.worker import (
    CheckFailedError,
    Hands,
    Worker,
    message_of,
    reason_of,
)
from tests.samples import hive_sound, write_sound

FILM = Work(1, "camera.c", "record", 60.0)
PICTURE = Work(2, "camera.c", "snapshot")
FULL = OSError(errno.ENOSPC, "No space left on device", "/a/.x.mp4.part")


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/recordings/d/.x.flac.part"),
         "disk-full", "No space left on device: /a/recordings/d"),
        (OSError(errno.EACCES, "Permission denied", "/a/recordings/d"),
         "archive-error", "Permission denied: /a/recordings/d"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "device-error",
         "[Errno 5] Input/output error"),
        (DeviceError("no sound"), "device-error", "no sound"),
        (DeviceError(), "device-error", "DeviceError"),
    ],
)
def test_a_trouble_that_lasts_has_the_same_words_each_time(
    error: OSError, reason: str, message: str
) -> None:
    assert (reason_of(error), message_of(error)) == (reason, message)


@pytest.mark.parametrize(
    ("running", "error", "open_after"),
    [
        ([PICTURE], DeviceError("no picture"), False),
        ([FILM, PICTURE], DeviceError("no picture"), True),
        ([PICTURE], FULL, True),
    ],
    ids=["alone", "while it records", "the disk's fault"],
)
def test_a_device_is_closed_after_an_error_of_its_own_that_hurts_no_other_work(
    running: list[Work], error: OSError, open_after: bool
) -> None:
    worker = Worker("camera.c", {}, Pipe()[0])
    worker._devices = {"camera.c": Device(None)}
    worker._running = {work.number: (work, Event()) for work in running}
    worker._release(PICTURE, error)
    assert ("camera.c" in worker._devices) == open_after


@pytest.fixture
def keeping(tmp_path: Path) -> tuple[Worker, Work]:
    """A worker, and its work: a sound that is whole and waits under its temporary name."""
    place = Place(tmp_path / ".a.flac.part", tmp_path / "a.flac")
    worker = Worker("microphone.m", {}, Pipe()[0])
    worker._devices, worker._running = {}, {}
    said = Tags("apiary-7", "microphone.m", 17)
    return worker, Work(3, "microphone.m", "record", 2.0, place, tags=said)


def facts_of(work: Work, samples: Any) -> RecordingFacts:
    assert work.place is not None
    return write_sound(work.place.temporary, samples).and_then(began(1000.0))


def test_a_good_recording_is_kept_with_its_tags_and_features(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    facts = facts_of(work, hive_sound(2))
    done = worker._keep(work, facts, is_cut=False)
    assert done.failure is None
    made = done.recording
    assert (made.verdict, made.findings) == (None, None)
    assert (made.size, made.sha256) == files.digest(done.path)
    assert tags.read(done.path).facts == facts
    assert len(done.readings) == 15
    assert {(r.sensor, r.at.utc_us) for r in done.readings} == {
        ("microphone.m", facts.start_utc_us)
    }


def test_what_fails_its_check_is_kept_with_the_verdict(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    done = worker._keep(work, facts_of(work, np.zeros(32000)), is_cut=False)
    assert done.failure is not None
    assert done.failure.startswith("silent: ")
    assert done.recording.verdict == tags.read(done.path).verdict == "failed"
    assert done.recording.findings == (done.failure,)
    assert {(r.value, r.reason) for r in done.readings} == {(None, "check-failed")}


def test_what_is_only_told_of_fails_nothing(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    facts = dataclasses.replace(facts_of(work, hive_sound(2)), lost_samples=5)
    done = worker._keep(work, facts, is_cut=False)
    assert done.failure is None
    assert done.recording.findings == (
        "lost: 5 samples (0.00 s) were lost during the recording",
    )
    assert tags.read(done.path).findings == done.recording.findings


def test_too_short_is_what_was_not_cut(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    facts = facts_of(work, hive_sound(1))
    assert worker._keep(work, facts, is_cut=True).failure is None
    again = dataclasses.replace(work, place=Place(work.place.final, work.place.temporary))
    assert worker._keep(again, facts, is_cut=False).failure.startswith("short: ")


def test_of_what_cannot_be_read_no_evidence_is_kept(keeping: tuple[Worker, Work]) -> None:
    worker, work = keeping
    work.place.temporary.write_bytes(b"fLaC and no more")
    with pytest.raises(CheckFailedError, match="unreadable"):
        worker._keep(work, RecordingFacts(samples=1, rate=1, seconds=1.0), is_cut=False)
    assert work.place.temporary.exists()
    assert not work.place.final.exists()


class Stating(Microphone):
    """Writes what ``work`` is to keep, and states other facts than a driver may."""

    def __init__(self, work: Work, stated: Any) -> None:
        super().__init__(CommonSettings(name=work.device))
        self.work, self.stated = work, stated

    def record(self, path: Path, seconds: float, cancelled: Event, *, follows: bool) -> Any:
        facts_of(self.work, hive_sound(2))
        return self.stated


@pytest.mark.parametrize(
    "stated",
    [
        {"seconds": 2.0},
        RecordingFacts(seconds=2.0),
        *(
            dataclasses.replace(began(1000.0), seconds=2.0, more={"gain": odd})
            for odd in (np.float32(1.5), np.int64(3), float("nan"), b"3")
        ),
    ],
)
def test_facts_that_nobody_can_keep_are_the_drivers_defect_and_its_file_is_left(
    keeping: tuple[Worker, Work], stated: Any
) -> None:
    worker, work = keeping
    with pytest.raises((TypeError, ValueError)):
        worker._record(Stating(work, stated), work, Event())
    assert work.place.temporary.exists()
    assert not work.place.final.exists()


def test_a_recording_that_was_cut_before_its_first_sample_needs_no_start(
    keeping: tuple[Worker, Work],
) -> None:
    worker, work = keeping
    cancelled = Event()
    cancelled.set()
    answer = worker._record(Stating(work, RecordingFacts(seconds=0.0)), work, cancelled)
    assert answer == Failed(work.number, "cancelled", "nothing was recorded yet")


def test_a_hand_that_is_free_takes_the_next_task() -> None:
    hands, done = Hands(), queue.SimpleQueue[Thread]()
    for _ in range(20):
        hands.do(lambda: done.put(current_thread()))
    workers = [done.get(timeout=20) for _ in range(20)]
    hands.finish(20)
    assert not any(thread.is_alive() for thread in workers)


def test_tasks_that_last_have_each_a_hand() -> None:
    hands, together = Hands(), Barrier(4)
    for _ in range(3):
        hands.do(lambda: together.wait(20))
    together.wait(20)
    hands.finish(20)
    assert not together.broken


def test_a_task_that_hangs_is_not_waited_for() -> None:
    hands, end = Hands(), Event()
    hands.do(end.wait)
    hands.finish(0.01)
    end.set()
    hands.finish(20)
