"""Page reader: the queries of the page, in a module of their own because the Server has none."""

from __future__ import annotations

from datetime import tzinfo

from beemon.ledger import day_counts, day_recordings, sounds
from beemon.ledger import gains as day_gains
from beemon.ledger import traffic as bees
from beemon.ledger.charts import chart
from beemon.ledger.reader import ArchiveReader
from beemon.ledger.sounds import SoundPart
from beemon.protocol.views import Calendar, DayRecordings, Gains, Series, Traffic


class PageReader(ArchiveReader):
    """One archive, for the page. Each of these queries can take a while, and has a deadline."""

    def series(
        self, device: str, quantity: str, from_us: int, until_us: int, points: int
    ) -> Series | None:
        """One quantity between two times in at most ``points`` points, with its gaps; None if the
        device has no such quantity."""
        with self._apart() as ledger:
            return chart(ledger.db, device, quantity, from_us, until_us, points)

    def gains(self, device: str, quantity: str, from_us: int, zone: tzinfo) -> Gains | None:
        """The net change of a quantity in each local day; None if the device has no such quantity.
        """
        with self._apart() as ledger:
            return day_gains.gains(ledger, device, quantity, from_us, self._now_us, zone)

    def traffic(self, device: str, from_us: int, zone: tzinfo) -> Traffic | None:
        """The bees counted in each local hour; None if the device counts none."""
        with self._apart() as ledger:
            return bees.traffic(ledger.db, device, from_us, self._now_us, zone)

    def calendar(self, days: int) -> Calendar:
        """The scheduled jobs of each of the last days (UTC)."""
        with self._apart() as ledger:
            return day_counts.calendar(ledger.db, days, self._now_us)

    def day_recordings(self, device: str, from_us: int, until_us: int) -> DayRecordings:
        """The recordings of a device in a period, and the scheduled times without one."""
        with self._apart() as ledger:
            return day_recordings.day_recordings(ledger.db, device, from_us, until_us)

    def day_sounds(self, device: str, from_us: int, until_us: int) -> list[SoundPart]:
        """The recordings of a microphone in a period with their bands, and what is missing."""
        with self._apart() as ledger:
            return sounds.day_sounds(ledger.db, device, from_us, until_us)

    def recording_path(self, job: int) -> str | None:
        """The path in the archive of a job's recording, if there is one and it is not deleted."""
        with self._apart() as ledger:
            return day_recordings.path_of_job(ledger.db, job)

    @property
    def _now_us(self) -> int:
        return self._clock.now().utc_us
