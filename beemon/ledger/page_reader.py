"""Page reader: the queries of the page, in a module of their own because the Server has none."""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from beemon.ledger import changes, day_counts, day_recordings, events, sounds
from beemon.ledger import gains as day_gains
from beemon.ledger import traffic as bees
from beemon.ledger.changes import Change
from beemon.ledger.changes import Cursor as Cursor
from beemon.ledger.charts import SingleReading as SingleReading
from beemon.ledger.charts import chart, single_readings
from beemon.ledger.ledger import NAME, LedgerReader
from beemon.ledger.reader import LONGEST_SECONDS, ArchiveReader
from beemon.ledger.recordings import KeptFile as KeptFile
from beemon.ledger.sounds import SoundPart as SoundPart
from beemon.protocol.replies import EventFacts, JobFacts
from beemon.protocol.views import Calendar, DayRecordings, Gains, Series, Traffic

Told = JobFacts | EventFacts


class News(NamedTuple):
    """Jobs and events with the number of their change, and the cursor behind them.

    ``is_cut``: there are others before them that cannot be told any more.
    """

    told: tuple[tuple[int, Told], ...]
    cursor: Cursor
    is_cut: bool = False


_LAST_SIGN = """
SELECT max(at_us) FROM (
    SELECT max(utc_us) AS at_us FROM sound_latest
    UNION ALL SELECT * FROM (SELECT accepted_us FROM sound_jobs ORDER BY job DESC LIMIT 1)
    UNION ALL SELECT * FROM (SELECT ended_us FROM sound_jobs ORDER BY job DESC LIMIT 1)
)
"""


class PageReader(ArchiveReader):
    """One archive, for the page. Each of these queries can take a while, and has a deadline."""

    _file: tuple[int, int] | None = None
    _replaced = float("-inf")

    def _check_open(self) -> None:
        """Also drop the connections to a ledger that another one has replaced, as a repair does."""
        super()._check_open()
        found = self._identify_file()
        now = self._clock.now().monotonic
        if found != self._file:
            self._replaced = self._replaced if self._file is None else now
            self._file = found
        if now - self._replaced <= LONGEST_SECONDS:  # one in use then comes back by now
            for ledger in filter(None, (self._ledger, self._spare)):
                ledger.close()
            self._ledger = self._spare = None

    def _identify_file(self) -> tuple[int, int] | None:
        try:
            found = (self._archive / NAME).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def series(
        self, device: str, quantity: str, from_us: int, until_us: int, points: int
    ) -> Series | None:
        """One quantity between two times in at most ``points`` points, with its gaps; None if the
        device has no such quantity."""
        with self._apart() as ledger:
            return chart(ledger.db, device, quantity, from_us, until_us, points)

    def single_readings(
        self, device: str, quantity: str, from_us: int, until_us: int, most: int
    ) -> list[SingleReading] | None:
        """The readings between two times, the first ``most``; None if the device has no such
        quantity."""
        with self._apart() as ledger:
            return single_readings(ledger.db, device, quantity, from_us, until_us, most)

    def gains(self, device: str, quantity: str, from_us: int, zone: tzinfo) -> Gains | None:
        """The net change of a quantity in each local day; None if the device has no such quantity.
        """
        with self._apart() as ledger:
            return day_gains.gains(ledger, device, quantity, from_us, self._now_us, zone)

    def traffic(self, device: str, from_us: int, zone: tzinfo) -> Traffic | None:
        """The bees counted in each local hour; None if the device counts none."""
        with self._apart() as ledger:
            return bees.traffic(ledger.db, device, from_us, self._now_us, zone)

    def calendar(self, days: int, zone: tzinfo) -> Calendar:
        """The scheduled jobs of each of the last local days."""
        with self._apart() as ledger:
            return day_counts.calendar(ledger.db, days, self._now_us, zone)

    def day_recordings(self, device: str, from_us: int, until_us: int) -> DayRecordings:
        """The recordings of a device in a period, and the scheduled times without one."""
        with self._apart() as ledger:
            return day_recordings.day_recordings(ledger.db, device, from_us, until_us)

    def day_sounds(self, device: str, from_us: int, until_us: int) -> list[SoundPart]:
        """The recordings of a microphone in a period with their bands, and what is missing."""
        with self._apart() as ledger:
            return sounds.day_sounds(ledger.db, device, from_us, until_us)

    def recording_file(self, job: int) -> KeptFile | None:
        """The file of a job's recording, if there is one and it is not deleted."""
        with self._apart() as ledger:
            return day_recordings.kept_file(ledger.db, job)

    def data_version(self) -> int:
        """A number that differs once somebody has written since the last call; cheap to ask."""
        with self._reading() as ledger:
            return int(ledger.db.execute("PRAGMA data_version").fetchone()[0])

    def last_sign_us(self) -> int | None:
        """When the service last entered a reading or accepted a job; None if it never did."""
        with self._reading() as ledger:
            (found,) = ledger.db.execute(_LAST_SIGN).fetchone()
            return None if found is None else int(found)

    def news(self, cursor: Cursor | None, most: int) -> News:
        """The jobs and events that changed after a cursor; without one, those from now on."""
        with self._reading() as ledger:
            if cursor is None:
                return News((), changes.find_end(ledger))
            page = changes.follow(ledger, cursor, most)
            if page.is_first:
                return News((), changes.find_end(ledger), is_cut=True)
            found = [(one.change, _told(ledger, one)) for one in page.changes]
            return News(tuple((n, told) for n, told in found if told is not None), page.cursor)

    @property
    def _now_us(self) -> int:
        return self._clock.now().utc_us


def _told(ledger: LedgerReader, change: Change) -> Told | None:
    if change.job is not None:
        return ledger.job(change.job)
    found = None if change.event is None else events.find(ledger, change.event)
    return events.describe(found) if found else None
