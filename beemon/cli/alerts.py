"""``beemon alerts``: the rules for messages in words, and a test of their way to people."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_WRONG, layout, times
from beemon.cli import archive as here
from beemon.cli.layout import Table
from beemon.cli.manual import HERE
from beemon.cli.parser import add_utc
from beemon.cli.shortcut import Question

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.protocol.client import Client
    from beemon.uplink.destinations.alerts.rules import Rule
    from beemon.uplink.destinations.alerts.sending import Address, Sent
    from beemon.uplink.destinations.alerts.settings import AlertSettings


_LOG = "events 365d alert"
_STATES = {"opened": "open", "closed": "over"}

Reach = Callable[[Question], "Client"]


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    parser = words.add_parser(
        "alerts", usage="beemon alerts [test] [OPTION…]", description=here.sentence(HERE["alerts"]),
        epilog="test: send a message to each address, by the config on disk, and show the results. "
               "The exit status is then 1 unless each was delivered.",
    )
    parser.add_argument("action", nargs="?", choices=["test"], help=argparse.SUPPRESS)
    add_utc(parser)
    here.add_config(parser)
    parser.set_defaults(run=partial(manage, reach=reach))


def manage(options: argparse.Namespace, reach: Reach) -> int:
    """``beemon alerts``: list the rules, or send a test message."""
    from beemon.config import settings as config

    try:
        settings = config.load(options.config)
    except config.ConfigError as error:
        layout.complain(error)
        return EXIT_WRONG
    alerts = _read(settings)
    if alerts is None:
        return EXIT_WRONG
    times.prepare(utc=options.utc)
    question = Question("events", [], config=options.config)
    if options.action == "test":
        return _test(settings, alerts, partial(reach, question))
    _list(alerts, partial(reach, question))
    return 0


def _read(settings: Settings) -> AlertSettings | None:
    """The table [alerts]; without a good one, say what to do."""
    from beemon.uplink.destinations import alerts

    table = settings.uplink.get("alerts")
    if table is None:
        layout.complain("the config has no table [alerts]; see: man beemon.toml")
        return None
    found, problems = alerts.read_table(table)
    for problem in problems:
        layout.complain(problem)
    return found


def _list(alerts: AlertSettings, reach: Callable[[], Client]) -> None:
    from beemon.uplink.destinations.alerts import sending

    states, units, trouble = _ask(reach)
    rows = [("rule", "condition", "state")]
    rows += [_row(rule, states.get(name), units) for name, rule in alerts.rules.items()]
    layout.say(Table(rows, headed=True))
    if trouble:
        layout.complain(trouble)
    if alerts.quiet:
        layout.say(f"Quiet hours: {alerts.quiet}.")
    if alerts.digest:
        layout.say(f"Weekly message: {alerts.digest}.")
    try:
        kinds = ", ".join(one.kind for one in sending.read_addresses(alerts.urls_file))
    except sending.AddressError as error:
        layout.complain(error)
    else:
        layout.say(f"Messages go to: {kinds}. Try it: beemon alerts test")
    if not shutil.which(sending.PROGRAM):
        layout.complain(sending.MISSING)


def _ask(reach: Callable[[], Client]) -> tuple[dict[str, str], dict[str, str], str | None]:
    """The state of each rule, the unit of each quantity, or why they are not known."""
    try:
        with reach() as client:
            events = client.request(_LOG).payload.get("events", ())
            readings = client.request("readings").payload.get("readings", ())
    except ConnectionError as error:
        return {}, {}, str(error)
    return _states(events), {one["quantity"]: one["unit"] for one in readings}, None


def _states(events: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The state of each rule by its last message in the archive."""
    found: dict[str, str] = {}
    for event in events:
        facts = event["facts"]
        state = _STATES.get(facts.get("step"), "")
        if state:
            found[facts["rule"]] = f"{state} since {times.text(event['utc'])}" + (
                "" if facts["delivery"] == "delivered" else f" ({facts['delivery']})"
            )
    return found


def _row(rule: Rule, state: str | None, units: dict[str, str]) -> tuple[str, str, str]:
    from beemon.uplink import hours
    from beemon.uplink.destinations.alerts import rules, texts

    reading = getattr(rule, "reading", None)
    condition = texts.condition(rule, units.get(reading.quantity, "") if reading else "")
    if rule.hold:
        condition += f", for {texts.span(rule.hold)}"
    if rule.months != rules.ALL_MONTHS:
        condition += f" ({hours.in_words(rule.months)})"
    return rule.name, condition, state or "no message yet"


def _test(settings: Settings, alerts: AlertSettings, reach: Callable[[], Client]) -> int:
    """Send a message to each address, whatever the rules and the hour."""
    from beemon.uplink.destinations.alerts import sending

    try:
        addresses = sending.read_addresses(alerts.urls_file)
    except sending.AddressError as error:
        layout.complain(error)
        return EXIT_WRONG
    if found := _find_unreadable(settings):
        layout.complain(found)
        return EXIT_WRONG
    results = [*_send_to_each(settings, addresses)]
    for number, (address, sent) in enumerate(results, 1):
        said = f" ({sent.said})" if sent.said else ""
        layout.say(f"address {number}, {address.kind}: {sent.result}{said}")
    _log([sent for _, sent in results], reach)
    is_good = all(sent.result is sending.Result.DELIVERED for _, sent in results)
    return 0 if is_good else EXIT_WRONG


def _find_unreadable(settings: Settings) -> str | None:
    """The reason why the uplink cannot read the addresses, though this user can."""
    from beemon.uplink import destinations

    table = {"alerts": settings.uplink["alerts"]}
    return next(map(str, destinations.find_unreadable_files(table)), None)


def _send_to_each(
    settings: Settings, addresses: list[Address]
) -> Iterator[tuple[Address, Sent]]:
    from beemon.uplink.destinations.alerts import sending, texts

    link = settings.web.public_url if settings.web else None
    title, body = texts.Words(settings.hive.name, link).message(
        "a test", "This is a test message. Alerts of this hive arrive here."
    )
    for address in addresses:
        yield address, sending.send(address, title, body)


def _log(results: list[Sent], reach: Callable[[], Client]) -> None:
    """Enter the results in the archive, if the service answers."""
    try:
        with reach() as client:
            for sent in results:
                client.request(f"alerted test test {sent.result}")
    except ConnectionError as error:
        layout.complain(f"the result is not in the archive: {error}")
