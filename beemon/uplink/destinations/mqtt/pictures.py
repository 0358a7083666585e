"""Pictures: the latest picture of each camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from beemon.base.clock import Moment
from beemon.base.moments import US_PER_SECOND
from beemon.base.recording import Recording
from beemon.protocol.commands import kind_of
from beemon.uplink.hive import Hive

LARGEST = 4_000_000
"""The largest picture that is sent, in bytes."""
OLDEST_SECONDS = 86400
"""The age, in seconds, of the oldest picture that is sent at a start."""


class Pictures:
    """The latest picture of each camera; films and pictures that failed their check are none."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self._latest: dict[str, Recording] = {}
        self._was_searched = False
        self.trouble: str | None = None
        """The reason why the last picture was not sent, if its size was."""

    def cameras(self) -> frozenset[str]:
        """The cameras of which there is a picture."""
        return frozenset(self._latest)

    def search(self, devices: Iterable[str], now: Moment) -> None:
        """Find the pictures from before the start, once."""
        if self._was_searched:
            return
        self._was_searched = True
        from_us = now.utc_us - OLDEST_SECONDS * US_PER_SECOND
        for camera in devices:
            if kind_of(camera) == "camera":
                for recording in self._hive.reader.recordings(from_us, now.utc_us + 1, camera):
                    self.note(recording)

    def note(self, recording: Recording | None) -> bool:
        """Take a recording into account; whether it is a camera's latest picture."""
        if recording is None or not _is_picture(recording):
            return False
        before = self._latest.get(recording.device)
        if before is not None and before.utc > recording.utc:
            return False
        self._latest[recording.device] = recording
        return True

    def read(self) -> Iterator[tuple[str, bytes]]:
        """Each camera's picture as JPEG, unless it is gone or the link may not carry it now."""
        for camera in self._latest:
            if content := self.read_one(camera):
                yield camera, content

    def read_one(self, camera: str) -> bytes | None:
        """One camera's picture as JPEG; None if it is gone, or too much for the link now."""
        size = self._latest[camera].facts.size or 0
        self.trouble = None
        if size > LARGEST:
            self.trouble = (f"a picture of {camera} has {size / 1e6:.1f} MB; pictures of more than "
                            f"{LARGEST / 1e6:.0f} MB are not sent")
        if size > LARGEST or not self._hive.meter.may_send(size):
            return None
        try:
            return (self._hive.archive_folder / self._latest[camera].path).read_bytes()
        except OSError:
            return None  # deleted to gain space


def _is_picture(recording: Recording) -> bool:
    return recording.path.endswith(".jpg") and recording.facts.verdict != "failed"
