"""Problems of the service as a whole: the ledger cannot be written or is damaged, or the
disk is nearly full. Each condition is logged and reported when it begins, changes or ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from beemon.ledger import events
from beemon.ledger.examination import KIND as EXAMINATION
from beemon.ledger.examination import Found
from beemon.ledger.writer import Write, Written
from beemon.orchestrator.inbox import Pulse
from beemon.orchestrator.timetable import Timetable
from beemon.protocol.reports import Trouble
from beemon.retention.keeper import Room

log = logging.getLogger(__name__)


class LedgerWriting:
    """Whether the ledger can be written; ``trouble`` says why it cannot."""

    def __init__(self) -> None:
        self.trouble: str | None = None

    @property
    def troubles(self) -> Iterator[Trouble]:
        """The problems to show in `status`."""
        if self.trouble:
            remedy = "read the kernel's messages: journalctl -k"
            yield Trouble("ledger", self.trouble, remedy)

    def tell(self, trouble: str | None) -> None:
        """Take the writer's word that writing begins to fail, or (None) works again."""
        self.trouble = trouble
        if trouble:
            log.error("%s; outcomes wait until it can", trouble)
        else:
            log.info("the database can be written again")


class LedgerExamination:
    """The result ``found`` by the last examination of the ledger."""

    def __init__(self, write: Callable[[Write, Written], None], pulse: Pulse) -> None:
        self.found = Found()
        self._write, self._pulse = write, pulse

    def tell(self, found: Found) -> None:
        """Take what was found; it is an event when it changes."""
        before, self.found = self.found, found
        if found == before:
            return
        said = [str(trouble) for trouble in found.troubles] or ["the database is in order again"]
        for message in said:
            log.log(logging.ERROR if found.troubles else logging.INFO, "%s", message)
        self._write(
            lambda ledger: events.enter(ledger, EXAMINATION, "; ".join(said)), lambda _: None
        )
        self._pulse.hurry()


class DiskSpace:
    """Whether the disk has ``room``; recorders without it are held back in the timetable."""

    def __init__(
        self, timetable: Timetable, write: Callable[[Write, Written], None], pulse: Pulse
    ) -> None:
        self.room = Room()
        self._timetable, self._write, self._pulse = timetable, write, pulse

    @property
    def troubles(self) -> Iterator[Trouble]:
        """The problems to show in `status`."""
        if self.room.sentence:
            remedy = "free some space; beemon budget shows what beemon takes"
            yield Trouble("disk", self.room.sentence, remedy)
        if self.room.log:
            yield self.room.log

    def is_news(self, room: Room) -> bool:
        """Whether more than the free space is another; may be called by any thread."""
        before = self.room
        return (room.sentence, room.paused, room.log) != (
            before.sentence, before.paused, before.log
        )

    def tell(self, room: Room) -> None:
        """Take what the keeper saw; it is an event when it begins, changes or ends."""
        before, self.room = self.room, room
        self._timetable.hold_back("low-disk", room.paused)
        if room.log and not before.log:
            log.warning("%s", room.log)
        if room.log != before.log:
            self._pulse.hurry()
        if (room.paused, room.trouble) == (before.paused, before.trouble):
            return
        message = room.sentence or "there is enough space again, so recording resumes"
        log.log(logging.WARNING if room.sentence else logging.INFO, "%s", message)
        paused = sorted(room.paused)
        self._write(
            lambda ledger: events.enter(ledger, "low-disk", message, paused=paused),
            lambda _: None,
        )
        self._pulse.hurry()
