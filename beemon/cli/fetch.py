"""The words `fetch`, `show` and `play`: recordings and readings through the service."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from beemon.cli import EXIT_UNREACHABLE, EXIT_USAGE, EXIT_WRONG, layout
from beemon.cli import archive as here
from beemon.cli.manual import HERE
from beemon.cli.parser import add_utc
from beemon.cli.shortcut import Question

if TYPE_CHECKING:
    from beemon.base.progress import Progress
    from beemon.cli.transfer import Transfer
    from beemon.protocol.client import Client, Reply
    from beemon.protocol.replies import JobFacts

DEFAULT_SECONDS = 5
MOST_SECONDS = 600
_USAGE_CODES = ("bad-argument", "unknown-device")

PLAYERS: Sequence[tuple[str, Sequence[str], Sequence[str]]] = (
    ("mpv", ["mpv", "--really-quiet", "--"], (".flac", ".mp4", ".jpg")),
    ("ffplay", ["ffplay", "-loglevel", "error", "-autoexit"], (".flac", ".mp4", ".jpg")),
    ("paplay", ["paplay", "--"], (".flac",)),
)
"""Programs that play a file, with the ends of the names that they can play; the first that is found
is used. aplay plays no FLAC."""

T = TypeVar("T")
_JOB = re.compile(r"-?[0-9]{1,18}", re.ASCII)  # those from a damaged database are below 0

Reach = Callable[[Question], "Client"]


class WentWrongError(Exception):
    """It cannot be done; the text says why and what to do. ``status`` is the exit status."""

    def __init__(self, message: str, status: int = EXIT_WRONG) -> None:
        super().__init__(message)
        self.status = status


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    fetch = words.add_parser(
        "fetch", usage="beemon fetch JOB [OPTION…]", description=here.sentence(HERE["fetch"]),
        epilog="Example: beemon fetch 17 -o brood.flac",
    )
    fetch.add_argument("job", metavar="JOB", type=_job, help="the number of the job")
    _add_goal(fetch)
    show = words.add_parser(
        "show", usage="beemon show DEVICE [OPTION…]", description=here.sentence(HERE["show"]),
        epilog="A camera takes a picture. A microphone records for some seconds. Of a sensor, the "
               "latest readings are shown. Example: beemon show camera.entrance",
    )
    show.add_argument("device", metavar="DEVICE", help="its kind and its name")
    add_utc(show)
    _add_goal(show)
    play = words.add_parser(
        "play", usage="beemon play DEVICE|JOB [OPTION…]", description=here.sentence(HERE["play"]),
        epilog="A device first records for some seconds. Example: beemon play microphone.brood",
    )
    play.add_argument("what", metavar="DEVICE|JOB", help="a camera, a microphone, or a job")
    for parser, run in ((fetch, _fetch), (show, _show), (play, _play)):
        if parser is not fetch:
            parser.add_argument(
                "--seconds", type=_seconds, default=DEFAULT_SECONDS,
                help=f"the length of the recording (default: {DEFAULT_SECONDS})",
            )
        parser.add_argument("--host", help="the address of the service (default: from the config)")
        parser.add_argument(
            "--port", type=int, help="the port of the service (default: from the config)"
        )
        here.add_config(parser)
        parser.set_defaults(run=partial(_run, run, reach))


def _add_goal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE",
        help="the new file, or a folder for it; - is the standard output",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def _job(text: str) -> int:
    if not _JOB.fullmatch(text):
        raise argparse.ArgumentTypeError(f'a job is a whole number, not "{text}"')
    return int(text)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_SECONDS):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST_SECONDS} is needed")
    return int(text)


def _run(
    work: Callable[[argparse.Namespace, Callable[[], Client]], None], reach: Reach,
    options: argparse.Namespace,
) -> int:
    """Carry out a word; return its exit status."""
    from beemon.cli.transfer import BadContentError, RefusedError
    from beemon.protocol.client import NotAdmittedError, ServiceUnreachableError
    from beemon.protocol.lines import RequestError

    service = Question(
        "piece", (), host=options.host, port=options.port, config=options.config
    )
    try:
        work(options, lambda: reach(service))
    except RefusedError as error:
        return _complain_of(error.reply)
    except WentWrongError as error:
        layout.complain(error)
        return error.status
    except (BadContentError, NotAdmittedError) as error:
        layout.complain(error)
        return EXIT_WRONG
    except RequestError as error:
        layout.complain(f"nothing was sent: {error}")
        return EXIT_USAGE
    except ServiceUnreachableError as error:
        layout.complain(error)
        return EXIT_UNREACHABLE
    except BrokenPipeError:
        raise
    except OSError as error:
        layout.complain(here.told(error))
        return EXIT_WRONG
    return 0


def _complain_of(reply: Reply) -> int:
    layout.complain(f"{reply.payload.get('message')} ({reply.payload.get('code')})")
    if remedy := reply.payload.get("remedy"):
        layout.complain(remedy)
    return EXIT_USAGE if reply.payload.get("code") in _USAGE_CODES else EXIT_WRONG


def _fetch(options: argparse.Namespace, connect: Callable[[], Client]) -> None:
    if options.output == "-":
        _fetch_to(connect, options.job, lambda transfer: transfer.write_to(sys.stdout.buffer))
        return
    layout.say(str(_save(options, connect, options.job)))


def _save(options: argparse.Namespace, connect: Callable[[], Client], job: int) -> Path:
    """Fetch a recording into the file that the options name; return its path."""
    from beemon.cli.transfer import check_free, save

    if options.output and not Path(options.output).is_dir():
        check_free(Path(options.output), force=options.force)

    def write(transfer: Transfer) -> Path:
        goal = Path(options.output or transfer.name)
        goal = goal / transfer.name if goal.is_dir() else goal
        save(transfer, goal, force=options.force)
        return goal

    return _fetch_to(connect, job, write)


def _fetch_to(
    connect: Callable[[], Client], job: int, use: Callable[[Transfer], T]
) -> T:
    from beemon.cli import long_work
    from beemon.cli.transfer import Transfer

    def work(progress: Progress) -> T:
        transfer = Transfer(connect, job, progress)
        try:
            return use(transfer)
        finally:
            transfer.close()

    return long_work.run(work, "stopped; the unfinished file was deleted")


def _show(options: argparse.Namespace, connect: Callable[[], Client]) -> None:
    kind = options.device.partition(".")[0]
    if kind == "sensor":
        _show_readings(options.device, connect)
        return
    if kind not in ("camera", "microphone"):
        raise WentWrongError(
            f"{options.device} is not a camera, a microphone or a sensor; "
            "to list the devices: beemon devices", EXIT_USAGE,
        )
    facts = _record(options.device, options.seconds, connect, as_picture=kind == "camera")
    if options.output == "-":
        _fetch_to(connect, facts.job, lambda transfer: transfer.write_to(sys.stdout.buffer))
        return
    path = _save(options, connect, facts.job)
    layout.say(f"{path}: {_described(facts, kind, connect)}")


def _record(
    device: str, seconds: int, connect: Callable[[], Client], *, as_picture: bool
) -> JobFacts:
    """Have a device record, and wait for it. Raises :class:`WentWrongError` if that fails."""
    from beemon.base.facts import from_json
    from beemon.cli import long_work
    from beemon.cli.transfer import RefusedError
    from beemon.protocol.replies import JobFacts

    text = f"snapshot {device}" if as_picture else f"record {device} {seconds}"
    expected = None if as_picture else seconds
    with long_work.shown(text, expected), connect() as client:
        reply = client.request(text)
        if not reply.ok:
            raise RefusedError(reply)
        reply = client.wait(reply.payload["job"])
    if not reply.ok:
        raise RefusedError(reply)
    facts = from_json(JobFacts, reply.payload)
    if facts.outcome != "done":
        said = ", ".join(filter(None, (facts.reason, facts.message)))
        raise WentWrongError(
            f"job {facts.job} is {facts.outcome}: {said}; see: beemon help {facts.reason}"
        )
    return facts


def _described(facts: JobFacts, kind: str, connect: Callable[[], Client]) -> str:
    """A fetched recording in words."""
    from beemon.cli.numbers import amount

    made = facts.result
    size = amount(made.size or 0, "B")
    if kind == "camera":
        return f"picture of {made.width}x{made.height} pixels, {size}"
    return f"sound of {made.seconds or 0:.1f} s{_level(facts, connect)}, {size}"


def _level(facts: JobFacts, connect: Callable[[], Client]) -> str:
    """The level of a sound by its features; empty if the service measured none."""
    device = str(facts.command).split(" ")[1]
    with connect() as client:
        reply = client.request(f"history {device} level 1h")
        if not reply.ok or not reply.payload.get("rows"):
            return ""
    _, value, *_ = reply.payload["rows"][-1]
    return "" if value is None else f", level {value:.1f} {reply.payload.get('unit', 'dBFS')}"


def _show_readings(sensor: str, connect: Callable[[], Client]) -> None:
    from beemon.cli import render
    from beemon.cli.transfer import RefusedError

    with connect() as client:
        reply = client.request(f"readings {sensor}")
    if not reply.ok:
        raise RefusedError(reply)
    if not reply.payload.get("readings"):
        raise WentWrongError(f"{sensor} has no reading yet; to read it: beemon read {sensor}")
    layout.say(*render.parts("readings", reply.payload))


def _play(options: argparse.Namespace, connect: Callable[[], Client]) -> None:
    from beemon.cli import long_work

    is_job = _JOB.fullmatch(options.what)
    suffix = "" if is_job else ".mp4" if options.what.startswith("camera.") else ".flac"
    find_player(suffix)
    job = int(options.what) if is_job else _record(
        options.what, options.seconds, connect, as_picture=False
    ).job
    with tempfile.TemporaryDirectory(prefix="beemon-") as folder:
        goal = argparse.Namespace(output=folder, force=False)
        path = _save(goal, connect, job)
        with long_work.ended_in_order():
            status = subprocess.run([*find_player(path.suffix), path], check=False).returncode
    if status:
        raise WentWrongError(f"the player ended with status {status}")


def find_player(suffix: str) -> Sequence[str]:
    """The command line of a player for a file with this ending, without the file.

    Any player will do if it is empty. Raises :class:`WentWrongError`.
    """
    for name, command, plays in PLAYERS:
        if (not suffix or suffix in plays) and shutil.which(name):
            return command
    raise WentWrongError("there is no player on this machine; install one: sudo apt install mpv")
