"""Two beams across a passage, an outer and an inner one, count bees in and out.

The beams are closer together than a bee is long, so a bee breaks both on its way. The order shows
the direction, as with a quadrature encoder: a bee on its way in breaks the outer beam first and
frees it first. Each change of one beam is a step forward or back on the ring

    free → outer broken → both broken → inner broken → free

and four steps are one bee. A line is active while its beam is broken. This module reads no pin and
no clock: the caller passes the levels and their times.
"""

from __future__ import annotations

from dataclasses import dataclass

from beemon.devices._lines import Levels, Line

OUTER, INNER = 0, 1

_PHASES: dict[Levels, int] = {
    (False, False): 0, (True, False): 1, (True, True): 2, (False, True): 3,
}
_STEPS = 4
_BOTH_SEEN = 2  # steps after which an animal has been in both beams


@dataclass
class Tally:
    """The counts of passages.

    ``turned_back`` counts bees that broke both beams and returned. ``unclear`` counts passages
    whose number of bees is uncertain or unknown; the latter are in no other count.
    """

    bees_in: int = 0
    bees_out: int = 0
    turned_back: int = 0
    unclear: int = 0


class Passage:
    """Follows both beams and keeps the tally. Times are seconds of any one steady clock."""

    def __init__(self, levels: Levels, debounce: float, now: float) -> None:
        self._lines = [Line(broken, debounce) for broken in levels]
        self._tally = Tally()
        self._phase = _PHASES[levels]
        self._changed = now
        self._begin(seen=self._phase == 0)

    @property
    def levels(self) -> Levels:
        """The last known levels, including bounce."""
        return self._lines[OUTER].raw, self._lines[INNER].raw

    def edge(self, beam: int, broken: bool, at: float) -> None:
        """One beam broke or became free."""
        self.settle(at)
        line = self._lines[beam]
        if self._phase and line.raw == broken:  # the edge between this one and the last was lost
            self._is_unclear = True
        line.change(broken, at)

    def settle(self, now: float) -> None:
        """Count every change that has lasted long enough by now."""
        pending = [(line.due, line) for line in self._lines if line.due is not None]
        for due, line in sorted(pending, key=lambda pair: pair[0]):
            if due <= now:
                line.settled = line.raw
                self._step(due)

    def resynchronise(self, levels: Levels, now: float) -> None:
        """Take over the levels that the beams really have, where edges were lost.

        One that differs is an edge that came late; the order of two is unknown.
        """
        self.settle(now)
        self._is_unclear |= levels != self.levels
        for line, broken in zip(self._lines, levels, strict=True):
            line.raw = line.settled = broken
        self._step(now)

    def broken_since(self) -> float | None:
        """When the last change was, while a beam is broken."""
        return self._changed if self._phase else None

    def take(self, now: float) -> Tally:
        """The tally since it was taken before; an animal on its way is in a later one."""
        self.settle(now)
        taken, self._tally = self._tally, Tally()
        return taken

    def _begin(self, *, seen: bool) -> None:
        self._position = self._furthest = 0
        self._is_seen, self._is_unclear = seen, False

    def _step(self, at: float) -> None:
        phase = _PHASES[self._lines[OUTER].settled, self._lines[INNER].settled]
        move = (phase - self._phase + 1) % _STEPS - 1
        if not move:
            return
        self._phase, self._changed = phase, at
        if move == _BOTH_SEEN:  # both changed at once: some edges were lost
            self._is_seen = False
        self._position += move
        self._furthest = max(self._furthest, abs(self._position))
        if self._furthest == _STEPS - 1 and abs(self._position) == 1:
            self._is_unclear = True  # it went back and forth, or another one came close behind
        if phase == 0:
            self._end()

    def _end(self) -> None:
        tally = self._tally
        tally.unclear += self._is_unclear or not self._is_seen
        if self._is_seen:
            tally.bees_in += self._position == _STEPS
            tally.bees_out += self._position == -_STEPS
            tally.turned_back += self._position == 0 and self._furthest >= _BOTH_SEEN
        self._begin(seen=True)
