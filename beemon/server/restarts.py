"""Restarts: the number of recent starts after a crash, a failure or a power cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from beemon.base import zone
from beemon.base.clock import Stamp
from beemon.base.moments import clock_text, iso, to_datetime
from beemon.base.status import ServiceStart
from beemon.ledger.starts import CRASH, FAILURE, POWER_CUT, WATCHDOG, Start
from beemon.protocol.reports import Trouble

DAY_SECONDS = 86_400.0
POWER_CUTS = 3
"""From this number of power cuts a day, the supply is in trouble; one is what a hive may have."""

_BY = {
    WATCHDOG: "by the watchdog", CRASH: "after a crash", FAILURE: "after it had failed",
    POWER_CUT: "after a power cut",
}
_REMEDY = "to see why: beemon events 1d start; sudo journalctl -u beemon -p warning -S -1d"
_POWER_REMEDY = "check the power supply, its cable and the battery; beemon events 1d start"


class Restarts:
    """The starts of the service in the last 24 hours, the newest first.

    ``stamp`` tells the present time; it is asked only if a start was unplanned.
    """

    def __init__(
        self, starts: Sequence[Start], stamp: Callable[[], Stamp], boot_id: str
    ) -> None:
        unplanned = [start for start in starts if start.is_unplanned]
        now = stamp() if unplanned else None
        self._unplanned = [
            start for start in unplanned if now and start.age(now, boot_id) < DAY_SECONDS
        ]
        self._crashes = [start for start in self._unplanned if start.why != POWER_CUT]
        self._latest = starts[0] if starts else None

    @property
    def start(self) -> ServiceStart | None:
        """The latest start; None while none is known."""
        latest = self._latest
        return None if latest is None else ServiceStart(iso(latest.at.utc_us), latest.why)

    @property
    def count(self) -> int | None:
        """The number of unplanned restarts; None while no start is known."""
        return None if self._latest is None else len(self._unplanned)

    @property
    def trouble(self) -> Trouble | None:
        """The problem with frequent restarts; None if there is none."""
        told = self._crashes or self._unplanned
        if not told or (not self._crashes and len(told) < POWER_CUTS):
            return None
        often = "once" if len(told) == 1 else f"{len(told)} times"
        at = to_datetime(told[0].at.utc_us, zone.local())
        says = (
            f"it was restarted {often} in the last 24 hours, most recently {_BY[told[0].why]} "
            f"at {clock_text(at)}"
        )
        return Trouble("restarts", says, _REMEDY if self._crashes else _POWER_REMEDY)
