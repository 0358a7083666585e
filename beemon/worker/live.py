"""Live pictures: small ones of a camera, one after the other in the same file."""

from __future__ import annotations

from threading import Event, Lock

from beemon.base import clock
from beemon.devices._base import Camera
from beemon.worker.messages import Done, Work

PAUSE_SECONDS = 0.5
"""The time between two pictures."""


class LiveViews:
    """The live views of a worker's cameras: the latest of a camera takes over from earlier ones."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}
        self._lock = Lock()

    def show(self, camera: Camera, work: Work, cancelled: Event) -> Done:
        """Write pictures for the task's ``seconds``, until it is cut, or until another begins.

        Each picture replaces the one before as a whole. Raises ``OSError``.
        """
        if work.place is None:
            raise TypeError(f"a live view of {work.device} without a place")
        with self._lock:
            self._latest[work.device] = max(work.number, self._latest.get(work.device, 0))
        temporary, count = work.place.temporary, 0
        now = clock.now().monotonic
        end, due = now + work.seconds, now
        try:
            with camera.live(cancelled) as take:
                while now < end and not cancelled.is_set() and self._is_latest(work):
                    temporary.write_bytes(take())
                    temporary.replace(work.place.final)
                    count += 1
                    now = clock.now().monotonic
                    due = max(due + PAUSE_SECONDS, now)
                    cancelled.wait(min(due, end) - now)
                    now = clock.now().monotonic
        finally:
            temporary.unlink(missing_ok=True)
        return Done(work.number, facts={"pictures": count}, cut=cancelled.is_set())

    def _is_latest(self, work: Work) -> bool:
        with self._lock:
            return self._latest[work.device] == work.number
