"""The command ``beemon``: ``serve``, ``config check`` and every word of the protocol.

Exit status: 0 all well; 1 the service refused, or the job did not end ``done``, or the config has
problems; 2 wrong usage; 3 the service cannot be reached; 78 the config cannot be run; 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beemon import __version__
from beemon.cli import EXIT_UNREACHABLE, EXIT_USAGE, EXIT_WRONG, layout, shortcut
from beemon.cli.shortcut import Question, Service, Uplink

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from beemon.base.facts import JsonObject
    from beemon.base.options import Problem
    from beemon.cli.health import LatestJob
    from beemon.config.settings import DeviceSettings, Settings
    from beemon.devices.ask import ResolvedDevice
    from beemon.protocol.client import Client, Reply
    from beemon.protocol.commands import Word
    from beemon.protocol.replies import ReadingFacts

# A question is answered sooner than a module is loaded: what is not always needed is imported where
# it is used.

_QUICK = ("ping", "version", "status", "devices")
_SHORT = ("swarm",)
"""Commands whose outcome a person always waits for: it takes no time, and can be a refusal."""
_WORDLESS = ("-h", "--help", "--version")
"""The options of a line without a word."""
USAGE_CODES = {"bad-argument", "unknown-command", "unknown-device"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``beemon`` with these arguments; return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["help"]
    layout.prepare()
    question = shortcut.parse(given)
    service = shortcut.parse_service(given) or shortcut.parse_uplink(given)
    if question is None and service is None:
        if problem := _problem_of_first(given[0]):
            layout.complain(problem)
            return EXIT_USAGE
        options = _parser(given[0]).parse_args(given)
        _prepare_times(options)
    try:
        status: int = _serve(service) if service else (
            _ask(question) if question else options.run(options)
        )
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return status


def _prepare_times(asked: Question | argparse.Namespace) -> None:
    from beemon.cli import times

    times.prepare(utc=getattr(asked, "utc", False))


def _problem_of_first(word: str) -> str | None:
    from beemon.base.options import suggestion
    from beemon.base.quoting import shown
    from beemon.cli.manual import HERE
    from beemon.protocol.commands import FOR_PROGRAMS, HARMLESS, VOCABULARY

    asked = [name for name in VOCABULARY if name not in FOR_PROGRAMS]
    known = [*asked, *(word.partition(" ")[0] for word in HERE)]
    if word in (*known, *_WORDLESS):
        return None
    if word.startswith("-"):
        near = suggestion(word, _WORDLESS, "; the options of a word come after it")
        return f'unknown option "{shown(word)}"{near}'
    near = suggestion(word, [*HARMLESS, "export", "config"], "; `beemon help` lists the words")
    return f'unknown word "{shown(word)}"{near}'


def _parser(first: str) -> argparse.ArgumentParser:
    """Build the parser of a line with this ``first`` argument.

    The options of all words would delay the start of the service.
    """
    import argparse

    from beemon.cli.manual import vocabulary
    from beemon.cli.parser import Parser
    from beemon.protocol.commands import FOR_PROGRAMS, VOCABULARY

    parser = Parser(
        prog="beemon",
        usage="beemon WORD [ARGUMENT…] [OPTION…]",
        epilog="`beemon WORD --help` shows the options of a word. `beemon help REASON` explains a "
               "reason or an error code. For the rest, see `man beemon`.",
    )
    parser.parts = list(vocabulary())
    parser.add_argument("--version", action="version", version=f"beemon {__version__}")
    words = parser.add_subparsers(
        prog="beemon", metavar="WORD", help=argparse.SUPPRESS, required=True
    )
    _add_serve(words)
    _add_config_check(words)
    _add_words_here(words)
    for word in VOCABULARY.values():
        if word.name in FOR_PROGRAMS:
            continue
        if word.name == first or first.startswith("-"):
            _add_word(words, word)
    return parser


def _add_words_here(words: Any) -> None:
    """Add the words that have a module of their own; some of them also ask the service."""
    from beemon.cli import (
        alerts,
        backup,
        doctor,
        export,
        fetch,
        page,
        plot,
        support,
        uplink,
        upload,
    )
    from beemon.cli import archive as here
    from beemon.cli import setup as setting_up

    for module in (here, export, backup, page, uplink, upload):
        module.add_words(words)
    for asking in (setting_up, support, fetch, doctor, alerts, plot):
        asking.add_words(words, reach)


def _add_serve(words: Any) -> None:

    from beemon.cli import archive as here
    from beemon.cli.manual import HERE

    serve = words.add_parser(
        "serve", usage="beemon serve [OPTION…]", description=here.sentence(HERE["serve"])
    )
    here.add_config(serve)
    serve.add_argument(
        "--verbose", action="store_true", help="log every job and every refused request"
    )
    serve.set_defaults(run=_serve_as_parsed)


def _add_config_check(words: Any) -> None:
    import argparse

    from beemon.cli import archive as here
    from beemon.cli.manual import HERE

    config = words.add_parser(
        "config", usage="beemon config check [OPTION…]",
        description=here.sentence(HERE["config check"]),
    )
    config.add_argument("check", choices=["check"], help=argparse.SUPPRESS)
    config.add_argument("--quiet", action="store_true", help="print problems only")
    here.add_config(config)
    config.set_defaults(run=_check)


def _add_word(words: Any, word: Word) -> None:
    import argparse

    from beemon.cli import archive as here
    from beemon.cli.parser import add_since, add_utc

    parser = words.add_parser(
        word.name,
        usage=f"beemon {word.usage} [OPTION…]",
        description=here.sentence(word.summary),
    )
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    if any("SINCE" in argument.name for argument in word.arguments):
        add_since(parser)
    if word.name == "status":
        parser.add_argument(
            "--check", action="store_true", help="exit with status 1 unless the service is healthy"
        )
    if word.is_command:
        parser.add_argument("--wait", action="store_true", help="wait for the job's outcome")
    parser.add_argument(
        "--json", action="store_true", help="print the reply as JSON, for programs"
    )
    if word.name not in shortcut.TIMELESS:
        add_utc(parser)
    parser.add_argument("--host", help="the address of the service (default: from the config)")
    parser.add_argument(
        "--port", type=_port, help="the port of the service (default: from the config)"
    )
    here.add_config(parser)
    parser.set_defaults(run=_help if word.name == "help" else _ask_as_parsed, word=word.name)


def _port(text: str) -> int:
    import argparse

    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f'a port is a number from 1 to 65535, not "{text}"')
    return int(text)


def _serve_as_parsed(options: argparse.Namespace) -> int:
    return _serve(Service(options.config, verbose=options.verbose))


def _serve(service: Service | Uplink) -> int:
    from pathlib import Path

    if isinstance(service, Uplink):
        from beemon.cli.uplink import serve_uplink

        return serve_uplink(Path(service.config), service.folder)
    from beemon.cli.daemon import serve

    return serve(Path(service.config), verbose=service.verbose)


def _check(options: argparse.Namespace) -> int:
    from beemon.cli import long_work
    from beemon.devices.ask import find_absent

    with long_work.shown("checking the config"):
        problems, settings, resolved = _examine(options.config)
        absent = [] if problems else [*find_absent(resolved.values())]
    if problems:
        layout.say(*map(str, sorted(problems, key=lambda found: found.place)), to=sys.stderr)
        count = len(problems)
        layout.say(f"{count} problem{'s' if count > 1 else ''} found", to=sys.stderr)
        return 1
    for missing in absent:
        layout.say(str(missing), to=sys.stderr)
    if options.quiet:
        return 0
    names = ", ".join(settings.devices) or "no devices"
    layout.say(f"{options.config} is good: hive {settings.hive.name}, {names}")
    _print_budget(settings, resolved)
    return 0


def _examine(file: Path) -> tuple[list[Problem], Settings, Mapping[str, ResolvedDevice]]:
    """All problems of a config; its settings if it can be read, and its devices that are known."""
    from beemon.config import settings as config
    from beemon.devices.ask import find_conflicts, find_unknown_quantity, resolve_devices

    settings = config.Settings()
    try:
        settings = config.load(file)
    except config.ConfigError as error:
        problems, devices = error.problems, error.devices
    else:
        problems, devices = _server_problems(file, settings), settings.devices
        problems += _uplink_problems(settings)
    resolved, found = resolve_devices(devices)
    problems = [
        *problems, *found, *find_conflicts(resolved.values()), *_idle_schedules(devices),
        *find_unknown_quantity(settings.power, resolved),
    ]
    return problems, settings, resolved


def _uplink_problems(settings: Settings) -> list[Problem]:
    """The problems of the uplink's tables, if there are any."""
    if not settings.uplink:
        return []
    from beemon.base.options import Problem
    from beemon.uplink import destinations

    return [
        *(found.problem for found in destinations.read_tables(settings.uplink)[1]),
        *destinations.find_unknown_devices(settings.uplink, settings.devices),
        *(Problem(found.where, f'"{found.file.option}": {found}')
          for found in destinations.find_unreadable_files(settings.uplink)),
    ]


def _idle_schedules(devices: Mapping[str, DeviceSettings]) -> Iterator[Problem]:
    """Windows by the sun that no day of the year would open."""
    from datetime import UTC, datetime, timedelta

    from beemon.base import schedule, sun, zone
    from beemon.base.options import Problem

    now, here = datetime.now(UTC), zone.local()
    for device in devices.values():
        of = device.schedule
        if not (of and of.follows_sun and of.place and sun.is_known()):
            continue
        if not schedule.count_slots(of, now, now + timedelta(days=366), here):
            yield Problem(device.where("schedule"), "its window never opens on any day of the year")


def _print_budget(settings: Settings, devices: Mapping[str, ResolvedDevice]) -> None:
    """Print the budget of the disk, as far as it follows from the config without the service."""
    from datetime import UTC, datetime

    from beemon.base.facts import to_json
    from beemon.cli import render as rendering
    from beemon.orchestrator import estimate
    from beemon.retention import budget
    from beemon.storage import space

    planned = estimate.bytes_a_day(devices, datetime.now(UTC))
    try:
        archive = settings.archive_path
        there = next(folder for folder in (archive, *archive.parents) if folder.exists())
        found = space.measure_space(there)
    except OSError as error:
        layout.complain(f"the disk of the archive cannot be examined: {error.strerror}")
        return
    if planned:
        told = budget.reckon(planned, {}, found, settings.retention)
        layout.say("", *rendering.parts("budget", to_json(told)))


def _server_problems(path: Path, settings: Settings) -> list[Problem]:
    """The problems that would keep the service from listening, unless it already does."""
    from beemon.base.options import Problem
    from beemon.config import settings as config
    from beemon.protocol import address

    server, found = settings.server, []
    try:
        if server.token_file is not None:
            config.read_token(server.token_file)
    except config.ConfigError as error:
        found += error.problems
    try:
        address.listen(server.host_address, server.listening_port).close()
    except address.AddressError as error:
        if not _is_own(path, settings):
            found.append(Problem(f"{path}", f"[server]: {error.strerror}: {error.remedy}"))
    return found


def _is_own(path: Path, settings: Settings) -> bool:
    """Whether it is the service of this config that listens on its address already."""
    from beemon.cli import places
    from beemon.protocol.client import Client, NotAdmittedError, ServiceUnreachableError

    server = settings.server
    host = places.reachable(server.host_address)
    try:
        with Client(host, server.listening_port, token=_token(server.token_file)) as client:
            reply = client.request("version")
    except NotAdmittedError:
        return True  # a beemon, whose token may have been replaced since it began
    except ServiceUnreachableError:
        return False
    return not reply.ok or reply.payload.get("config") == str(path.absolute())


def _help(options: argparse.Namespace) -> int:
    """For a person `help` needs no service; for a program it is a query like any other."""
    from beemon.cli import manual
    from beemon.protocol.commands import VOCABULARY

    if options.json:
        return _ask_as_parsed(options)
    word = "".join(options.arguments[:1])
    if found := list(manual.explanation(word)):
        layout.say(*found)
        if word not in VOCABULARY:
            return 0
        layout.say("")
    return main([*options.arguments[:1], "--help"])


def _ask_as_parsed(options: argparse.Namespace) -> int:
    given = vars(options).items()
    return _ask(Question(**{name: value for name, value in given if name in Question._fields}))


def _ask(question: Question) -> int:
    from beemon.protocol.client import NotAdmittedError, ServiceUnreachableError
    from beemon.protocol.lines import RequestError

    if not question.json:
        _prepare_times(question)
    try:
        with reach(question) as client:
            if question.word == "watch":
                return _watch(client, question)
            if _is_guided(question):
                return _guide(client, question.arguments[0])
            reply = _converse(client, question)
            has_more = reply.ok and not question.json
            more = _ask_more(reply, client, question) if has_more else None
            status = _print(reply, question, more)
            if has_more and question.word == "status":
                _print_news(client)
            return status
    except NotAdmittedError as error:
        layout.complain(error)
        return EXIT_WRONG
    except RequestError as error:
        layout.complain(f"nothing was sent: {error}")
        return EXIT_USAGE
    except ServiceUnreachableError as error:
        layout.complain(error)
        return EXIT_UNREACHABLE


def _is_guided(question: Question) -> bool:
    """Whether to guide a person through a calibration: at a terminal, without a step."""
    alone = question.word == "calibrate" and len(question.arguments) == 1 and not question.json
    return alone and sys.stdin.isatty() and sys.stdout.isatty()


def _guide(client: Client, scale: str) -> int:
    from beemon.cli import calibrate as guide

    try:
        guide.Guide(client, scale, layout.ask, layout.say).calibrate()
    except guide.GivenUpError as error:
        layout.complain(error)
        return EXIT_WRONG
    except EOFError:
        return EXIT_WRONG
    return 0


def _converse(client: Client, question: Question) -> Reply:
    """Send the request, wait if requested, and return the reply."""
    since = [question.since] if question.since else []
    request = " ".join([question.word, *question.arguments, *since])
    with _progress(request, question):
        reply = client.request(request, patient=question.word == "wait")
    job = reply.payload.get("job")
    is_short = question.word in _SHORT and not question.json
    if reply.ok and (question.wait or is_short) and isinstance(job, int):
        return _wait(client, job, question)
    return reply


def _wait(client: Client, job: int, question: Question) -> Reply:
    request = " ".join([question.word, *question.arguments])
    try:
        with _progress(f"job {job}: {request}", question):
            return client.wait(job)
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            layout.complain(f"job {job} continues; for its outcome: beemon wait {job}")
        raise


def _progress(says: str, question: Question) -> contextlib.AbstractContextManager[object]:
    """Show the progress of a request that may take long."""
    if question.json or question.word in _QUICK or not sys.stderr.isatty():
        return contextlib.nullcontext()
    from beemon.cli import long_work, numbers

    request = " ".join([question.word, *question.arguments])
    return long_work.shown(says, numbers.recorded_seconds(request))


def _ask_more(
    reply: Reply, client: Client, question: Question
) -> LatestJob | list[ReadingFacts] | None:
    """Details for a person: the last job that ended, or the readings of a `read`."""
    from beemon.base.facts import BadFactsError

    try:
        if question.word == "status":
            return _last_job(client)
        accepted = reply.payload.get("accepted")
        if question.word == "read" and isinstance(accepted, str):
            return _readings_since(accepted, client, question.arguments)
    except BadFactsError:  # of another version
        pass
    return None


def _print_news(client: Client) -> None:
    """Print the newest sentences about the colony, if the service has any."""
    from beemon.base.facts import BadFactsError
    from beemon.cli import health

    reply = client.request("today")
    with contextlib.suppress(BadFactsError):  # of another version
        if reply.ok and (sentences := health.news(reply.payload)):
            layout.say("", sentences)


def _last_job(client: Client) -> LatestJob | None:
    from beemon.cli import health

    reply = client.request("jobs")
    return health.last_job(reply.payload) if reply.ok else None


def _readings_since(utc: str, client: Client, sensors: Sequence[str]) -> list[ReadingFacts]:
    from beemon.base.facts import from_json
    from beemon.protocol.replies import ReadingList

    reply = client.request(" ".join(["readings", *sensors]))
    found = from_json(ReadingList, reply.payload).readings if reply.ok else ()
    return [one for one in found if one.sensor.startswith("sensor.") and one.utc >= utc]


def _watch(client: Client, question: Question) -> int:
    import json
    from datetime import UTC, datetime

    from beemon.cli import times

    if not question.json and sys.stdout.isatty():
        from beemon.cli import watch

        if first := watch.first_look(client):
            client.close()
            return watch.show(first, lambda: reach(question))
    latest = ""
    for reply in client.watch():
        if not reply.ok:
            return _print(reply, question)
        line = _report(reply.payload)
        if question.json:
            print(json.dumps(reply.payload), flush=True)
        elif line != latest:  # the service's state comes every few seconds, as a sign of life
            layout.say(f"{times.time_of_day(datetime.now(UTC))} {line}")
        latest = line
    return 0


def _report(payload: JsonObject) -> str:
    """A report in one line; one that makes no sense here as it came."""
    from beemon.cli import render as rendering

    try:
        return rendering.report(payload)
    except ValueError:
        import json

        return json.dumps(payload)


def reach(question: Question) -> Client:
    """A connection to the packaged service by its socket; else to the service of the config."""
    from beemon.protocol import client, socket_file

    if str(question.config) == shortcut.DEFAULT_CONFIG and not (question.host or question.port):
        with contextlib.suppress(client.ServiceUnreachableError):
            return client.Client(socket_path=socket_file.PACKAGED)
    return _reach_by_config(question)


def _reach_by_config(question: Question) -> Client:
    """A connection to the service at the given address, else that of the config, else the default.
    """
    from pathlib import Path

    from beemon.cli import places
    from beemon.config import settings as config
    from beemon.protocol import client

    settings, file = config.Settings(), Path(question.config)
    try:
        settings = config.load(file)
    except config.ConfigError as error:
        settings = config.Settings(server=error.server or settings.server)
        is_meant = file.exists() or str(file) != shortcut.DEFAULT_CONFIG
        if error.server is None and is_meant:
            port = question.port or settings.server.listening_port
            layout.complain(f"{error.problems[0]}; trying port {port}")
    server = settings.server
    host, port = question.host or server.host_address, question.port or server.listening_port
    host = places.reachable(host)
    if question.host or question.port:
        return client.Client(host, port, token=_token(server.token_file))
    sockets = places.sockets_of(file, settings)
    return client.reach(sockets, host, port, lambda: _token(server.token_file))


def _token(file: Path | None) -> str | None:
    from beemon.config import settings as config

    try:
        return config.read_token(file) if file else None
    except config.ConfigError as error:
        layout.complain(error)
        return None


def _shown(
    word: str, payload: JsonObject, more: LatestJob | list[ReadingFacts] | None
) -> list[layout.Part]:
    """A reply as a person reads it; one that makes no sense here as it came, with a note."""
    try:
        if word == "status":
            from beemon.cli import health

            return list(health.parts(payload, more if isinstance(more, health.LatestJob) else None))
        from beemon.cli import render as rendering

        return list(rendering.parts(word, payload, more=more))
    except (ValueError, KeyError, TypeError, OverflowError):
        import json

        layout.complain("the service may be another version; its reply follows as it came")
        return [json.dumps(payload)]


def _print(
    reply: Reply, question: Question, more: LatestJob | list[ReadingFacts] | None = None
) -> int:
    if question.json:
        import json

        print(json.dumps(reply.payload))
    elif not reply.ok:
        from beemon.cli import times

        error = reply.payload
        layout.complain(f"{times.in_sentence(error['message'])} ({error['code']})")
        if remedy := error.get("remedy"):  # an older service sends none
            layout.complain(remedy.replace("WORD", question.word))
    else:
        layout.say(*_shown(question.word, reply.payload, more))
    if not reply.ok:
        return EXIT_USAGE if reply.payload["code"] in USAGE_CODES else EXIT_WRONG
    well = reply.payload.get("outcome", "done") == "done" and "damaged" not in reply.payload
    if question.check:
        well = reply.payload.get("state") == "healthy"
    return 0 if well else EXIT_WRONG

