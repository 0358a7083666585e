"""``beemon support-bundle``: one file to send to those who help, without what is private."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.base import zone
from beemon.cli import EXIT_WRONG, doctor, layout
from beemon.cli import archive as here
from beemon.cli.manual import HERE
from beemon.cli.numbers import amount
from beemon.cli.shortcut import Question

if TYPE_CHECKING:
    from beemon.base.facts import JsonObject
    from beemon.protocol.client import Client


Reach = Callable[[Question], "Client"]


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    bundle = words.add_parser(
        "support-bundle", usage="beemon support-bundle [OPTION…]",
        description=here.sentence(HERE["support-bundle"]),
        epilog="Run it with sudo, so that it can read the whole log. Nothing is sent.",
    )
    bundle.add_argument(
        "-o", "--output", metavar="FILE", type=Path,
        help="the new file (default: beemon-support-DATE.tar.gz in the current folder)",
    )
    here.add_path(bundle)
    bundle.set_defaults(run=partial(collect, reach=reach))


def collect(options: argparse.Namespace, reach: Reach) -> int:
    """Carry out `beemon support-bundle`: 0 where the file is there now, else 1."""
    from beemon.cli import long_work
    from beemon.exchange import support

    now = datetime.now(zone.local())
    output = options.output or Path(f"beemon-support-{now:%Y-%m-%d-%H%M}.tar.gz")
    source = support.Source(
        options.config.absolute(), partial(_ask, options.config, reach),
        doctor=partial(_examine, options, reach),
    )
    try:
        sizes = long_work.run(
            lambda progress: support.write(source, output, progress),
            f"stopped; the unfinished {output} was deleted",
        )
    except OSError as error:
        layout.complain(here.told(error))
        return EXIT_WRONG
    layout.say(f"{output}: {amount(output.stat().st_size, 'B')}, {len(sizes)} files:")
    layout.say(*(f"  {name} ({amount(size, 'B')})" for name, size in sizes.items()))
    layout.say(
        "",
        "It holds no sound, pictures, readings, passwords or position. Addresses, names and serial "
        "numbers were replaced by numbers. A program cannot know everything that is private.",
        f"Look at it before you send it: tar -xzOf {shlex.quote(str(output))} | less",
    )
    return 0


def _examine(options: argparse.Namespace, reach: Reach) -> JsonObject:
    """The results of all checks."""
    from beemon.doctor import run

    return doctor.as_json(list(run.run(doctor.machine_of(options, reach))))


def _ask(config: Path, reach: Reach, query: str) -> JsonObject:
    """The service's reply. Raises ``OSError``."""
    word, *arguments = query.split()
    with reach(Question(word, arguments, config=config)) as client:
        return client.request(query).payload
