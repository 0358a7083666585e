"""The findings of a day: those of each rule, and the day's own sum of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from beemon.base.defects import attempt, never
from beemon.base.finding import STANDS, Finding
from beemon.insights.budget import find_budget
from beemon.insights.heat import find_heat
from beemon.insights.hive_day import Found, HiveDay, Rule, moment
from beemon.insights.lighter import find_lighter
from beemon.insights.nest import find_nest
from beemon.insights.sentences import missing
from beemon.insights.stores import find_stores
from beemon.insights.swarm import find_swarms
from beemon.insights.tilt import find_tilt
from beemon.insights.tooting import find_tooting
from beemon.insights.visits import find_visits

RULES: Mapping[str, Rule] = {
    "tilt": find_tilt,
    "lighter": find_lighter,
    "swarm": find_swarms,
    "visits": find_visits,
    "budget": find_budget,
    "stores": find_stores,
    "nest": find_nest,
    "heat": find_heat,
    "tooting": find_tooting,
}
"""The rules by name, in the order of their sentences in the day's sum."""

VERSION = 1
NIGHT_IS_OVER = 30.0
"""The hour, on the clocks of the day, from which on the night after it is over: 6 o'clock."""


def look_at(day: HiveDay, rules: Mapping[str, Rule]) -> tuple[list[Finding], dict[str, str]]:
    """The findings of a day by all rules, and the tracebacks of the rules that have a defect.

    A defect costs the findings of its rule alone.
    """
    found: dict[str, Found] = {}
    defects: dict[str, str] = {}
    for name, rule in rules.items():
        found[name], defect = attempt(partial(day.once, rule), Found(), never)
        if defect:
            defects[name] = defect
    return findings_of(day, found), defects


def findings_of(day: HiveDay, found: Mapping[str, Found]) -> list[Finding]:
    """The findings of the rules in their order, and the day's sum once the night after is over."""
    own = [finding for each in found.values() for finding in each.findings]
    return own if day.until < day.clock(NIGHT_IS_OVER) else [*own, _sum(day, found)]


def _sum(day: HiveDay, found: Mapping[str, Found]) -> Finding:
    sentences = [sentence for each in found.values() for sentence in each.sentences]
    return Finding(
        "day", STANDS, day.told.hive, moment(day.begin), moment(day.end),
        moment(day.clock(NIGHT_IS_OVER)), " ".join(sentences), "day", VERSION,
        measured=tuple(number for each in found.values() for number in each.measured),
        unknown=(
            *(sentence for each in found.values() for sentence in each.unknown),
            *(missing.changed(day.time_of(at), device)
              for (device, _), at in sorted(day.changed.items()) if at < day.clock(NIGHT_IS_OVER)),
        ),
    )
