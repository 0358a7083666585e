"""Swarms: losses by day that may be one, in stages, with the evidence for and against each.

A loss is first told half an hour after its end. It is withdrawn if it comes back, or if a visit
begins within :data:`beemon.insights.groups.TOGETHER`; otherwise it then stands. Somebody's work as
shortly before it speaks against it. On ten real hives in a summer (BeePi, 2022) no such loss
followed work so soon.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding, Measured, Stage
from beemon.base.readings import GRAMS, WEIGHT
from beemon.insights.groups import BY_HAND, HOME, TOGETHER, changes_of, way_back
from beemon.insights.hive_day import ENOUGH, HOUR, Found, HiveDay, expected, moment
from beemon.insights.sentences import missing
from beemon.insights.sentences import swarm as words
from beemon.scale.steps import AT_ONCE, BEES_OUT, LEVEL, MINUTE, QUIET, Step

Side = Literal["for", "against", "unknown"]
RULE, VERSION = "swarm", 1
USUAL = 1000.0, 3000.0
"""The weight of most swarms, in g, as beekeepers see them."""
SHOWS = 10 * MINUTE
"""A swarm takes 5 to 20 minutes. Readings further apart than this, in seconds, cannot tell."""
WARMTH = 0.5
"""The least change of the nest's temperature that counts, in K. On ten hives (BeePi, 2022) 0.2 % of
the half-hours by day had as much."""
HOURS = range(9, 18)
"""The hours, on the clocks, whose mean hum is kept for the days after."""
HUM_DAYS, HUM_LEAST = 7, 4
"""The days before whose hum is compared, and the least of them."""
HUM_CHANGE = 1.0
"""The least change of the hum that counts, in dB, beside two standard deviations of the days'."""

FLYING = 12.0
"""The temperature outside, in °C, below which few bees fly. It is beemon's own bound."""


class Item(NamedTuple):
    """One piece of evidence: its side, its sentence, and the number behind it, if known."""

    side: Side
    says: str
    number: Measured | None = None


class Verdict(NamedTuple):
    """The later stage of a loss: from when on it is known, and its sentence."""

    stage: Stage
    told: float
    says: str


def find_swarms(day: HiveDay) -> Found:
    """The losses of the day that may be a swarm, each at the stages that are known."""
    findings: list[Finding] = []
    says: list[str] = []
    for scale in day.told.scales:
        for loss in losses_of(day, scale):
            stages = list(_stages(day, scale, loss))
            findings += stages
            says += [stage.says for stage in stages[-1:]]
    return Found(tuple(findings), tuple(says), tuple(_hourly_hum(day)))


def losses_of(day: HiveDay, scale: str) -> Iterator[Step]:
    """The steps of the day that may be a swarm."""
    for loss in changes_of(day, scale):
        if loss.kind == "swarm" and day.begin <= loss.begin < day.end:
            yield loss


def _work_before(day: HiveDay, scale: str, loss: Step) -> Step | None:
    """The last work at the hive shortly before a loss; None without any."""
    before = [
        step for step in changes_of(day, scale)
        if step.kind in BY_HAND and 0 <= loss.begin - step.end <= TOGETHER
    ]
    return max(before, key=lambda step: step.end) if before else None


def _stages(day: HiveDay, scale: str, loss: Step) -> Iterator[Finding]:
    sheet = list(sheet_of(day, scale, loss))
    time, grams, seconds = day.time_of(loss.begin), -loss.grams, loss.end - loss.begin
    first = words.first_after_work if _work_before(day, scale, loss) else words.first
    stages = [Verdict(FIRST, loss.known, first(time, grams, seconds))]
    stands = max(loss.end + TOGETHER, loss.known)
    withdrawn = _withdrawn(day, scale, loss)
    if (withdrawn is None or withdrawn.told > stands) and _is_measured(day, scale, loss):
        stages.append(Verdict(STANDS, stands, words.stands(time, grams, seconds)))
    if withdrawn is not None:
        stages.append(withdrawn)
    for stage, told, says in stages:
        if told <= day.until:
            yield Finding(
                "swarm", stage, day.told.hive, moment(loss.begin), moment(loss.end), moment(told),
                says, RULE, VERSION, scale,
                (Measured("left", grams, GRAMS, loss.uncertainty),
                 *(item.number for item in sheet if item.number is not None)),
                for_=_says(sheet, "for"), against=_says(sheet, "against"),
                unknown=_says(sheet, "unknown"),
            )


def _says(sheet: Sequence[Item], side: Side) -> tuple[str, ...]:
    return tuple(item.says for item in sheet if item.side == side)


def _is_measured(day: HiveDay, scale: str, loss: Step) -> bool:
    """Whether enough was measured in the hours after a loss, to see if it came back."""
    end = loss.end + TOGETHER
    after = day.between(scale, WEIGHT, loss.end, end)
    wanted = expected(day.values[scale, WEIGHT], loss.end, end)
    return end <= day.until and len(after) >= ENOUGH * wanted


def _withdrawn(day: HiveDay, scale: str, loss: Step) -> Verdict | None:
    """The first reason why a loss was no swarm that left; None without one."""
    time, grams = day.time_of(loss.begin), -loss.grams
    reasons = []
    back = way_back(day.values[scale, WEIGHT], loss)
    if back is not None:
        came = words.came_home if back.kind == HOME else words.put_back
        reasons.append((back.known, came(time, grams, day.time_of(back.end))))
    reasons += [
        (step.known, words.was_visit(time, grams, day.time_of(step.begin)))
        for step in changes_of(day, scale)
        if step.kind in BY_HAND and 0 <= step.begin - loss.end <= TOGETHER
        and (back is None or step.end < back.begin or step.begin > back.end)
    ]
    return Verdict(WITHDRAWN, *min(reasons)) if reasons else None


def sheet_of(day: HiveDay, scale: str, loss: Step) -> Iterator[Item]:
    """The evidence for a swarm and against it, from the readings until the loss was known."""
    yield _weight(loss)
    yield _course(day, scale, loss)
    yield _nest(day, loss)
    yield _bees(day, scale, loss)
    yield _hum(day, loss)
    yield _lid(day, scale, loss)
    yield _air(day, loss)
    yield _rain(day, scale, loss)
    if work := _work_before(day, scale, loss):
        yield Item("against", words.worked(day.time_of(work.end)))
    yield Item("against", words.BASE_RATE)


def _weight(loss: Step) -> Item:
    grams = -loss.grams
    if USUAL[0] <= grams <= USUAL[1]:
        return Item("for", words.swarms_weight(grams))
    return Item("against", words.other_weight(grams))


def _course(day: HiveDay, scale: str, loss: Step) -> Item:
    inside = day.between(scale, WEIGHT, loss.begin, loss.end + 1)
    pairs = list(pairwise(inside))
    before, after = max(pairs, key=lambda pair: pair[0].value - pair[1].value)
    interval = statistics.median(later.at - earlier.at for earlier, later in pairs)
    jump = before.value - after.value
    number = Measured("jump", jump, GRAMS, n=len(inside))
    if interval > SHOWS:
        return Item("unknown", words.too_rare(interval), number)
    if jump >= AT_ONCE * -loss.grams:
        return Item("against", words.in_one_go(after.at - before.at), number)
    return Item("for", words.by_and_by(loss.end - loss.begin, jump), number)


def _nest(day: HiveDay, loss: Step) -> Item:
    """The nest's change without its sign: it grows warmer or colder, by the sensor's place."""
    if day.told.nest is None:
        return Item("unknown", missing.not_set(words.NEST, "nest"))
    length = max(loss.end - loss.begin, QUIET)
    change = _change(day, loss.begin, length)
    begins = [loss.begin - number * QUIET for number in range(1, round(24 * HOUR / QUIET))]
    usual = [found for at in begins if (found := _change(day, at, QUIET)) is not None]
    if change is None or len(usual) < ENOUGH * len(begins):
        return Item("unknown", missing.too_few(words.NEST, len(usual), len(begins)))
    most = max(usual)
    number = Measured("nest_change", change, "K", n=len(usual))
    if change >= WARMTH and change > most:
        return Item("for", words.nest_changed(change, most), number)
    return Item("against", words.nest_same(change, most), number)


def _change(day: HiveDay, begin: float, seconds: float) -> float | None:
    """The largest change of the nest's temperature within a time, in K."""
    assert day.told.nest is not None
    before = day.between(*day.told.nest, begin - LEVEL, begin + 1)
    after = day.between(*day.told.nest, begin + 1, begin + seconds)
    if not before or not after:
        return None
    level = statistics.median(value.value for value in before)
    return max(abs(value.value - level) for value in after)


def _bees(day: HiveDay, scale: str, loss: Step) -> Item:
    bees = day.told.scales[scale].left(loss.begin, loss.end)
    if bees is None:
        return Item("unknown", words.BEES)
    number = Measured("bees", bees, "bees")
    if bees >= BEES_OUT:
        return Item("for", words.bees_left(bees), number)
    return Item("against", words.bees_stayed(bees), number)


def _hum(day: HiveDay, loss: Step) -> Item:
    hour = int(day.time_of(loss.end)[:2])
    now = _hum_between(day, loss.end, loss.end + QUIET)
    name = _hum_name(hour)
    before = [numbers[name].value for numbers in day.past[-HUM_DAYS:] if name in numbers]
    if now is None or len(before) < HUM_LEAST:
        return Item("unknown", words.HUM)
    change = now - statistics.fmean(before)
    number = Measured("hum_change", change, "dB", n=len(before))
    if change <= -max(HUM_CHANGE, 2 * statistics.stdev(before)):
        return Item("for", words.hum_fell(-change), number)
    return Item("against", words.hum_same(change), number)


def _hourly_hum(day: HiveDay) -> Iterator[Measured]:
    for hour in HOURS:
        hum = _hum_between(day, day.clock(hour), day.clock(hour + 1))
        if hum is not None:
            yield Measured(_hum_name(hour), hum, "dB")


def _hum_name(hour: int) -> str:
    return f"hum_{hour:02}"


def _hum_between(day: HiveDay, begin: float, end: float) -> float | None:
    """The mean hum in dB; None without a recording."""
    heard = [
        value.value for device, quantity in day.values if quantity == "hum"
        for value in day.between(device, quantity, begin, end)
    ]
    return statistics.fmean(heard) if heard else None


def _lid(day: HiveDay, scale: str, loss: Step) -> Item:
    begin = loss.begin - TOGETHER
    opened = [
        at for at, closed in day.told.scales[scale].opened if begin <= closed and at <= loss.known
    ]
    if opened:
        return Item("against", words.opened(day.time_of(max(opened))))
    contacts: Sequence[str] = [device for device, quantity in day.values if quantity == "contact"]
    if any(day.between(device, "contact", begin, loss.known) for device in contacts):
        return Item("for", words.closed())
    return Item("unknown", words.LID)


def _air(day: HiveDay, loss: Step) -> Item:
    if day.told.outside is None:
        return Item("unknown", missing.not_set(words.OUTSIDE, "outside"))
    air = day.between(*day.told.outside, loss.begin - QUIET, loss.end + QUIET)
    if not air:
        return Item("unknown", missing.too_few(words.OUTSIDE, 0, 0))
    celsius = statistics.median(value.value for value in air)
    number = Measured("air", celsius, "°C", n=len(air))
    modelled = day.told.outside in day.modelled
    if celsius < FLYING:
        return Item("against", words.too_cold(celsius, modelled), number)
    return Item("for", words.warm(celsius, modelled), number)


def _rain(day: HiveDay, scale: str, loss: Step) -> Item:
    """The rain at that time, by the gauge, or else by the sensor of the air."""
    rained, modelled = day.told.scales[scale].rained(loss.begin, loss.end), False
    if rained is None and day.told.outside is not None:
        source = day.told.outside[0], "rain_rate"
        rates = day.between(*source, loss.begin - QUIET, loss.end + QUIET)
        rained = any(rate.value > 0 for rate in rates) if rates else None
        modelled = source in day.modelled
    if rained is None:
        return Item("unknown", words.RAIN)
    if rained:
        return Item("against", words.rainy(modelled))
    return Item("for", words.dry(modelled))
