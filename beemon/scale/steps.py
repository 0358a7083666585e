"""Steps: events of a hive that its weight reveals, together with the other sensors around it.

A colony changes its weight slowly. It loses weight in the morning, when the foragers leave, and
gains as they return (Meikle et al., "Using within-day hive weight changes to measure environmental
effects on honey bee colonies", PLoS ONE 13, 2018). A day is a wave, and the night a slow loss
(Meikle et al., "Within-day variation in continuous hive weight data as a measure of honey bee
colony activity", Apidologie 39, 2008). A strong flow adds 3 kg in a day.

A faster change is an episode. It ends when the weight has been stable for 30 minutes. Its size is
the difference of the levels after and before it. Its kind is one of :data:`KINDS`. It follows from
the size, the time of day, and an excursion beyond both levels (a lid taken off, a super on the
ground). A rain gauge, a lid contact, counters and the beekeeper's own entries are used if there
are any.

Bounds that come from beekeepers are marked as such. The others are beemon's own. They have been
tested on simulated years (``scripts/steps``) and on real hives (``scripts/insights``).

Rain makes the weight rise slowly. Such a rise counts as rain if a gauge measures rain. Without a
gauge it does so only at night, or if it is slow and even, but faster than foragers that come home.
A person adds a super faster than that.

Nothing is reported about times without measurements. A level uses readings on its own side of the
episode, without a gap in between. A change during a gap is not a step.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import NamedTuple

from beemon.base.values import value_class

MINUTE = 60.0

KINDS = {
    "rain": "rain made the hive wet: it will dry within a day",
    "lid": "a lid was lifted and put back",
    "inspection": "somebody worked at the hive",
    "swarm": "a swarm's weight left within minutes, by day: it may be a swarm, so go and look",
    "harvest": "more than the weight of a swarm was taken away",
    "added": "something was added: a super, or feed",
    "loss": "weight was lost, but not to a swarm: at once, at night, or without bees leaving",
}
"""The kinds of steps, with their meanings."""

SLOWEST = 40.0 / MINUTE
"""The least rate of an episode, in g/s. It is above that of leaving foragers, at most 1 kg (7500
foragers of 0.13 g) in 30 minutes. It is below that of a small swarm; users of beelogger saw 1872 g
in 21 min."""
SURELY, AROUND = 5.0, 120 * MINUTE
"""An episode changes the weight by at least ``SURELY`` times its usual change. The usual change,
for example by wind, is that in ``AROUND`` seconds before it and :data:`QUIET` after it. Later
readings therefore never change a step."""
FLIGHT = 45.0 / MINUTE
"""The least mean rate of a swarm, in g/s. It is the fastest loss of foragers, 1 kg in 30 minutes,
and a third more for the wind."""
WINDOW = 5 * MINUTE
"""Time in seconds over which a change is measured; between two readings if they are further apart.
"""
LONGEST_GAP = 20 * MINUTE
SPARSE = 3 * MINUTE
"""The interval, in seconds, above which a lid may be off and on again between two readings."""
QUIET = 30 * MINUTE
"""The stable time after an episode, in seconds. A loss may be put back within it, so beelogger also
waits before it reports a swarm."""
LEVEL = 20 * MINUTE
"""The time on each side of an episode, in seconds, whose median is the level."""
BEYOND = 300.0
"""The grams by which a weight must go beyond both levels, and :data:`SURELY` beyond the effect of
wind, for somebody to have been there."""
BRIEF = 20 * MINUTE
"""The longest time, in seconds, for which a lid alone is off."""
LID = 600.0
"""The largest change, in g, if only the lid was lifted: foragers may leave meanwhile."""
SWARM = 700.0, 4000.0
"""The weight of a swarm in g. Beekeepers see 1 to 3 kg leave, and want an alarm from 1.5 lb (680 g)
or 3 lb."""
SWARM_SECONDS = 45 * MINUTE
AT_ONCE, DENSE = 0.8, 2 * MINUTE
"""A person caused a change if the share ``AT_ONCE`` of it is between two successive readings.

Of a loss this is known only if the readings are at most ``DENSE`` seconds apart: a swarm may leave
within five minutes."""
ADDED = 700.0
RAIN = 150.0
"""The least rain to report, in g: a film of 0.5 mm on a roof of 0.25 m² is 125 g."""
SOAKED = 2000.0
"""The largest gain by rain within minutes, in g. Without a rain gauge, more means something added.
"""
RAIN_RATE = 3.0 / MINUTE
"""The least rate of a slow rise by rain, in g/s, over :data:`LEVEL`; a strong flow is slower."""
HOMECOMING = 1000.0
"""The largest gain within an hour, in g, by foragers that come home before it rains."""
LEAST_MM = 0.2
BEES_OUT = 200
"""The least number of bees in a swarm, if bees are counted: those out minus those in."""
SWARM_BEES = 5000
"""The number of bees out minus bees in that is a swarm, even if the weight falls slowly."""
DRIFT = 300.0 / 3600
"""The largest change by foraging, in g/s (3 kg in ten hours of a day)."""

Interval = tuple[float, float]


class Weighed(NamedTuple):
    """A reading: when (seconds since 1970), how much, and its standard uncertainty, if known."""

    at: float
    grams: float
    uncertainty: float | None = None


@value_class
class Around:
    """The other data around the weight.

    ``rain`` and ``bees_out`` (bees out minus bees in) are sums since the previous reading, by the
    time of the reading; None if nothing measures them. ``opened`` are the times at which the lid
    contact or the beekeeper reported an open hive. ``is_day`` returns whether the sun is up at a
    time.
    """

    is_day: Callable[[float], bool]
    rain: Sequence[tuple[float, float]] | None = None
    bees_out: Sequence[tuple[float, float]] | None = None
    opened: Sequence[Interval] = field(default_factory=tuple)

    def was_opened(self, begin: float, end: float) -> bool:
        """Whether the hive was said to be open in between, or shortly before or after."""
        return any(
            opened - WINDOW <= end and begin <= closed + WINDOW for opened, closed in self.opened
        )

    def rained(self, begin: float, end: float) -> bool | None:
        """Whether it rained in between; None if unknown."""
        fell = _sum(self.rain, begin - LEVEL, end + WINDOW)
        return None if fell is None else fell >= LEAST_MM

    def left(self, begin: float, end: float) -> float | None:
        """The number of bees that left in between and did not return; None if unknown."""
        return _sum(self.bees_out, begin - WINDOW, end + WINDOW)


@value_class
class Step:
    """A step: its kind, its start and end (seconds since 1970), and the change of weight.

    The change has a standard uncertainty; both are in g. ``known`` is the time of the reading that
    shows that it is over.
    """

    kind: str
    begin: float
    end: float
    grams: float
    uncertainty: float
    known: float


def find_steps(weights: Sequence[Weighed], around: Around) -> list[Step]:
    """The steps in a series of weights, in the order of time; those that are over."""
    found: list[Step] = []
    for part in _without_gaps(weights):
        calm = _calm(part, around)
        fast = [step for episode in _episodes(calm) if (step := _fast(calm, episode, around))]
        found += fast
        found += [
            step for step in _rises(calm, around)
            if not any(step.begin <= other.end and other.begin <= step.end for other in fast)
        ]
    return sorted(found, key=lambda step: step.begin)


def _without_gaps(weights: Sequence[Weighed]) -> Iterator[list[Weighed]]:
    part: list[Weighed] = []
    for weighed in weights:
        if part and weighed.at - part[-1].at > LONGEST_GAP:
            yield part
            part = []
        part.append(weighed)
    if part:
        yield part


def _calm(part: Sequence[Weighed], around: Around) -> list[Weighed]:
    """The readings without single wild ones: these become the median of three.

    A lid that is off for one reading alone looks like a wild reading. It counts if the hive was
    said to be open. Between dense readings nobody can lift a lid and put it back.
    """
    if len(part) < 3:
        return list(part)
    middle = [
        here._replace(grams=sorted((before.grams, here.grams, after.grams))[1])
        if _is_lone(before, here, after, around) else here
        for before, here, after in zip(part, part[1:], part[2:], strict=False)
    ]
    return [part[0], *middle, part[-1]]


def _is_lone(before: Weighed, here: Weighed, after: Weighed, around: Around) -> bool:
    """Whether nothing but this one reading may show a change."""
    seconds = after.at - before.at
    if seconds <= 2 * SPARSE:
        return True
    is_change = abs(after.grams - before.grams) >= SLOWEST * max(seconds, WINDOW)
    return not is_change and not around.was_opened(here.at, here.at)


def _episodes(part: Sequence[Weighed]) -> Iterator[tuple[int, int]]:
    """The readings between which the weight moved fast: the last before and the first after."""
    moving: list[tuple[int, int]] = []
    pairs = _apart(part, WINDOW)
    times = [part[here].at for _, here in pairs]
    changes = [abs(part[here].grams - part[earlier].grams) for earlier, here in pairs]
    for (earlier, here), change in zip(pairs, changes, strict=True):
        before, now = part[earlier], part[here]
        seconds = max(now.at - before.at, WINDOW)
        if change >= SLOWEST * seconds and change >= SURELY * _usual(changes, times, now.at):
            if moving and before.at - part[moving[-1][1]].at < QUIET:
                moving[-1] = moving[-1][0], here
            else:
                moving.append((earlier, here))
    yield from moving


def _apart(part: Sequence[Weighed], seconds: float) -> list[tuple[int, int]]:
    """Each reading but the first, and the latest that is this many seconds before it, or the first;
    where readings are rarer, the one before."""
    pairs = []
    earlier = 0
    for here in range(1, len(part)):
        while earlier + 1 < here and part[here].at - part[earlier + 1].at >= seconds:
            earlier += 1
        pairs.append((earlier, here))
    return pairs


def _usual(changes: Sequence[float], times: Sequence[float], at: float) -> float:
    """The standard deviation, in g, of the changes around a time, for example in wind.

    It is estimated from their median, which is 0.6745 of the standard deviation, because a single
    step hardly changes a median.
    """
    import statistics  # with decimals and fractions, which only scales need

    near = changes[bisect_left(times, at - AROUND) : bisect_right(times, at + QUIET)]
    return statistics.median(near) / 0.6745


class _Level(NamedTuple):
    """The level, its uncertainty, and the standard deviation of the readings; all in g."""

    grams: float
    uncertainty: float
    scatter: float


def _fast(part: Sequence[Weighed], episode: tuple[int, int], around: Around) -> Step | None:
    """The kind of an episode; None if the level before or after it is not known."""
    first, last = episode
    before = _level(part, part[first].at - LEVEL, part[first].at)
    after = _level(part, part[last].at, part[last].at + LEVEL)
    known = _known(part, part[last].at)
    if before is None or after is None or known is None:
        return None
    first, last = _narrowed(part, episode, before.grams, after.grams)
    begin, end = part[first].at, part[last].at
    inside = [weighed.grams for weighed in part[first : last + 1]]
    low, high = sorted((before.grams, after.grams))
    beyond = max(low - min(inside), max(inside) - high)
    is_beyond = beyond >= max(BEYOND, SURELY * max(before.scatter, after.scatter))
    change = after.grams - before.grams
    steepest = _steepest(part[first : last + 1])
    at_once = abs(steepest.grams) >= AT_ONCE * abs(change)
    if around.was_opened(begin, end) or is_beyond:
        kind: str | None = _worked_at(change, end - begin)
    elif change < 0:
        kind = _lost(-change, begin, end, around, by_hand=at_once and steepest.at <= DENSE)
    else:
        kind = _gained(change, begin, end, around, at_once=at_once)
    unsure = _unsure(before, after, end - begin)
    return Step(kind, begin, end, change, unsure, known) if kind else None


def _known(part: Sequence[Weighed], end: float) -> float | None:
    """The time of the first reading that is long enough after the end; None without one."""
    at = bisect_left(part, end + QUIET, key=lambda weighed: weighed.at)
    return part[at].at if at < len(part) else None


def _steepest(part: Sequence[Weighed]) -> Weighed:
    """The largest change from one reading to the next: its seconds and grams."""
    changes = (Weighed(b.at - a.at, b.grams - a.grams) for a, b in pairwise(part))
    return max(changes, key=lambda change: abs(change.grams))


def _unsure(before: _Level, after: _Level, seconds: float) -> float:
    """The uncertainty of a change, in g.

    Between the middles of the two levels, foraging may also have changed the weight, by anything up
    to its maximum rate (JCGM 100:2008, 4.3.7).
    """
    drift = DRIFT * (seconds + LEVEL) / math.sqrt(3)
    return math.hypot(before.uncertainty, after.uncertainty, drift)


def _worked_at(change: float, seconds: float) -> str:
    """The kind of an episode that somebody's work caused, from the change and the duration."""
    if change <= -SWARM[1]:
        return "harvest"
    if change >= ADDED:
        return "added"
    return "lid" if seconds <= BRIEF and abs(change) < LID else "inspection"


def _lost(
    loss: float, begin: float, end: float, around: Around, *, by_hand: bool
) -> str | None:
    """The kind of a loss; None if it may be foragers, or is too small."""
    bees = around.left(begin, end)
    is_fast = loss >= FLIGHT * (end - begin) or (bees is not None and bees >= SWARM_BEES)
    if loss >= SWARM[1]:
        return "harvest"
    if loss < SWARM[0] or not is_fast:
        return None
    is_swarm = (
        around.is_day((begin + end) / 2) and end - begin <= SWARM_SECONDS
        and (bees is None or bees >= BEES_OUT) and not by_hand
    )
    return "swarm" if is_swarm else "loss"


def _gained(
    gain: float, begin: float, end: float, around: Around, *, at_once: bool
) -> str | None:
    """The kind of a gain; None if it may be foragers, or rain without a gauge."""
    at_once = at_once or end - begin <= WINDOW or gain > SOAKED
    is_rain = gain >= RAIN and _was_rain(begin, end, around)
    if is_rain and (around.rained(begin, end) or not at_once):
        return "rain"
    return "added" if gain >= ADDED and (at_once or around.rain is not None) else None


def _narrowed(
    part: Sequence[Weighed], episode: tuple[int, int], before: float, after: float
) -> tuple[int, int]:
    """From the last reading that is still at the level before to the first at that after it."""
    first, last = episode
    near = SLOWEST * WINDOW / 2
    while first + 1 < last and abs(part[first + 1].grams - before) < near:
        first += 1
    while last - 1 > first and abs(part[last - 1].grams - after) < near:
        last -= 1
    return first, last


def _level(part: Sequence[Weighed], begin: float, end: float) -> _Level | None:
    """The median of at least two readings, with its uncertainty.

    The variance of a median is pi/2 times that of the mean (Kendall and Stuart, "The Advanced
    Theory of Statistics", chapter 14). The uncertainty is at least that of a single reading.
    """
    import statistics

    times = [weighed.at for weighed in part]
    inside = part[bisect_left(times, begin) : bisect_right(times, end)]
    if len(inside) < 2:
        return None
    grams = [weighed.grams for weighed in inside]
    scatter = statistics.stdev(grams)
    of_median = math.sqrt(math.pi / 2) * scatter / math.sqrt(len(grams))
    own = max((weighed.uncertainty or 0.0 for weighed in inside), default=0.0)
    return _Level(statistics.median(grams), math.hypot(of_median, own), scatter)


def _rises(part: Sequence[Weighed], around: Around) -> Iterator[Step]:
    """The slow rises of the weight that rain caused."""
    for first, last in _rising(part):
        begin, end = part[first].at, part[last].at
        before = _level(part, begin - LEVEL, begin)
        after = _level(part, end, end + LEVEL)
        known = _known(part, end)
        if before is None or after is None or known is None:
            continue
        gain = after.grams - before.grams
        noise = math.hypot(before.uncertainty, after.uncertainty)
        is_sure = gain >= 3 * noise or bool(around.rained(begin, end))
        is_rain = _was_rain(begin, end, around) or _is_even(part[first : last + 1], gain, around)
        if gain >= RAIN and is_sure and is_rain:
            yield Step("rain", begin, end, gain, _unsure(before, after, end - begin), known)


def _rising(part: Sequence[Weighed]) -> Iterator[tuple[int, int]]:
    rising: list[tuple[int, int]] = []
    for earlier, here in _apart(part, LEVEL):
        seconds = part[here].at - part[earlier].at
        if seconds >= LEVEL / 2 and part[here].grams - part[earlier].grams >= RAIN_RATE * seconds:
            if rising and earlier <= rising[-1][1]:
                rising[-1] = rising[-1][0], here
            else:
                rising.append((earlier, here))
    yield from rising


def _was_rain(begin: float, end: float, around: Around) -> bool:
    rained = around.rained(begin, end)
    if rained is not None:
        return rained
    return not around.is_day(begin) and not around.is_day(end)


def _is_even(rising: Sequence[Weighed], gain: float, around: Around) -> bool:
    """Whether a rise by day is too fast for foragers, and too slow and even for a person; False if
    a gauge measures rain."""
    if around.rained(rising[0].at, rising[-1].at) is not None:
        return False
    return gain >= HOMECOMING * (max(rising[-1].at - rising[0].at, 3600.0) / 3600.0) and not any(
        rising[here].grams - rising[earlier].grams
        >= SLOWEST * max(rising[here].at - rising[earlier].at, WINDOW)
        for earlier, here in _apart(rising, WINDOW)
    )


def _sum(
    counted: Sequence[tuple[float, float]] | None, begin: float, end: float
) -> float | None:
    """The sum of the counts in between; None if there was no reading."""
    inside = [count for at, count in counted or () if begin <= at <= end]
    return math.fsum(inside) if inside else None
