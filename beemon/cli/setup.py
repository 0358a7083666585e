"""The word `setup`: a config for the devices of this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from beemon.cli import layout
from beemon.cli.archive import add_config, sentence
from beemon.cli.manual import HERE
from beemon.cli.shortcut import DEFAULT_CONFIG, Question

if TYPE_CHECKING:
    import argparse

    from beemon.protocol.client import Client

EXIT_WRONG = 1


Reach = Callable[[Question], "Client"]


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    setup = words.add_parser(
        "setup", usage="beemon setup [OPTION…]", description=sentence(HERE["setup"])
    )
    setup.add_argument(
        "--yes", action="store_true", help="ask nothing, and take what would be suggested"
    )
    setup.add_argument(
        "--simulated", action="store_true", required=True,
        help="set up a whole hive without any hardware",
    )
    setup.add_argument(
        "--dry-run", action="store_true", help="print what would be written, and change nothing"
    )
    add_config(setup)
    setup.set_defaults(run=partial(set_up, reach=reach))


def set_up(options: argparse.Namespace, reach: Reach) -> int:
    """Carry out `beemon setup`."""
    from beemon.setup import session
    from beemon.setup.service import NotInForceError

    wishes = session.Wishes(
        config=options.config, questions=not options.yes, simulated=options.simulated,
        dry_run=options.dry_run, packaged=str(options.config) == DEFAULT_CONFIG,
    )
    service = Question("reload", (), config=options.config)
    try:
        session.run(wishes, lambda: reach(service), layout.say)
    except (session.GivenUpError, NotInForceError) as error:
        layout.complain(error)
        return EXIT_WRONG
    return 0
