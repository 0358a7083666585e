"""What an operator types: ``beemon serve``, ``beemon config check``, every word of the protocol.

Exit status: 0 all well; 1 the service refused, or the job did not end ``done``, or the config has
problems; 2 wrong usage; 3 the service cannot be reached; 78 the config cannot be run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon import __version__

if TYPE_CHECKING:
    import argparse

    from beemon.commands import Word

# Each child of the service loads this module anew, as its parent's main one: what only the
# command line needs is imported where it is used.

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 3
EXIT_BAD_CONFIG = 78  # EX_CONFIG of <sysexits.h>; the unit does not restart on it

DEFAULT_CONFIG = "/etc/beemon/beemon.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``beemon`` with these arguments; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:
        return 0  # whoever read the output has seen enough
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    import argparse

    from beemon.commands import VOCABULARY

    parser = argparse.ArgumentParser(prog="beemon", description="A beehive monitor.")
    parser.add_argument("--version", action="version", version=f"beemon {__version__}")
    words = parser.add_subparsers(metavar="WORD", required=True)
    serve = words.add_parser("serve", help="run the service (what the systemd unit does)")
    _add_config(serve)
    serve.add_argument("--verbose", action="store_true", help="log every job and bad request")
    serve.set_defaults(run=_serve)
    config = words.add_parser("config", help="`config check`: say everything that is wrong with it")
    config.add_argument("action", choices=["check"])
    _add_config(config)
    config.set_defaults(run=_check)
    for word in VOCABULARY.values():
        if word.name != "auth":
            _add_word(words, word)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", type=Path, default=Path(DEFAULT_CONFIG),
        help=f"the config file (default: {DEFAULT_CONFIG})",
    )


def _add_word(words: Any, word: Word) -> None:
    parser = words.add_parser(word.name, help=word.summary, usage=f"beemon {word.usage}")
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--json", action="store_true", help="print the reply as it came")
    parser.add_argument("--host", help="where the service listens (default: as in the config)")
    parser.add_argument("--port", type=int)
    if word.is_command:
        parser.add_argument("--wait", action="store_true", help="wait for the job's outcome")
    _add_config(parser)
    parser.set_defaults(run=_ask, word=word.name)


def _serve(options: argparse.Namespace) -> int:
    from beemon.running import serve

    return serve(options.config, verbose=options.verbose)


def _check(options: argparse.Namespace) -> int:
    from beemon import config
    from beemon.worker import check_devices

    try:
        settings = config.load(options.config)
        problems = check_devices(settings.devices)
    except config.ConfigError as error:
        problems = error.problems
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        count = len(problems)
        print(f"{count} problem{'s' if count > 1 else ''} found", file=sys.stderr)
        return 1
    devices = ", ".join(settings.devices) or "no devices"
    print(f"{options.config} is good: hive {settings.hive.name}, {devices}")
    return 0


def _ask(options: argparse.Namespace) -> int:
    from beemon.client import Client, ServiceUnreachableError

    host, port, token = _address(options)
    try:
        with Client(host, port, token=token) as client:
            if options.word == "watch":
                return _watch(client, options)
            if options.word == "wait":
                reply = client.wait(*_numbers(options.arguments))
            else:
                reply = client.request(" ".join([options.word, *options.arguments]))
            if reply.ok and getattr(options, "wait", False):
                reply = client.wait(reply.payload["job"])
    except (ServiceUnreachableError, ValueError) as error:
        print(f"beemon: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    return _print(reply, options)


def _numbers(words: list[str]) -> Iterator[int]:
    if len(words) != 1 or not words[0].isdigit():
        print("beemon: the form is: beemon wait JOB", file=sys.stderr)
        raise SystemExit(2)
    yield int(words[0])


def _watch(client: Any, options: argparse.Namespace) -> int:
    import json

    for reply in client.watch():
        if not reply.ok:
            return _print(reply, options)
        print(json.dumps(reply.payload), flush=True)
    return 0


def _address(options: argparse.Namespace) -> tuple[str, int, str | None]:
    """Where the service listens: as asked for, else as the config says, else the defaults."""
    from beemon import config

    try:
        server = config.load(options.config).server
    except config.ConfigError:
        server = config.ServerSettings()
    host = options.host or server.host_address
    wildcard = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    token = None
    if server.token_file:
        try:
            token = config.read_token(server.token_file)
        except config.ConfigError as error:
            print(f"beemon: {error}", file=sys.stderr)
    return wildcard.get(host, host), options.port or server.listening_port, token


def _print(reply: Any, options: argparse.Namespace) -> int:
    if options.json:
        import json

        print(json.dumps(reply.payload))
    elif not reply.ok:
        print(f"beemon: {reply.payload['message']} ({reply.payload['code']})", file=sys.stderr)
    else:
        print("\n".join(_lines(reply.payload)))
    well = reply.ok and reply.payload.get("outcome", "done") == "done"
    return 0 if well else EXIT_REFUSED


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    """A reply as a person reads it: a line each, nested by indentation."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list) and item and not _is_flat(item):
                yield f"{indent}{key}:"
                yield from _lines(item, f"{indent}  ")
            elif key.endswith("_bytes"):
                yield f"{indent}{key.removesuffix('_bytes')}: {item / 1e9:.1f} GB"
            else:
                yield f"{indent}{key}: {_flat(item)}"
    elif isinstance(value, list):
        for item in value:
            yield f"{indent}{_flat(item)}"


def _is_flat(item: Any) -> bool:
    return isinstance(item, dict) and not any(isinstance(v, dict | list) for v in item.values())


def _flat(item: Any) -> str:
    if isinstance(item, dict):
        return ", ".join(f"{key} {_flat(value)}" for key, value in item.items()) or "none"
    if isinstance(item, list):
        return ", ".join(map(_flat, item)) or "none"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return str(item)
