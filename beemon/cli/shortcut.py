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
    "record", "snapshot", "live", "read", "calibrate", "switch", "start", "stop", "inspection",
    "swarm", "clock", "cancel", "uploaded", "forgotten", "reload",
)
QUERIES = (
    "status", "devices", "job", "jobs", "readings", "events", "today", "why", "findings",
    "calibrations", "history", "completeness", "budget", "wait", "watch", "ping", "version",
)
"""The words that are sent to the service as they are; `help` is not."""

TIMELESS = ("devices", "budget", "ping", "version", "help")
"""The words whose reply has no time; the others know `--utc`."""

_FLAGS = {"status": ["--check"]}


class Question(NamedTuple):
    """A word for the service with its arguments, and how to send it and to show the reply."""

    word: str
    arguments: Sequence[str]
    json: bool = False
    wait: bool = False
    check: bool = False
    utc: bool = False
    since: str | None = None
    host: str | None = None
    port: int | None = None
    config: Path | str = DEFAULT_CONFIG


class Service(NamedTuple):
    """The service with a config, as ``beemon serve`` runs it."""

    config: Path | str = DEFAULT_CONFIG
    verbose: bool = False


class Uplink(NamedTuple):
    """The uplink with a config, as ``beemon serve-uplink`` runs it."""

    config: Path | str = DEFAULT_CONFIG
    folder: Path | None = None


def parse(line: Sequence[str]) -> Question | None:
    """The question of a command line; None if argparse must read it."""
    word, *rest = line
    if word not in COMMANDS and word not in QUERIES:
        return None
    flags = {"--json", *_FLAGS.get(word, ["--wait"] if word in COMMANDS else [])}
    if word not in TIMELESS:
        flags.add("--utc")
    count = next((at for at, text in enumerate(rest) if text.startswith("-")), len(rest))
    options, config = _take_config(rest[count:])
    if not flags.issuperset(options):
        return None
    return Question(
        word, rest[:count], json="--json" in options, wait="--wait" in options,
        check="--check" in options, utc="--utc" in options, config=config,
    )


def parse_service(line: Sequence[str]) -> Service | None:
    """The service of a command line; None if argparse must read it."""
    options, config = _take_config(line[1:])
    if line[0] != "serve" or not {"--verbose"}.issuperset(options):
        return None
    return Service(config, verbose=bool(options))


def parse_uplink(line: Sequence[str]) -> Uplink | None:
    """The uplink of a command line; None if argparse must read it."""
    options, config = _take_config(line[1:])
    return Uplink(config) if line[0] == "serve-uplink" and not options else None


def _take_config(options: Sequence[str]) -> tuple[Sequence[str], str]:
    """Split a config at the end off the other options."""
    if options[-2:-1] == ["--config"] and not options[-1].startswith("-"):
        return options[:-2], options[-1]
    return options, DEFAULT_CONFIG
