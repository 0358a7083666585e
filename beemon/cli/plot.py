"""``beemon plot``: the history of one quantity as a chart, in the terminal or in a file."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.base import clock, zone
from beemon.base.facts import from_json
from beemon.base.since import begin_us
from beemon.cli import (
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    EXIT_WRONG,
    layout,
    long_work,
    svg_chart,
    terminal_chart,
    times,
)
from beemon.cli import archive as here
from beemon.cli.manual import HERE
from beemon.cli.parser import add_since, add_utc
from beemon.cli.series import Series, make_series
from beemon.cli.shortcut import Question
from beemon.protocol.client import NotAdmittedError, ServiceUnreachableError
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import History

if TYPE_CHECKING:
    from datetime import tzinfo

    from beemon.protocol.client import Client

_DRAWER = "rsvg-convert"
_USUAL_SINCE = "1d"  # also the service's

Reach = Callable[[Question], "Client"]


class PlotError(Exception):
    """There is no chart, for the reason in the message."""


def add_words(words: Any, reach: Reach) -> None:
    """Add the words of this module to those of ``beemon``; ``reach`` connects to the service."""
    plot = words.add_parser(
        "plot", usage="beemon plot DEVICE QUANTITY [SINCE] [OPTION…]",
        description=here.sentence(HERE["plot"]),
        epilog="The chart begins a day ago, or at SINCE.",
    )
    for name in ("device", "quantity"):
        plot.add_argument(name, metavar=name.upper(), help=argparse.SUPPRESS)
    plot.add_argument("since", nargs="?", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    add_since(plot)
    plot.add_argument(
        "-o", "--output", metavar="FILE", type=Path,
        help="write the chart to this file; its name ends in .svg or .png",
    )
    add_utc(plot)
    here.add_config(plot)
    plot.set_defaults(run=partial(plot_history, reach=reach))


def plot_history(options: argparse.Namespace, reach: Reach) -> int:
    """Carry out `beemon plot`: 0 where the chart was drawn."""
    try:
        write = _writer(options.output)
        with long_work.shown(f"history {options.device} {options.quantity}"):
            series = _ask(options, reach)
        write(series)
    except (PlotError, NotAdmittedError) as error:
        layout.complain(error)
        return EXIT_WRONG
    except RequestError as error:
        layout.complain(error)
        return EXIT_USAGE
    except ServiceUnreachableError as error:
        layout.complain(error)
        return EXIT_UNREACHABLE
    except OSError as error:
        layout.complain(f"{options.output} cannot be written: {error.strerror}")
        return EXIT_WRONG
    return 0


def _ask(options: argparse.Namespace, reach: Reach) -> Series:
    """Return the series from the service. Raises ``RequestError`` if the service refuses."""
    words = [options.device, options.quantity, *filter(None, [options.since])]
    with reach(Question("history", words, config=options.config)) as client:
        reply = client.request(" ".join(["history", *words]))
        hive = _zone_of(client)
    if not reply.ok:
        raise RequestError(reply.payload["code"], reply.payload["message"])
    now_us = clock.now().utc_us
    begin = begin_us(options.since or _USUAL_SINCE, now_us, hive)
    series = make_series(from_json(History, reply.payload), begin or now_us, now_us)
    if not series.pieces:
        raise PlotError(f"no value of {series.title} in that time")
    return series


def _zone_of(client: Client) -> tzinfo:
    """Return the zone in which the service begins a day; this machine's if it is not known here."""
    try:
        return zone.named(client.request("status").payload.get("zone", zone.SYSTEM))
    except ValueError:
        return zone.local()


def _writer(output: Path | None) -> Callable[[Series], None]:
    """Return the function that writes a chart. Raises ``PlotError`` if it cannot be written."""
    if output is None:
        return _show
    if output.suffix == ".svg":
        return lambda series: _write_svg(series, output)
    if output.suffix != ".png":
        raise PlotError(f"{output} must end in .svg or .png")
    if shutil.which(_DRAWER) is None:
        raise PlotError("a PNG needs librsvg2-bin; type: sudo apt install librsvg2-bin")
    return lambda series: _write_png(series, output)


def _show(series: Series) -> None:
    width = layout.width_of(sys.stdout) or layout.USUAL_WIDTH
    is_braille = layout.plain("⣿", sys.stdout.encoding or "ascii") == "⣿"
    layout.say(
        *terminal_chart.draw(series, times.zone(), width, is_braille=is_braille)
    )


def _write_svg(series: Series, output: Path) -> None:
    output.write_text(svg_chart.draw(series, times.zone()), "utf-8")


def _write_png(series: Series, output: Path) -> None:
    with long_work.shown(f"drawing {output}"):
        done = subprocess.run(
            [_DRAWER, "--zoom=2", "--format=png"],
            input=svg_chart.draw(series, times.zone()).encode(),
            capture_output=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    if done.returncode:
        raise PlotError(f"{_DRAWER} failed: {done.stderr.decode(errors='replace').strip()}")
    output.write_bytes(done.stdout)
