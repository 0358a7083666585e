"""The default rules, in metric units.

Their values are those of HiveControl's page of alerts. It has 30 minutes without data, 40 and
100 °F, and 1 lb in 6 hours. Conclusions about the bees come from findings alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from beemon.uplink.destinations.alerts.rules import (
    ANY,
    DATA,
    SERVICE,
    AbsenceRule,
    ChangeRule,
    FindingRule,
    Rule,
    Series,
    StateRule,
    ValueRule,
)

_MINUTE = 60.0
_HOUR = 3600.0
_SCALE = Series(ANY, "weight")


def rules_for(nest: Series | None) -> Mapping[str, Rule]:
    """The default rules; those about the brood nest only if its temperature is known."""
    found = (*_ALWAYS, *(_nest_rules(nest) if nest else ()))
    return {rule.name: rule for rule in found}


_ALWAYS: tuple[Rule, ...] = (
    AbsenceRule(
        name="no-data", title="nothing was measured or recorded", absent=DATA, after=30 * _MINUTE,
    ),
    AbsenceRule(
        name="no-service", title="the recording service does not answer", absent=SERVICE,
        after=10 * _MINUTE,
    ),
    StateRule(
        name="degraded", title="the recording service has a problem", state="degraded",
        hold=30 * _MINUTE,
    ),
    ChangeRule(
        name="weight-loss", title="the weight fell", reading=_SCALE, falls=500.0, within=6 * _HOUR,
        cooldown=6 * _HOUR,
    ),
    FindingRule(
        name="swarm", title="a swarm may have left the hive", finding="swarm", urgent=True,
    ),
    FindingRule(
        name="lighter", title="the hive is lighter than half", finding="lighter", urgent=True,
    ),
    FindingRule(name="tipped", title="the hive is tipped over", finding="tipped", urgent=True),
    FindingRule(name="no-heat", title="the hive makes no heat", finding="no-heat"),
)


def _nest_rules(nest: Series) -> tuple[Rule, ...]:
    return (
        ValueRule(
            name="nest-cold", title="the brood nest is cold", reading=nest, below=4.0, until=6.0,
            hold=30 * _MINUTE,
        ),
        ValueRule(
            name="nest-hot", title="the brood nest is hot", reading=nest, above=38.0, until=37.0,
            hold=30 * _MINUTE,
        ),
    )
