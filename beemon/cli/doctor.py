"""``beemon doctor``: check the machine, the service and the config, and mend what can be mended."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.base.facts import to_json
from beemon.base.progress import Progress
from beemon.cli import EXIT_USAGE, EXIT_WRONG, layout, times
from beemon.cli import archive as here
from beemon.cli.manual import HERE
from beemon.cli.parser import add_utc
from beemon.cli.shortcut import Question

if TYPE_CHECKING:
    from beemon.base.facts import JsonObject
    from beemon.doctor.machine import Machine
    from beemon.doctor.run import Result
    from beemon.protocol.client import Client


Reach = Callable[[Question], "Client"]


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    doctor = words.add_parser(
        "doctor", usage="beemon doctor [CHECK…] [OPTION…]",
        description=here.sentence(HERE["doctor"]),
        epilog="The exit status is 1 if there is a problem. Some checks need root: use sudo.",
    )
    doctor.add_argument("checks", nargs="*", metavar="CHECK", help="run these checks only")
    doctor.add_argument("--fix", action="store_true", help="mend whatever can be mended safely")
    doctor.add_argument("--json", action="store_true", help="print the results as JSON")
    add_utc(doctor)
    here.add_path(doctor)
    doctor.set_defaults(run=partial(examine, reach=reach))


def examine(options: argparse.Namespace, reach: Reach) -> int:
    """Carry out `beemon doctor`: 0 if there is no problem, else 1; 2 for an unknown check."""
    from beemon.doctor import run

    if unknown := set(options.checks) - set(run.names()):
        layout.complain(f"no such check: {', '.join(sorted(unknown))}; the checks are "
                        f"{', '.join(run.names())}")
        return EXIT_USAGE
    if options.fix and os.geteuid() != 0:
        layout.complain("only root can mend something: sudo beemon doctor --fix")
        return EXIT_USAGE
    results = [*_results(options, machine_of(options, reach))]
    if options.json:
        print(json.dumps(as_json(results)))
    else:
        layout.say(_sum(results))
    return EXIT_WRONG if _count(results, "problem") else 0


def _results(options: argparse.Namespace, machine: Machine) -> Iterator[Result]:
    """Run the checks, and show each result at once, unless a program asks."""
    from beemon.cli import long_work
    from beemon.doctor import run

    names, progress = options.checks or run.names(), Progress()
    with long_work.shown(progress, is_wanted=not options.json) as line:
        def say(parts: list[str]) -> None:
            if parts and not options.json:
                line.say(*parts)

        def tell(result: Result) -> None:
            say([*_found(result), "  Mending it…"])

        for number, name in enumerate(names, 1):
            progress.tell(f"checks: {name}", number, len(names))
            for result in run.run(machine, [name], fix=options.fix, tell=tell):
                say(_parts(result))
                yield result


def machine_of(options: argparse.Namespace, reach: Reach) -> Machine:
    """The machine to check."""
    from beemon.doctor.machine import Machine

    try:
        archive: Path | None = here.archive_of(options)
    except OSError:
        archive = None
    return Machine(options.config.absolute(), partial(_ask, options.config, reach), archive)


def _ask(config: Path, reach: Reach, query: str) -> JsonObject:
    """The service's reply. Raises ``OSError``."""
    word, *arguments = query.split()
    with reach(Question(word, arguments, config=config)) as client:
        reply = client.request(query)
    if not reply.ok:
        raise ValueError(reply.payload.get("message"))
    return reply.payload


def as_json(results: list[Result]) -> JsonObject:
    """The results for a program."""
    return {
        "problems": _count(results, "problem"), "warnings": _count(results, "warning"),
        "checks": [to_json(result) for result in results],
    }


def _count(results: list[Result], state: str) -> int:
    """The number of findings of this state; a problem that was mended does not count."""
    wrong = [one for result in results if not result.fixed for one in result.findings]
    return sum(one.state == state for one in wrong)


def _parts(result: Result) -> list[str]:
    if result.fixed:
        return [f"  Mended: {result.fixed}."]
    if result.not_fixed:
        return [f"  Not mended: {result.not_fixed}."]
    told = _found(result)
    if result.can_fix and result.is_wrong:
        told.append(f"  Or: sudo beemon doctor {result.check} --fix")
    return told


def _found(result: Result) -> list[str]:
    told = []
    for one in result.findings:
        if one.state in ("ok", "skipped"):
            continue
        why = f" {one.why}" if one.why else ""
        told.append(times.in_sentence(f"{one.state.upper()} ({result.check}): {one.what}.{why}"))
        if one.next:
            told.append(f"  Next: {one.next}")
    return told


def _sum(results: list[Result]) -> str:
    counted = [
        f"{count} {state}{'s' * (count != 1)}"
        for state in ("problem", "warning") if (count := _count(results, state))
    ]
    checks = f"{len(results)} check{'s' * (len(results) != 1)}"
    return f"{checks}: {' and '.join(counted) or 'nothing is wrong'}."
