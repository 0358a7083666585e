"""Flights: the bees that fly out of a camera's view, and those that fly into it.

Bees are followed from picture to picture. One that flies, and is last seen at the edge of the view,
has left it. One that is first seen there, and flies inwards, has come into it. It is an estimate,
measured on the simulated entrance alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from beemon.checks.blobs import Blobs

REACH, OWN_STEPS, FOR_MISSED = 0.8, 0.7, 0.5
"""The largest distance of a bee from her expected place: in her lengths, and in her own steps; and
the share to add for each picture in which she was not seen."""
FIRST_SPEED = 26.0
"""The largest speed, in lengths a second, of a bee that was seen in one picture alone."""
PATIENCE = 0.2
"""The time, in seconds, after which a bee that is not seen any more is given up."""
LATEST = 0.6
"""The weight of the latest step in the speed of a bee."""
AT_END = 0.2
"""The time, in seconds, at each end of a path that gives the speed there."""
FLIGHT_SPEED = 2.2
"""The least speed of a flight, in lengths a second. A bee walks more slowly."""
AHEAD, EDGE = 1.6, 0.6
"""A bee is at the edge if that many steps on she is within that many lengths of it."""
LEAST_SEEN, LEAST_WAY = 3, 1.0
"""The least number of pictures of a flight, and the least way in lengths."""


class Seen(NamedTuple):
    """The place of a bee in one picture, by its number."""

    picture: int
    x: float
    y: float


@dataclass
class Path:
    """The way of one bee, and her speed in pixels a picture."""

    places: list[Seen] = field(default_factory=list)
    across: float = 0.0
    down: float = 0.0

    def distance(self, x: float, y: float, picture: int) -> float:
        """The distance of a place from the expected one, in pixels."""
        last = self.places[-1]
        steps = picture - last.picture
        return math.hypot(x - last.x - self.across * steps, y - last.y - self.down * steps)

    def go_on(self, place: Seen) -> None:
        """Add the next place."""
        last = self.places[-1]
        steps = place.picture - last.picture
        weight = LATEST if len(self.places) > 1 else 1.0
        self.across += weight * ((place.x - last.x) / steps - self.across)
        self.down += weight * ((place.y - last.y) / steps - self.down)
        self.places.append(place)


class Flights:
    """Counts the flights ``out`` of a view and ``into`` it (``came``), picture by picture.

    ``size`` is the width and height of the pictures, ``length`` that of a bee, in pixels, and
    ``rate`` the number of pictures a second.
    """

    def __init__(self, size: tuple[int, int], length: float, rate: float) -> None:
        self.out = self.came = 0
        self._size, self._length, self._rate = size, length, rate
        self._first_reach = max(length, FIRST_SPEED * length / rate)
        self._patience = max(2, round(PATIENCE * rate))
        self._paths: list[Path] = []
        self._picture = 0

    def see(self, bees: Blobs) -> None:
        """Take in the bees of the next picture."""
        self._picture += 1
        places = [Seen(self._picture, float(x), float(y))
                  for x, y in zip(bees.x, bees.y, strict=True)]
        taken = self._follow(places)
        is_old = [self._picture - path.places[-1].picture > self._patience for path in self._paths]
        for path, is_over in zip(self._paths, is_old, strict=True):
            if is_over:
                self._judge(path)
        self._paths = [
            path for path, is_over in zip(self._paths, is_old, strict=True) if not is_over
        ]
        self._paths += [Path([place]) for place in places if place not in taken]

    def finish(self) -> None:
        """Take in the bees that were seen last."""
        for path in self._paths:
            self._judge(path)
        self._paths.clear()

    def _follow(self, places: list[Seen]) -> set[Seen]:
        """Give each path the place that fits it best; return the places that were taken."""
        near = sorted(
            (path.distance(place.x, place.y, self._picture), number, place)
            for number, path in enumerate(self._paths) for place in places
        )
        taken: set[Seen] = set()
        followed: set[int] = set()
        for distance, number, place in near:
            if number in followed or place in taken or distance > self._reach(self._paths[number]):
                continue
            self._paths[number].go_on(place)
            followed.add(number)
            taken.add(place)
        return taken

    def _reach(self, path: Path) -> float:
        missed = self._picture - path.places[-1].picture - 1
        reach = REACH * self._length if len(path.places) > 1 else self._first_reach
        return reach * (1 + FOR_MISSED * missed) + OWN_STEPS * math.hypot(path.across, path.down)

    def _judge(self, path: Path) -> None:
        """Count a bee whose path is over."""
        places = path.places
        first, last = places[0], places[-1]
        way = max(math.hypot(place.x - first.x, place.y - first.y) for place in places)
        if len(places) < LEAST_SEEN or way <= LEAST_WAY * self._length:
            return
        steps = min(max(2, round(AT_END * self._rate)), len(places) - 1)
        self.out += self._is_leaving(places[-1 - steps], last)
        self.came += self._is_leaving(places[steps], first)

    def _is_leaving(self, inner: Seen, outer: Seen) -> bool:
        """Whether a bee flies out of the view at ``outer``; backwards in time, she comes."""
        steps = abs(outer.picture - inner.picture)
        across, down = (outer.x - inner.x) / steps, (outer.y - inner.y) / steps
        if math.hypot(across, down) * self._rate < FLIGHT_SPEED * self._length:
            return False
        return any(
            not EDGE * self._length <= place <= whole - EDGE * self._length
            for place, whole in zip(
                (outer.x + AHEAD * across, outer.y + AHEAD * down), self._size, strict=True
            )
        )
