"""The Server's board: the latest reports, and the clients who wait for the next ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from beemon.base import clock
from beemon.base.status import DeviceStatus
from beemon.protocol.replies import DeviceReport, JobReport, StateReport
from beemon.protocol.reports import DeviceChanged, Heartbeat, JobEnded, Planned, Report, Trouble

Message = JobReport | DeviceReport | StateReport
Mail = queue.SimpleQueue[Message | None]
"""The reports for a waiting client, or None when the Server stops."""


class LatestState:
    """Keeps what the Orchestrator said last, and passes on what it says now."""

    def __init__(self) -> None:
        self.heartbeat: Heartbeat | None = None
        self.planned: dict[str, float] = {}
        self._troubles: dict[str, Trouble] = {}
        self._lock = threading.Lock()
        self._subscribers: set[Mail] = set()
        self._closed = False

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since the Orchestrator last proved that its loop turns."""
        latest = self.heartbeat
        return None if latest is None else clock.now().monotonic - latest.monotonic

    @property
    def waiting(self) -> int:
        """The number of clients that wait or watch."""
        return len(self._subscribers)

    @property
    def troubles(self) -> list[Trouble]:
        """The problems noted by the Server, and those last reported by the Orchestrator."""
        beat = self.heartbeat
        return [*self._troubles.values(), *(beat.troubles if beat else ())]

    def note_trouble(self, trouble: Trouble) -> None:
        """Something is wrong on the Server's own side, until it is settled."""
        self._troubles[trouble.about] = trouble

    def settle_trouble(self, about: str) -> None:
        """Remove a problem that was noted and is now solved."""
        self._troubles.pop(about, None)

    def post(self, report: Report) -> None:
        """Take a report."""
        if isinstance(report, Heartbeat):
            self.heartbeat = report
            return
        if isinstance(report, Planned):
            self.planned = report.bytes_a_day
            return
        if isinstance(report, DeviceChanged) and self.heartbeat:
            self.heartbeat = _changed(self.heartbeat, report)
        if message := _message(report):
            with self._lock:
                self._send(message)

    def close(self) -> None:
        """Tell every waiting client, and who comes later, that nothing more will come."""
        with self._lock:
            self._closed = True
            self._send(None)

    @contextmanager
    def subscription(self) -> Iterator[Mail]:
        """A mailbox that gets every report from now on."""
        mail: Mail = queue.SimpleQueue()
        with self._lock:
            self._subscribers.add(mail)
            if self._closed:
                mail.put(None)
        try:
            yield mail
        finally:
            with self._lock:
                self._subscribers.discard(mail)

    def _send(self, message: Message | None) -> None:
        for mail in self._subscribers:
            mail.put(message)


def _changed(beat: Heartbeat, report: DeviceChanged) -> Heartbeat:
    """The heartbeat with a device's change, so that a client that knows a job's outcome sees its
    effect."""
    before = beat.devices.get(report.device) or DeviceStatus(report.state, None)
    changed = replace(before, state=report.state, trouble=report.trouble)
    return replace(beat, devices={**beat.devices, report.device: changed})


def _message(report: Report) -> Message | None:
    if isinstance(report, JobEnded):
        return JobReport(ended=report.facts)
    if isinstance(report, DeviceChanged):
        return DeviceReport(device=report.device, state=report.state, trouble=report.trouble)
    return None
