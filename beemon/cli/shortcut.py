"""Shortcut: a common command line is understood without argparse.

To load argparse and to build the options of every word takes longer than the service's answer. A
line that is not understood here in full, right or wrong, is left to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_CONFIG = "/etc/beemon/beemon.toml"

COMMANDS = (
    "record", "snapshot", "read", "calibrate", "switch", "start", "stop", "inspection", "clock",
    "cancel", "uploaded", "forgotten", "reload",
)
QUERIES = (
    "status", "devices", "job", "jobs", "readings", "events", "calibrations", "history",
    "completeness", "budget", "wait", "watch", "ping", "version",
)
"""The words that are sent to the service as they are; `help` is not."""

_FLAGS = {"status": ["--check"]}


class Question(NamedTuple):
    """A word for the service with its arguments, and how to send it and to show the reply."""

    word: str
    arguments: Sequence[str]
    json: bool = False
    wait: bool = False
    check: bool = False
    since: str | None = None
    host: str | None = None
    port: int | None = None
    config: Path | str = DEFAULT_CONFIG


def parse(line: Sequence[str]) -> Question | None:
    """The question of a command line; None if argparse must read it."""
    word, *rest = line
    if word not in COMMANDS and word not in QUERIES:
        return None
    flags = {"--json", *_FLAGS.get(word, ["--wait"] if word in COMMANDS else [])}
    count = next((at for at, text in enumerate(rest) if text.startswith("-")), len(rest))
    options = rest[count:]
    config = DEFAULT_CONFIG
    if options[-2:-1] == ["--config"] and not options[-1].startswith("-"):
        *options, _, config = options
    if not flags.issuperset(options):
        return None
    return Question(
        word, rest[:count], json="--json" in options, wait="--wait" in options,
        check="--check" in options, config=config,
    )
