"""Counting pulses of one line: tips of a rain gauge, breaks of a beam. No pin, no clock."""

from __future__ import annotations

from beemon.devices._lines import Levels, Line


class Pulses:
    """Counts the changes to active that last for ``debounce`` seconds."""

    def __init__(self, levels: Levels, debounce: float) -> None:
        self._line = Line(levels[0], debounce)
        self._debounce = debounce
        self._heard = -debounce
        self._count = 0

    @property
    def levels(self) -> Levels:
        """The last known level, including bounce."""
        return (self._line.raw,)

    def edge(self, _: int, active: bool, at: float) -> None:
        """The line changed."""
        self._settle(at)
        if self._line.raw == active and at - self._heard >= self._debounce:
            self._count += 1  # the edge between this one and the last was lost, not the pulse
        self._heard = at
        self._line.change(active, at)

    def resynchronise(self, levels: Levels, now: float) -> None:
        """Use the real level of the line, if an edge was lost."""
        self._settle(now)
        [active] = levels
        self._count += active and not self._line.settled
        self._line.raw = self._line.settled = active

    def take(self, now: float) -> int:
        """The count since it was taken before."""
        self._settle(now)
        taken, self._count = self._count, 0
        return taken

    def _settle(self, now: float) -> None:
        due = self._line.due
        if due is not None and due <= now:
            self._line.settled = self._line.raw
            self._count += self._line.raw
