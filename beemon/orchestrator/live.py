"""Live views: the pictures that a running camera shows for a while, beside its recordings.

They are in a folder of the run's own, one file for each camera, and never in the archive. The last
view of a camera removes its file when it ends, and each start removes what a crash left.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from beemon.base.outcomes import Ending, Outcome
from beemon.devices.ask import ResolvedDevice
from beemon.orchestrator.job import Job
from beemon.orchestrator.task import Task
from beemon.storage.files import TEMPORARY_SUFFIX, Place
from beemon.system.service import runtime_folder
from beemon.worker.messages import Answer, Failed
from beemon.worker.worker import LIVE

LIVE_SECONDS = 120.0
"""The longest time that one command asks for."""
SLACK_SECONDS = 10.0
"""Additional time for the last picture."""


class LiveFolder:
    """The folder of the live pictures: under systemd in ``$RUNTIME_DIRECTORY``."""

    def __init__(self, archive: Path) -> None:
        self._folder = runtime_folder(archive) / "live"

    def clear(self) -> None:
        """Remove the pictures of an earlier run."""
        for pattern in ("*.jpg", f".*{TEMPORARY_SUFFIX}"):
            for path in self._folder.glob(pattern):
                with contextlib.suppress(OSError):  # a view replaces it
                    path.unlink()

    def place(self, camera: str, job: int) -> Place:
        """The file of a camera's live picture, and the temporary one of this job."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return Place(
            self._folder / f".{camera}.{job}{TEMPORARY_SUFFIX}", self._folder / f"{camera}.jpg"
        )


def make_task(job: Job, device: ResolvedDevice, seconds: float | None, place: Place) -> Task:
    """The task of a job that shows a camera's live pictures."""
    length = min(seconds or LIVE_SECONDS, LIVE_SECONDS)
    return Task(
        job.number, device.name, LIVE, f"{LIVE} {device.name} {job.number}",
        length + device.timeout + SLACK_SECONDS, length, place=place,
    )


def ending_of(job: Job, answer: Answer, cut: str | None) -> Ending:
    """The outcome of a live view. One that ended early for a reason is ``interrupted``."""
    if isinstance(answer, Failed):
        return job.failed_ending(answer, cut)
    facts, reason = answer.facts, cut or job.cut
    if answer.cut and reason:
        return Ending(Outcome.INTERRUPTED, reason, facts=facts)
    return Ending(Outcome.DONE, facts=facts)


def remove_picture(place: Place) -> None:
    """Remove a camera's live picture, also that of a worker that was killed as it wrote."""
    for path in (place.final, place.temporary):
        with contextlib.suppress(OSError):  # the next start removes it
            path.unlink(missing_ok=True)
