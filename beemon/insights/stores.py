"""Stores: the loss of weight a day, its range in the days ahead, and the days of food.

The mean of the last :data:`DAYS` days is carried on. Its error in as many days ahead is that of the
mean, and that of the days ahead. The days are no independent samples, because the weather lasts.
With a correlation of a third from one day to the next, the variance of their sum is twice as large.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from beemon.base.finding import Measured
from beemon.base.readings import GRAMS
from beemon.insights.budget import find_budget
from beemon.insights.hive_day import ENOUGH, Found, HiveDay
from beemon.insights.sentences import missing
from beemon.insights.sentences import stores as words

DAYS = 14
"""The days whose mean is carried on, and the days ahead."""
TIMES = 1.350
"""Student's factor for an interval of 80 %, with 13 degrees of freedom."""
ALIKE = 2.0
"""The variance of a sum of days, beside that of independent ones."""
A_DAY = "g/d"


def find_stores(day: HiveDay) -> Found:
    """The loss a day and its range, and the days of food if the weight without food is known."""
    if not day.told.scales:
        return Found()
    today = {number.name: number for number in day.once(find_budget).measured}
    days = [*day.past[1 - DAYS:], today]
    nets = [net for numbers in days if (net := _sum(numbers, "net")) is not None]
    if len(nets) < ENOUGH * DAYS or not today:
        return Found(unknown=(missing.too_few(words.CHANGES, len(nets), DAYS),))
    loss, half = forecast(nets)
    numbers = [Measured(name, value, A_DAY, n=len(nets)) for name, value in (
        ("loss", loss), ("loss_least", loss - half), ("loss_most", loss + half)
    )]
    says = words.change(loss, loss - half, loss + half, DAYS)
    food = _food(day, today, loss - half, loss + half)
    return Found((), (says, *food.sentences), (*numbers, *food.measured), food.unknown)


def forecast(nets: Sequence[float]) -> tuple[float, float]:
    """The mean loss a day, in g, and half of the width of its interval in the days ahead."""
    spread = statistics.stdev(nets) * math.sqrt(ALIKE * (1 / len(nets) + 1 / DAYS))
    return -statistics.fmean(nets), TIMES * spread


def _food(day: HiveDay, today: Mapping[str, Measured], least: float, most: float) -> Found:
    level = _sum(today, "level")
    if day.told.empty is None:
        return Found(unknown=(missing.not_set(words.EMPTY, "empty"),))
    if level is None:
        return Found()
    food = level - day.told.empty
    number = Measured("food", food, GRAMS)
    if food <= 0:
        return Found(sentences=(words.no_food(-food),), measured=(number,))
    if most <= 0:
        return Found(measured=(number,))
    shortest = Measured("food_least", food / most, "d")
    if least <= 0:
        says = words.much_food(food, shortest.value)
        return Found(sentences=(says,), measured=(number, shortest))
    longest = Measured("food_most", food / least, "d")
    says = words.food(food, shortest.value, longest.value)
    return Found(sentences=(says,), measured=(number, shortest, longest))


def _sum(numbers: Mapping[str, Measured], name: str) -> float | None:
    """The sum over the scales of a day; None if it is not known."""
    found = [
        number.value for known, number in numbers.items()
        if known == name or known.startswith(f"{name}_")
    ]
    return math.fsum(found) if found else None
