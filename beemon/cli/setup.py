"""The words `find` and `setup`: the devices of this machine, and a config for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_WRONG, layout, long_work
from beemon.cli.archive import add_config, path_argument, sentence
from beemon.cli.manual import HERE
from beemon.cli.shortcut import DEFAULT_CONFIG, Question

if TYPE_CHECKING:
    import argparse

    from beemon.protocol.client import Client


Reach = Callable[[Question], "Client"]


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    find = words.add_parser(
        "find", usage="beemon find [OPTION…]", description=sentence(HERE["find"])
    )
    find.add_argument("--json", action="store_true", help="print JSON, for programs")
    _add_places(find)
    find.set_defaults(run=find_devices)
    setup = words.add_parser(
        "setup", usage="beemon setup [OPTION…]", description=sentence(HERE["setup"])
    )
    setup.add_argument(
        "--yes", action="store_true", help="ask nothing, and take what would be suggested"
    )
    setup.add_argument(
        "--simulated", action="store_true", help="set up a whole hive without any hardware"
    )
    setup.add_argument(
        "--dry-run", action="store_true", help="print what would be written, and change nothing"
    )
    _add_places(setup)
    setup.set_defaults(run=partial(set_up, reach=reach))


def _add_places(parser: argparse.ArgumentParser) -> None:
    import argparse

    parser.add_argument(
        "--root", type=path_argument, default=Path("/"), help=argparse.SUPPRESS
    )
    add_config(parser)


def find_devices(options: argparse.Namespace) -> int:
    """Carry out `beemon find`; a config that cannot be read counts as one without devices."""
    from beemon.config import settings as config
    from beemon.setup import inventory
    from beemon.setup.machine import Machine

    try:
        devices = config.load(options.config).devices
    except config.ConfigError as error:
        devices = error.devices
    with long_work.shown("looking for devices", is_wanted=not options.json):
        found = inventory.take_inventory(Machine(options.root), devices)
    if options.json:
        print(json.dumps(inventory.to_json(found)))
    else:
        print(inventory.to_toml(found), end="")
    return 0


def set_up(options: argparse.Namespace, reach: Reach) -> int:
    """Carry out `beemon setup`."""
    from beemon.setup import session
    from beemon.setup.machine import Machine
    from beemon.setup.service import NotInForceError

    wishes = session.Wishes(
        config=options.config, questions=not (options.yes or options.simulated),
        simulated=options.simulated, dry_run=options.dry_run,
        packaged=str(options.config) == DEFAULT_CONFIG,
    )
    service = Question("reload", (), config=options.config)
    talk = session.Talk(
        layout.say, layout.ask, lambda: reach(service), during=long_work.shown
    )
    try:
        session.run(wishes, talk, Machine(options.root))
    except (session.GivenUpError, NotInForceError) as error:
        layout.complain(error)
        return EXIT_WRONG
    except OSError as error:
        layout.complain(f"{error.filename}: {os.strerror(error.errno or 0)}")
        return EXIT_WRONG
    if wishes.packaged and not wishes.dry_run:
        _show_page(wishes.config)
    return 0


def _show_page(main: Path) -> None:
    """Print the address of the page, or the reason for none: setup has succeeded anyway."""
    from beemon.cli import page as words
    from beemon.config import settings as config
    from beemon.setup import page

    try:
        words.show_address(config.load(main), page.Places())
    except (page.PageError, OSError) as error:
        layout.say(f"There is no page: {error}")
