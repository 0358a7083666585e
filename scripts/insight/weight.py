"""The weight of real hives: swarms and visits, the day's budget, the forecast, single readings."""

from __future__ import annotations

import math
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding
from beemon.base.readings import WEIGHT
from beemon.insights.budget import find_budget
from beemon.insights.groups import TOGETHER
from beemon.insights.hive_day import ENOUGH, HOUR, Told, Value
from beemon.insights.stores import DAYS
from beemon.insights.swarm import find_swarms
from beemon.scale.steps import LEVEL, MINUTE, Around, Weighed, find_steps
from scripts.insight import hivescale
from scripts.insight.curves import SCALE, Curve, beepi, days, winter
from tests.insights.days import hive_day
from tests.planted import year

Thin = Callable[[Sequence[Value], random.Random], list[Value]]
"""Leaves some of the readings out."""
SEEDS = 71, 72, 73
SOON = 35 * MINUTE
LONGEST = 20 * MINUTE
"""The longest time of a planted swarm, in seconds."""
Days = Mapping[date, Mapping[str, float]]
"""The numbers of each day, by name."""


def report(data: Path, real: Path | None) -> Iterator[str]:
    """The lines of the report."""
    yield "wasalm/beehive-monitor (GPL-3.0), two hives in a winter's week, every 10 min"
    for curve in winter(data / "winter"):
        weighed = [Weighed(*value) for value in curve.weights]
        yield f"  {curve.hive}: {len(find_steps(weighed, Around(curve.is_day)))} steps (bar: 0)"
    yield "three simulated years (tests/planted.py), every 5 min"
    for seed in (1, 2, 3):
        yield from _closure(_simulated(seed))
    if real is None or not (real / "beepi").is_dir():
        yield ("left out: swarms, closure and forecast of BeePi (Tyler-Johnston/cs5600-Beehive-"
               "Weight-Prediction has no licence: fetch it, and give --real)")
        return
    yield "BeePi, ten hives in Utah, summer of 2022, every 5 min (Tyler-Johnston)"
    curves = beepi(real / "beepi")
    yield from _swarms(curves)
    for where in WHERE:
        for minutes, bar in ((1, 330), (5, 354), (15, 330)):
            yield _planted(curves, minutes, bar, where)
    for curve in curves:
        yield from _closure(curve)
    for name, thin in THINNED.items():
        yield _thinned(curves, name, thin)
    yield from _forecast(curves)
    yield from hivescale.alarms(real)


def _simulated(seed: int) -> Curve:
    made = year(seed, 300.0)
    found = {weighed.at: Value(*weighed) for day in range(made.days) for weighed in
             made.weights(day)}
    return Curve(f"year {seed}", UTC, [found[at] for at in sorted(found)])


def _swarms(curves: Sequence[Curve]) -> Iterator[str]:
    began = time.process_time()
    latest: dict[tuple[str, str], Finding] = {}
    told: Counter[str] = Counter()
    count = 0
    for curve in curves:
        for _, found in days(curve):
            count += 1
            for finding in found.findings:
                told[f"{finding.kind} {finding.stage}"] += 1
                if finding.kind == "swarm":
                    latest[curve.hive, finding.from_] = finding
    spent = time.process_time() - began
    for (hive, _), finding in sorted(latest.items()):
        yield f"  {hive} {finding.from_[:10]} {finding.stage}: {finding.says}"
    stand = sum(finding.stage == STANDS for finding in latest.values())
    yield f"  swarms that stand: {stand} (bar: at most 1) in {count} days of a hive; {dict(told)}"
    yield f"  {1000 * spent / count:.0f} ms of processor time a day, all rules (bar: 300)"


def _planted(curves: Sequence[Curve], minutes: int, bar: int, where: str) -> str:
    soon, counts, total = 0, Counter[str](), 0
    for seed in SEEDS:
        chance = random.Random(seed)
        for curve in curves:
            busy = WHERE[where](curve)
            for _ in range(12):
                total += 1
                found, shown = _plant(curve, busy, minutes * MINUTE, chance)
                counts.update(finding.stage for finding in found)
                told = [_seconds(finding.told) for finding in found if finding.stage == FIRST]
                soon += any(at - shown <= SOON for at in told)
    return (
        f"  swarms planted {where}, a reading every {minutes} min: {soon} of {total} told within "
        f"35 min of the reading that shows all of it (bar: {bar}); {counts[STANDS]} stand, "
        f"{counts[WITHDRAWN]} withdrawn (bar: 0)"
    )


Busy = Callable[[Curve], Sequence[tuple[float, float]]]
"""The times of a curve in which no swarm is planted."""


def _busy(curve: Curve) -> list[tuple[float, float]]:
    """The time around each step, and around single readings that may be a real visit's, in which
    a loss belongs to the visit."""
    at_any_time = Around(curve.is_day, opened=[(-math.inf, math.inf)])
    steps = find_steps([Weighed(*value) for value in curve.weights], at_any_time)
    return [(step.begin - LONGEST - TOGETHER, step.end + TOGETHER + LEVEL) for step in steps]


WHERE: Mapping[str, Busy] = {"where nobody works": _busy, "anywhere": lambda _: ()}


def _plant(
    curve: Curve, busy: Sequence[tuple[float, float]], interval: float, chance: random.Random
) -> tuple[Sequence[Finding], float]:
    """The findings about a swarm planted by day, and the time of the reading after its end."""
    first = curve.weights[0].at
    while True:
        begin = chance.uniform(first + 2 * 86400, curve.weights[-1].at - 2 * 86400)
        hour = datetime.fromtimestamp(begin, curve.zone).hour
        if 9 <= hour < 16 and not any(start <= begin <= end for start, end in busy):
            break
    grams, seconds = chance.uniform(800, 3500), chance.uniform(5 * MINUTE, LONGEST)
    made = []
    for value in _every(curve.weights, begin - 60 * HOUR, begin + 40 * HOUR, interval, chance):
        share = min(max((value.at - begin) / seconds, 0.0), 1.0)
        made.append(value._replace(value=value.value - grams * share))
    day = datetime.fromtimestamp(begin, curve.zone).date()
    told = Told(curve.hive, {SCALE: Around(curve.is_day)})
    found = find_swarms(hive_day(day, told, {(SCALE, WEIGHT): made}, zone=curve.zone)).findings
    near = [finding for finding in found if begin - 20 * MINUTE <= _seconds(finding.from_)
            <= begin + seconds]
    return near, next(value.at for value in made if value.at >= begin + seconds)


def _every(
    weights: Sequence[Value], begin: float, end: float, interval: float, chance: random.Random
) -> Iterator[Value]:
    """Readings at another interval; between two readings, on a line, with 5 g of noise."""
    here = next(n for n, value in enumerate(weights) if value.at >= begin)
    at = weights[here].at
    while at < end and here + 1 < len(weights):
        while here + 2 < len(weights) and weights[here + 1].at <= at:
            here += 1
        before, after = weights[here], weights[here + 1]
        share = (at - before.at) / (after.at - before.at)
        noise = chance.gauss(0, 5) if 0 < share < 1 else 0.0
        yield Value(at, before.value + share * (after.value - before.value) + noise)
        at += interval


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _budgets(curve: Curve) -> Days:
    return {
        day.date: {number.name: number.value for number in find_budget(day).measured}
        for day, _ in days(curve, rules=())
    }


def _levels(curve: Curve) -> Mapping[date, float]:
    """The medians from 2 to 4 o'clock, with steps and all."""
    nights: dict[date, list[float]] = {}
    for value in curve.weights:
        at = datetime.fromtimestamp(value.at, curve.zone)
        if 2 <= at.hour < 4:
            nights.setdefault(at.date(), []).append(value.value)
    return {day: statistics.median(grams) for day, grams in nights.items()}


def _rests(curve: Curve, levels: Mapping[date, float]) -> Iterator[tuple[date, float]]:
    """By day: the change of the nights' levels that is in neither the net nor the steps."""
    for day, numbers in _budgets(curve).items():
        if "net" in numbers and {day, day + timedelta(days=1)} <= levels.keys():
            change = levels[day + timedelta(days=1)] - levels[day]
            yield day, change - numbers["net"] - numbers["steps"]


def _closure(curve: Curve) -> Iterator[str]:
    rests = list(_rests(curve, _levels(curve)))
    rest = math.fsum(each for _, each in rests)
    worst = max(abs(each) for _, each in rests)
    yield (f"  {curve.hive}: {len(rests)} days, the levels less the nets and steps: {rest:+.1f} g "
           f"(bar: 1), a day {worst:.1f} g at most")


def _without(share: float) -> Thin:
    def thin(weights: Sequence[Value], chance: random.Random) -> list[Value]:
        return [value for value in weights if chance.random() >= share]

    return thin


def _regular(weights: Sequence[Value], chance: random.Random) -> list[Value]:
    first = chance.randrange(3)
    return [value for number, value in enumerate(weights) if (number + first) % 3]


def _hours(weights: Sequence[Value], chance: random.Random) -> list[Value]:
    found, at = [], weights[0].at
    until = at
    for value in weights:
        if value.at >= until:
            at = value.at + chance.uniform(1, 16) * HOUR
            until = at + (at - value.at) / 2
        if value.at < at:
            found.append(value)
    return found


THINNED: Mapping[str, Thin] = {
    "10 % of the readings, by chance": _without(0.10),
    "15 % of the readings, by chance": _without(0.15),
    "one reading in three, by chance": _without(1 / 3), "each third reading": _regular,
    "times of half an hour to eight hours": _hours,
}


def _thinned(curves: Sequence[Curve], name: str, thin: Thin) -> str:
    chance = random.Random(8)
    rests, nets = [], []
    silent: Counter[str] = Counter()
    for curve in curves:
        less = curve.having(thin(curve.weights, chance))
        found = list(_rests(less, _levels(curve)))
        rests += [abs(rest) for _, rest in found]
        silent += _silent(less)
        whole, now = _budgets(curve), _budgets(less)
        nets += [abs(now[day]["net"] - whole[day]["net"]) for day, _ in found
                 if "net" in whole[day]]
    worst = max(rests, default=0.0)
    apart = (f"; a net differs by {statistics.median(nets):.0f} g, by over 20 g on "
             f"{sum(net > 20 for net in nets)} days") if nets else ""
    return (f"  without {name}: {len(rests)} days close within {worst:.1f} g (bar: 20), "
            f"{silent[FEW]} say that not enough was measured, {silent[ENOUGH_MADE]} of them with "
            f"{ENOUGH:.0%} or more, {silent[OTHER]} give another reason{apart}")


FEW, ENOUGH_MADE, OTHER = "few", "enough", "other"


def _silent(curve: Curve) -> Counter[str]:
    """The number of days without a net, by the reason that is given."""
    said: Counter[str] = Counter()
    for day, _ in days(curve, rules=()):
        found = find_budget(day)
        if any(number.name == "net" for number in found.measured):
            continue
        count = re.search(r"\((\d+) of (\d+)\)", found.unknown[0])
        said[FEW if count else OTHER] += 1
        said[ENOUGH_MADE] += bool(count) and int(count[1]) >= ENOUGH * int(count[2])
    return said


def _forecast(curves: Sequence[Curve]) -> Iterator[str]:
    held: list[bool] = []
    losing: list[bool] = []
    errors = []
    for curve in curves:
        numbers = [{n.name: n.value for n in found.measured} for _, found in days(curve)]
        for number in range(len(numbers) - DAYS):
            now, ahead = numbers[number], numbers[number + 1 : number + 1 + DAYS]
            if "loss" not in now or not all("net" in day for day in ahead):
                continue
            loss = -math.fsum(day["net"] for day in ahead) / DAYS
            is_inside = now["loss_least"] <= loss <= now["loss_most"]
            held.append(is_inside)
            if now["loss"] > 0:
                losing.append(is_inside)
                errors.append(now["loss"] - loss)
    for name, those in (("all", held), ("those with a loss", losing)):
        yield (f"  forecasts {DAYS} days ahead, {name}: the interval of 80 % holds "
               f"{100 * statistics.fmean(those):.0f} % (bar: 75 to 92) of {len(those)}")
    yield f"  bias {statistics.fmean(errors):+.1f} g a day"
