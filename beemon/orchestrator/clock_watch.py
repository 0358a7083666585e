"""Clock watch: changes of the clock are logged, and records get corrected times afterwards.

The sums of past hours and days are calculated on the same occasion. All of it is done in small
steps, so that the ledger's writer is never busy for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from beemon.base.clock import Change, ClockWatch, Quality, Stamp
from beemon.base.moments import iso
from beemon.ledger import days, events, hours, redating
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
"""Time, in seconds, between two looks for work; if a step left some, the next step follows at once.
"""


class ClockKeeper:
    """Is given the time each second; ``write`` has something written to the ledger.

    ``first`` is the time at which the run began.
    """

    def __init__(
        self, write: Callable[[Write, Written], None], looks: Looks, first: Stamp
    ) -> None:
        self._write, self._looks = write, looks
        self._watch = ClockWatch(first)
        self._redating = redating.Redating()
        self._next_round = first.monotonic
        self._at_work = False

    def look(self, now: Stamp) -> None:
        """See what changed and what is due, and have it written."""
        change = self._looks.guard("clock", lambda: self._watch.find_change(now), None)
        if change:
            self._tell(change)
            if change.made_sure:
                self._next_round = now.monotonic
        if now.monotonic >= self._next_round and not self._at_work:
            self._at_work = True
            self._next_round = now.monotonic + ROUND_SECONDS
            self._write(lambda ledger: self._round(ledger, now), self._done)

    def _round(self, ledger: Ledger, now: Stamp) -> bool:
        """Do what is due, some at a time; whether there is more."""
        more = self._looks.take("hours", ledger, lambda one: _sum_up(one, now.utc_us), False)
        if now.quality is Quality.UNSURE:
            return more
        dating = self._redating
        return self._looks.take("redating", ledger, lambda one: dating.step(one, now), more) or more

    def _done(self, more: bool) -> None:
        """Called by the writer when a round is durable."""
        self._at_work = False
        if more:
            self._next_round = 0.0

    def _tell(self, change: Change) -> None:
        message = _sentence(change)
        log.warning("%s", message)
        at = change.at

        def write(ledger: Ledger) -> None:
            events.enter(
                ledger, "clock", message, at=at, seconds=change.seconds,
                quality_before=change.before.quality, offset_before_us=change.before.offset_us,
                quality=at.quality, offset_us=at.offset_us,
            )

        self._write(self._looks.within("clock", write, None), lambda _: None)


def _sum_up(ledger: Ledger, now_us: int) -> bool:
    """Sum up some of the hours and days that are over; return whether there are more."""
    return hours.reckon(ledger, now_us) or days.reckon(ledger, now_us)


def _sentence(change: Change) -> str:
    at, before = change.at, change.before
    said = []
    if change.seconds:
        where = "forward" if change.seconds > 0 else "back"
        said.append(f"was set {where} by {abs(change.seconds):.0f} s, to {iso(at.utc_us)}")
    if change.made_sure:
        said.append(f"is right now ({at.quality}); earlier records get corrected times")
    elif at.quality is not before.quality:
        said.append(f"is {at.quality} now, and was {before.quality}")
    return f"the clock {' and '.join(said)}"
