"""Hourly means: the values of a sensor, each hour with the same weight."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from beemon.insights.hive_day import HOUR, Value


def hourly_means(values: Sequence[Value], begin: float) -> Mapping[int, float]:
    """The mean of each hour with values, by the number of the hour since ``begin``."""
    hours = defaultdict(list)
    for value in values:
        hours[int((value.at - begin) // HOUR)].append(value.value)
    return {hour: statistics.fmean(found) for hour, found in hours.items()}
