"""Prometheus: a file of metrics for the textfile collector of node-exporter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.moments import US_PER_SECOND
from beemon.base.options import absolute_path, duration_within, option
from beemon.formats import prometheus
from beemon.uplink import kept
from beemon.uplink.contract import Batch, Newest, NotDeliveredError, Record
from beemon.uplink.hive import Hive

_MODE = 0o644  # node-exporter is another user


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The metrics are written to a file for the textfile collector of node-exporter.

    They are those that the page has at ``/metrics``. The user beemon-uplink must be allowed to
    write in the folder.
    """

    file: Path = option(
        Path("/var/lib/prometheus/node-exporter/beemon.prom"), parse=absolute_path,
        doc="The file that is written",
    )
    interval: float = option(
        60.0, parse=duration_within("5s", "1h"), doc="The time between two writes"
    )


class TextFile:
    """Writes the file at each interval, also while the recorder does not answer."""

    place = None

    def __init__(self, settings: Settings, hive: Hive) -> None:
        self._settings, self._hive = settings, hive

    def wants(self, _record: Record) -> bool:
        """Whether it is written at once: never, as the file has its own times."""
        return False

    def deliver(self, batch: Batch) -> int:
        """The file shows the present state, so that no single record is delivered."""
        return len(batch.records)

    def show_newest(self, _newest: Newest) -> None:
        """The next write shows it."""

    def look(self, now: Moment) -> float | None:
        """Write the file."""
        lines = prometheus.describe(
            self._hive.ask_status(), self._hive.latest(), now.utc_us / US_PER_SECOND
        )
        text = "".join(lines)
        try:
            kept.write_text(self._settings.file, text, mode=_MODE, durably=False)
        except OSError as error:
            raise NotDeliveredError(
                f"{self._settings.file} cannot be written: {error}; let the user beemon-uplink "
                f"write there: sudo chgrp beemon {self._settings.file.parent}; "
                f"sudo chmod g+w {self._settings.file.parent}"
            ) from error
        self._hive.note_delivery()
        return self._settings.interval

    def close(self) -> None:
        """The file stays: its times tell its age."""


def make(settings: Settings, hive: Hive) -> TextFile:
    """The destination of this table."""
    return TextFile(settings, hive)
