"""Random traffic through two beams, with what it really was: bees in, out, half-way and back.

A walk is a bee's way over the ring of the beams' levels. It wavers by a step here and there, and
each change of a level may bounce for less than the debounce time.
"""

from __future__ import annotations

from beemon.devices.sensors.beams.passage import INNER, OUTER, Tally

IN, OUT, HALF_IN, HALF_OUT, LOOK_IN, LOOK_OUT = range(6)

# Phases of the ring, one after the other; between walks the passage is free.
_WAYS = {
    IN: (1, 2, 3, 4),
    OUT: (-1, -2, -3, -4),
    HALF_IN: (1, 2, 1, 0),
    HALF_OUT: (-1, -2, -1, 0),
    LOOK_IN: (1, 0),
    LOOK_OUT: (-1, 0),
}
_LEVELS = ((False, False), (True, False), (True, True), (False, True))


class Walks:
    """Makes the edges of one animal after the other and keeps the truth about them."""

    def __init__(self, random, debounce, bounce=0.3, wavering=0.2):
        self.random = random
        self.now = 10.0
        self.truth = Tally()
        self.kinds = []
        self._debounce = debounce
        self._bounce, self._wavering = bounce, wavering

    def edges(self, animals):
        for _ in range(animals):
            yield from self.one()

    def one(self):
        """One animal, from a free passage to a free passage."""
        kind = self.random.randrange(6)
        self.kinds.append(kind)
        self._remember(kind)
        position = 0
        for target in self._wavers(_WAYS[kind]):
            yield from self._change(position, target)
            position = target
        self.now += self.random.uniform(0.02, 0.5)

    def take(self):
        taken, self.truth = self.truth, Tally()
        return taken

    def _remember(self, kind):
        self.truth.bees_in += kind == IN
        self.truth.bees_out += kind == OUT
        self.truth.turned_back += kind in (HALF_IN, HALF_OUT)

    def _wavers(self, way):
        """The way with a step back and forth where both beams are broken before and after it."""
        before = 0
        for target in way:
            yield target
            if {abs(before), abs(target)} == {1, 2} and self.random.random() < self._wavering:
                yield before
                yield target
            before = target

    def _change(self, position, target):
        before, after = _LEVELS[position % 4], _LEVELS[target % 4]
        beam = OUTER if before[OUTER] != after[OUTER] else INNER
        self.now += self.random.uniform(0.01, 0.2)
        while self.random.random() < self._bounce:
            for broken in (after[beam], before[beam]):
                yield beam, broken, self.now
                self.now += self.random.uniform(0.0, 0.9 * self._debounce)
        yield beam, after[beam], self.now
