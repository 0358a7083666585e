"""A year of a simulated hive's weight, a reading every few minutes, with steps planted in it.

The hive is that of the simulated sensor. On it come a scale's noise, gusty hours, single wild
readings, up to 900 g of foragers that leave in 40 minutes and return in a rush, a load cell's drift
with the temperature, and gaps; in some of these a step is hidden, which nobody can have seen.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from beemon.devices.sensors.simulated import outside_temperature, weight
from beemon.scale.steps import Around, Step, Weighed, find_steps

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0
BEGAN = 1_767_225_600.0  # 2026-01-01

WILD = 2e-5
"""How many readings are wild, means of samples as they are: one in five weeks of minutes."""

Curve = Callable[[float], float]


@dataclass
class Plant:
    """A step that was planted: grams by the seconds since its ``begin``, for ``seconds``."""

    kind: str
    begin: float
    seconds: float
    curve: Curve
    opened: bool = False
    hidden: bool = False

    def grams(self, at: float) -> float:
        return self.curve(at - self.begin) if at >= self.begin else 0.0


@dataclass
class Year:
    """``plants`` and ``gaps``, and all that a monitor knows of them."""

    seed: int
    chance: random.Random
    interval: float = 60.0
    days: int = 365
    calm: bool = False
    plants: list[Plant] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    rain: list[tuple[float, float]] = field(default_factory=list)
    bees_out: list[tuple[float, float]] = field(default_factory=list)

    def weights(self, day: int) -> list[Weighed]:
        """The readings of a day, and three hours of those beside it."""
        begin = BEGAN + day * DAY - 3 * HOUR
        count = int((DAY + 6 * HOUR) / self.interval)
        noise = random.Random(f"{self.seed} {day}")
        near = [p for p in self.plants if abs(p.begin - begin) < 40 * DAY]
        most, gusts = (400, (0, 0, 15)) if self.calm else (900, (0, 0, 0, 15, 40, 100))
        rush = noise.uniform(100, most), noise.uniform(100, 0.8 * most)
        gust = [noise.choice(gusts) for _ in range(32)]
        found = []
        for number in range(count):
            at = begin + number * self.interval
            if any(start <= at < end for start, end in self.gaps):
                continue
            hour = at % DAY / HOUR
            grams = weight(1, at) + 15 * (outside_temperature(1, at) - 15)
            grams += _rush(hour, *rush) + sum(plant.grams(at) for plant in near)
            grams += noise.gauss(0, 8) + noise.gauss(0, gust[int((at - begin) // HOUR)])
            if noise.random() < WILD and not self.calm:
                grams += noise.choice((-1, 1)) * noise.uniform(1000, 20_000)
            found.append(Weighed(at, grams, 10.0))
        return found

    def around(self, begin: float, end: float, *, gauges: bool) -> Around:
        """What else is known of a time."""
        opened = [(p.begin, p.begin + p.seconds) for p in self.plants if p.opened]
        return Around(
            is_day,
            [r for r in self.rain if begin <= r[0] <= end] if gauges else None,
            [b for b in self.bees_out if begin <= b[0] <= end] if gauges else None,
            [o for o in opened if o[1] >= begin and o[0] <= end] if gauges else (),
        )


@dataclass
class Verdict:
    """What was made of a year: how often a kind was taken for which, what was found where nothing
    was, the errors of the sizes (g) beside their stated uncertainties, and how many were hidden."""

    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    false: list[Step] = field(default_factory=list)
    errors: list[tuple[float, float]] = field(default_factory=list)
    hidden: int = 0


def judge(made: Year, *, gauges: bool) -> Verdict:
    """Find the steps of each day, and hold them against what was planted."""
    verdict = Verdict(hidden=sum(plant.hidden for plant in made.plants))
    for day in range(made.days):
        begin = BEGAN + day * DAY
        around = made.around(begin - 4 * HOUR, begin + DAY + 4 * HOUR, gauges=gauges)
        steps = [s for s in find_steps(made.weights(day), around) if begin <= s.begin < begin + DAY]
        plants = [
            p for p in made.plants if begin <= p.begin < begin + DAY and not p.hidden
        ]
        for plant in plants:
            own = [s for s in steps if _meets(s, plant)]
            steps = [s for s in steps if s not in own]
            verdict.named[plant.kind, "+".join(sorted(s.kind for s in own)) or "nothing"] += 1
            if len(own) == 1 and plant.kind not in ("rain", "lid"):
                left = plant.curve(plant.seconds + 1)
                verdict.errors.append((own[0].grams - left, own[0].uncertainty))
        verdict.false += steps
    return verdict


def _meets(step: Step, plant: Plant) -> bool:
    near = 15 * MINUTE
    return step.begin - near <= plant.begin + plant.seconds and plant.begin <= step.end + near


def is_day(at: float) -> bool:
    """Six to twenty, the year round."""
    return 6 <= at % DAY / HOUR < 20


def _rush(hour: float, out: float, back: float) -> float:
    """Foragers leave within 40 minutes from nine on, and some are back within 30 from 17:30 on."""
    left = -out * min(max((hour - 9) / (40 / 60), 0), 1)
    came = min(max((hour - 17.5) / 0.5, 0), 1) * min(back, out)
    late = (out - min(back, out)) * min(max((hour - 18) / 2, 0), 1)
    return left + came + late


def year(
    seed: int, interval: float = 60.0, days: int = 365, *, calm: bool = False
) -> Year:
    """One with about a step in two days, a few of each kind hidden in gaps. A calm one has little
    wind, fewer foragers and no wild readings."""
    chance = random.Random(seed)
    made = Year(seed, chance, interval, days, calm)
    for day in range(1, days - 1):
        plant = chance.choice(PLANTS + (None,) * len(PLANTS))
        if plant is not None:
            made.plants.append(plant(chance, BEGAN + day * DAY))
        if chance.random() < 0.05:
            _gap(made, day, hides=chance.random() < 0.5)
    _measure(made)
    return made


def _gap(made: Year, day: int, *, hides: bool) -> None:
    begin = BEGAN + day * DAY + made.chance.uniform(0, 0.4 * DAY)
    end = begin + made.chance.uniform(HOUR, 6 * HOUR)
    today = [p for p in made.plants if BEGAN + day * DAY <= p.begin < BEGAN + (day + 1) * DAY]
    if hides and today:
        plant = today[0]
        begin, end = plant.begin - 10 * MINUTE, plant.begin + plant.seconds + 10 * MINUTE
        plant.hidden = True
    elif any(p.begin - 2 * HOUR < end and begin < p.begin + p.seconds + 2 * HOUR for p in today):
        return
    made.gaps.append((begin, end))


def _measure(made: Year) -> None:
    """What a rain gauge and counters say every five minutes."""
    for slot in range(int(made.days * DAY / 300)):
        at = BEGAN + slot * 300
        made.rain.append((at, 0.0))
        made.bees_out.append((at, made.chance.uniform(-150, 150)))
    for plant in made.plants:
        slots = range(int((plant.begin - BEGAN) / 300) + 1,
                      int((plant.begin + plant.seconds - BEGAN) / 300) + 2)
        for slot in slots:
            if plant.kind == "rain":
                made.rain[slot] = BEGAN + slot * 300, 0.6
            if plant.kind == "swarm":
                made.bees_out[slot] = BEGAN + slot * 300, 2500.0


def _hour(chance: random.Random, day: float, first: float, last: float) -> float:
    return day + chance.uniform(first, last) * HOUR


def rain(chance: random.Random, day: float) -> Plant:
    """Comes within an hour at any time, and dries in half a day."""
    grams, seconds = chance.uniform(350, 1500), chance.uniform(10, 60) * MINUTE
    dries = chance.uniform(8, 20) * HOUR

    def curve(after: float) -> float:
        if after < seconds:
            return grams * after / seconds
        return grams * math.exp(-((after - seconds) / dries) ** 2)

    return Plant("rain", _hour(chance, day, 1, 21), seconds, curve)


def lid(chance: random.Random, day: float) -> Plant:
    """Two to five kilograms are off for some minutes."""
    grams, seconds = chance.uniform(2000, 5000), chance.uniform(6, 11) * MINUTE
    return Plant(
        "lid", _hour(chance, day, 8, 19), seconds, lambda after: -grams * (after < seconds), True
    )


def inspection(chance: random.Random, day: float) -> Plant:
    """A lid, supers, frames: off and on; afterwards a little is different."""
    seconds, left = chance.uniform(25, 60) * MINUTE, chance.uniform(-250, 250)
    return Plant("inspection", _hour(chance, day, 9, 18), seconds,
                 _worked(chance, seconds, left), True)


def harvest(chance: random.Random, day: float) -> Plant:
    """Six to twenty kilograms of honey go."""
    seconds, left = chance.uniform(10, 50) * MINUTE, -chance.uniform(6000, 20000)
    return Plant("harvest", _hour(chance, day, 9, 18), seconds,
                 _worked(chance, seconds, left), True)


def added(chance: random.Random, day: float) -> Plant:
    """An empty super, or feed."""
    seconds, left = chance.uniform(5, 20) * MINUTE, chance.uniform(1500, 6000)
    return Plant("added", _hour(chance, day, 9, 18), seconds,
                 _worked(chance, seconds, left), True)


def _worked(chance: random.Random, seconds: float, left: float) -> Curve:
    """What is lifted off lies beside the hive for some minutes each."""
    lid_grams = chance.uniform(2000, 4000)
    moves = [-lid_grams]
    while len(moves) * 4 * MINUTE < seconds - 4 * MINUTE:
        moves.append(-lid_grams - chance.uniform(0, 15000))

    def curve(after: float) -> float:
        return moves[int(after / seconds * len(moves))] if after < seconds else left

    return curve


def swarm(chance: random.Random, day: float) -> Plant:
    """One to three and a half kilograms leave within five to twenty minutes, around noon."""
    grams, seconds = chance.uniform(1000, 3500), chance.uniform(5, 20) * MINUTE
    return Plant("swarm", _hour(chance, day, 10, 16), seconds,
                 lambda after: -grams * min(after / seconds, 1.0))


PLANTS = (rain, lid, inspection, harvest, added, swarm)
