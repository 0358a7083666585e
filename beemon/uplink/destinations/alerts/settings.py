"""The table [alerts] of the config."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from pathlib import Path

from beemon.base.options import (
    Problem,
    build,
    duration_within,
    no_table,
    option,
)
from beemon.base.values import keyword_class
from beemon.uplink import hours
from beemon.uplink.destinations.alerts import defaults, rule_tables, rules
from beemon.uplink.destinations.alerts.rule_tables import Where
from beemon.uplink.destinations.alerts.rules import Rule, Series
from beemon.uplink.files import SECRET_FILE
from beemon.uplink.hours import Span, Weekly

RULES = "rules"


def _url(value: object) -> str:
    from beemon.base.web_client import web_address  # it brings TLS, which this option alone needs

    return web_address(value)


@keyword_class
class AlertSettings:
    """Messages to people, sent by ``apprise`` to a phone, a chat or a mailbox.

    Each rule opens with one message and closes with another. ``beemon alerts`` lists the rules,
    ``beemon alerts test`` sends a test message.

    Two rules of your own, for a hive that becomes light in winter and for a scale that is silent:

        [alerts]
        urls_file = "/etc/beemon/alerts"
        quiet = "22:00-06:30"

        [alerts.rules.light]
        reading = "sensor.scale weight"
        below = 20000
        until = 20500
        hold = "1h"
        months = [11, 12, 1, 2, 3]

        [alerts.rules.no-weight]
        absent = "sensor.scale weight"
        after = "2h"
        urgent = true
    """

    urls_file: Path = option(
        parse=SECRET_FILE, doc="The file with the addresses of the messages, one apprise URL a "
        "line, such as ``ntfy://your-topic``. Only its owner and group may read it: ``sudo install "
        "-m 640 -g beemon /dev/null FILE`` makes one"
    )
    quiet: Span | None = option(
        None, parse=hours.span, doc="The hours of each day for urgent messages only, such as "
        '``"22:00-06:30"``. Of the others, those that are still true are sent afterwards'
    )
    defaults: bool = option(
        True, doc="Whether there are the default rules besides those of the config. One of the "
        "same name replaces a default rule"
    )
    nest: Series | None = option(
        None, parse=rules.series, doc="The temperature of the brood nest, such as "
        '``"sensor.brood temperature"``, for the default rules about it'
    )
    digest: Weekly | None = option(
        None, parse=hours.weekly, doc="The time of a weekly message with the completeness, the "
        'change of weight and the temperatures, such as ``"Mon 07:00"``'
    )
    ping_url: str | None = option(
        None, parse=_url, doc="An address that is called while scheduled jobs are done, as "
        "healthchecks.io offers. If they are not, ``/fail`` below it is called with the reason. "
        "When the calls stop, the hive is silent"
    )
    ping_interval: float = option(
        600.0, parse=duration_within("1m", "1d"), doc="The time between two calls"
    )
    ask_interval: float = option(60.0, minimum=0.1, for_tests=True)
    rules: Mapping[str, Rule] = field(default_factory=dict, metadata={"for_tests": True})
    left_out: tuple[str, ...] = field(default=(), metadata={"for_tests": True})
    """The problems of rules that are left out; the other rules are in force."""


def build_alerts(
    table: Mapping[str, object], where: Where, devices: Collection[str] | None
) -> tuple[AlertSettings | None, list[Problem]]:
    """The table [alerts] as settings, or None; and every problem with it.

    A mistake in one rule leaves that one out: a typing error must not silence the hive.
    ``where`` returns the file and line of an option by its path below [alerts]; ``devices`` are
    the names of those in the config; with None they are not checked.
    """
    tables = table.get(RULES, {})
    problems = [] if isinstance(tables, dict) else [
        Problem(where(RULES), no_table(f"alerts.{RULES}", tables))
    ]
    own, found = rule_tables.build_rules(
        tables if isinstance(tables, dict) else {}, lambda *key: where(RULES, *key), devices
    )
    left_out = tuple(str(problem) for problem in found)
    problems += found
    options = {name: value for name, value in table.items() if name != RULES}
    alerts, found = build(
        AlertSettings, options, lambda name: where(*([name] if name else [])),
        {RULES: own, "left_out": left_out},
    )
    problems += found
    if alerts is None:
        return None, problems
    if alerts.nest is not None:
        problems += rule_tables.unknown_devices(
            [alerts.nest.device], lambda: where("nest"), devices
        )
    return with_defaults(alerts), problems


def with_defaults(alerts: AlertSettings) -> AlertSettings:
    """The settings with those default rules whose names the config does not use."""
    if not alerts.defaults:
        return alerts
    from dataclasses import replace

    added = defaults.rules_for(alerts.nest)
    return replace(alerts, rules={**added, **alerts.rules})
