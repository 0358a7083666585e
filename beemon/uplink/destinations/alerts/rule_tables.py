"""Rule tables: the tables [alerts.rules.NAME] of the config as rules, and each problem of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from beemon.base.options import Problem, build, no_table, suggestion
from beemon.uplink.destinations.alerts.rules import (
    ANY,
    AbsenceRule,
    ChangeRule,
    EventRule,
    FindingRule,
    Rule,
    StateRule,
    ValueRule,
)

Where = Callable[..., str]
"""The file and line of an option by its path below [alerts.rules]; of the table without one."""

_RULE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}", re.ASCII)
_BY_OPTION: Mapping[str, type[Rule]] = {
    "reading": ValueRule, "event": EventRule, "finding": FindingRule,
    "state": StateRule, "absent": AbsenceRule,
}
_CHANGES = {"falls", "rises", "within"}


def build_rules(
    tables: Mapping[str, object], where: Where, devices: Collection[str] | None
) -> tuple[dict[str, Rule], list[Problem]]:
    """The rules by their names, and every problem with their tables.

    ``devices`` are those of the config; with None they are not checked.
    """
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for name, table in tables.items():
        rule, found = _build_rule(name, table, where, devices)
        problems += found
        rules |= {name: rule} if rule and not found else {}
    return rules, problems


def _build_rule(
    name: str, table: object, where: Where, devices: Collection[str] | None
) -> tuple[Rule | None, list[Problem]]:
    if not _RULE_NAME.fullmatch(name):
        return None, [Problem(where(name), (
            f'"{name}" is not a name for a rule: use up to 31 small letters, digits and hyphens'
        ))]
    if not isinstance(table, dict):
        return None, [Problem(where(name), no_table(f"alerts.rules.{name}", table))]
    watched = [key for key in _BY_OPTION if key in table]
    if len(watched) != 1:
        return None, [_undecided(watched, where, name)]
    kind = ChangeRule if watched[0] == "reading" and _CHANGES & table.keys() else \
        _BY_OPTION[watched[0]]
    rule, problems = build(
        kind, table, lambda key: where(name, *([key] if key else [])), {"name": name}
    )
    if rule is not None:
        for key, said in rule.problems():
            problems.append(Problem(where(name, *filter(None, [key])), said))
        problems += _devices_of(rule, where, devices)
    return rule, problems


def _undecided(watched: list[str], where: Where, name: str) -> Problem:
    if not watched:
        known = ", ".join(f'"{key}"' for key in _BY_OPTION)
        return Problem(where(name), f"a rule needs one of these options: {known}")
    both = " and ".join(f'"{key}"' for key in watched)
    return Problem(where(name, watched[1]), f"a rule watches one thing, not {both}; make two rules")


def _devices_of(rule: Rule, where: Where, devices: Collection[str] | None) -> Iterator[Problem]:
    key = "device" if isinstance(rule, EventRule | FindingRule | StateRule) else rule.watches
    yield from unknown_devices(rule.devices, lambda: where(rule.name, key), devices)


def unknown_devices(
    named: Iterable[str], where: Callable[[], str], devices: Collection[str] | None
) -> Iterator[Problem]:
    """A problem for each device that the config does not have."""
    for device in named:
        if devices is not None and device != ANY and device not in devices:
            yield Problem(where(), f'there is no device "{device}"{suggestion(device, devices)}')
