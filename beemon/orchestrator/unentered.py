"""Unentered: scheduled reads that begin before the ledger has their job.

Such a read is entered once, with its readings and its outcome, instead of twice: each transaction
costs a card some blocks. Until then, the ledger accounts for the time before its slot only. After
a power cut, the next start therefore enters the slot as ``skipped: down``.

Invariant: each entry is entered by one write, and after all earlier ones. Otherwise the account
would pass a slot that is not entered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from beemon.base.outcomes import Ending
from beemon.ledger import slots
from beemon.ledger.ledger import Ledger
from beemon.ledger.slots import Skip, Tick
from beemon.ledger.writer import Write
from beemon.orchestrator.inbox import Inbox

WAIT_SECONDS = 5.0
"""Time in seconds after which a read that has not ended is entered as open, so that queries show
it."""


@dataclass
class Entry:
    """A look at the timetable and, once it is entered, the number of its job (before: 0)."""

    tick: Tick
    job: int = 0


class Unentered:
    """The reads that are not entered yet, by the negative number that each has meanwhile.

    ``is_durable`` is called from any thread with the number of a read whose outcome is entered.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._open: dict[int, Entry] = {}
        self._waiting: dict[int, Entry] = {}  # of these, those that no write enters yet, in order
        self._ending: set[int] = set()
        self._latest = 0
        self.is_durable: Callable[[int], None] = inbox.forward(self._ending.discard)

    def begin(self, tick: Tick) -> int | None:
        """Let a look wait; return the number of its read, or None if it has to be entered first."""
        if not _can_wait(tick):
            return None
        self._latest -= 1
        self._open[self._latest] = self._waiting[self._latest] = Entry(tick)
        return self._latest

    def entry(self, number: int) -> Entry | None:
        """The entry with this number, until its read ends."""
        return self._open.get(number)

    @property
    def wait_until(self) -> float:
        """When the oldest read is to be entered as open, in monotonic seconds."""
        times = (entry.tick.at.monotonic for entry in self._waiting.values())
        return min(times, default=math.inf) + WAIT_SECONDS

    @property
    def is_writing(self) -> bool:
        """Whether the outcome of a read is on its way to the ledger."""
        return bool(self._ending)

    def enter(self, tick: Tick | None = None) -> Callable[[Ledger], list[int]]:
        """The write that enters all that waits as open, then a look; it returns that one's jobs."""
        earlier = list(self._waiting.values())
        self._waiting.clear()

        def write(ledger: Ledger) -> list[int]:
            _enter_open(ledger, earlier)
            return slots.enter(ledger, tick) if tick else []

        return write

    def end(self, number: int, decide: Callable[[Ledger], Ending]) -> Write:
        """The write that enters the outcome of a read, which ``decide`` returns."""
        entry = self._open.pop(number)
        self._ending.add(number)
        earlier = [self._waiting.pop(one) for one in list(self._waiting) if one > number]
        is_new = self._waiting.pop(number, None) is not None

        def write(ledger: Ledger) -> Ending:
            _enter_open(ledger, earlier)
            if is_new:
                entry.job = ledger.next_job()
            ending = decide(ledger)
            if is_new:
                slots.enter_ended(ledger, entry.tick, entry.job, ending)
            else:
                ledger.end(entry.job, ending)
            return ending

        return write


def _can_wait(tick: Tick) -> bool:
    """Whether a look found one read and nothing that a read after a power cut could not repeat.

    The next start calculates what was due from the schedules in the ledger, so only they have to
    be entered first.
    """
    return (
        tick.accounted_us is not None
        and all(isinstance(change, Skip) for change in tick.changes)
        and len(tick.due) == 1
        and tick.due[0].slot_us is not None
        and tick.due[0].command.startswith("read ")
    )


def _enter_open(ledger: Ledger, entries: list[Entry]) -> None:
    for entry in entries:
        [entry.job] = slots.enter(ledger, entry.tick)
