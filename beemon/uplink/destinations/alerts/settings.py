"""The table [alerts] of the config."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit

from beemon.base.options import (
    BadOptionError,
    Problem,
    absolute_path,
    build,
    duration_within,
    in_toml,
    no_table,
    option,
)
from beemon.base.values import keyword_class
from beemon.uplink.destinations.alerts import defaults, hours, rules
from beemon.uplink.destinations.alerts.hours import Span, Weekly
from beemon.uplink.destinations.alerts.rules import Rule, Series, Where

RULES = "rules"


def _url(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadOptionError(
            f'must be an address such as "https://hc.example/ping/4f0c", not {in_toml(value)}'
        )
    return parts.geturl()


@keyword_class
class AlertSettings:
    """The rules, and how their messages are sent.

    ``urls_file`` holds the addresses that messages are sent to, one apprise URL a line. During the
    ``quiet`` hours only urgent messages are sent. ``nest`` is the temperature of the brood nest: a
    few of the rules that ``defaults`` adds need it. ``digest`` is the time of the weekly message.
    While the service works, ``ping_url`` is called each ``ping_interval`` seconds.
    """

    urls_file: Path = option(parse=absolute_path, doc="the file with the addresses of the messages")
    quiet: Span | None = option(None, parse=hours.span)
    defaults: bool = option(True)
    nest: Series | None = option(None, parse=rules.series)
    digest: Weekly | None = option(None, parse=hours.weekly)
    ping_url: str | None = option(None, parse=_url)
    ping_interval: float = option(600.0, parse=duration_within("1m", "1d"))
    ask_interval: float = option(60.0, minimum=0.1, for_tests=True)
    rules: Mapping[str, Rule] = field(default_factory=dict)


def build_alerts(
    table: Mapping[str, object], where: Where, devices: Collection[str] | None
) -> tuple[AlertSettings | None, list[Problem]]:
    """The table [alerts] as settings, or None; and every problem with it.

    ``where`` returns the file and line of an option by its path below [alerts]; ``devices`` are
    the names of those in the config; with None they are not checked.
    """
    tables = table.get(RULES, {})
    problems = [] if isinstance(tables, dict) else [
        Problem(where(RULES), no_table(f"alerts.{RULES}", tables))
    ]
    own, found = rules.build_rules(
        tables if isinstance(tables, dict) else {}, lambda *key: where(RULES, *key), devices
    )
    problems += found
    options = {name: value for name, value in table.items() if name != RULES}
    alerts, found = build(
        AlertSettings, options, lambda name: where(*([name] if name else [])), {RULES: own}
    )
    problems += found
    if alerts is not None and alerts.nest is not None:
        problems += rules.unknown_devices([alerts.nest.device], lambda: where("nest"), devices)
    if problems or alerts is None:
        return None, problems
    return with_defaults(alerts), []


def with_defaults(alerts: AlertSettings) -> AlertSettings:
    """The settings with those default rules whose names the config does not use."""
    if not alerts.defaults:
        return alerts
    from dataclasses import replace

    added = defaults.rules_for(alerts.nest)
    return replace(alerts, rules={**added, **alerts.rules})
