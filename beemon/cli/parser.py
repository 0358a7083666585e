"""Parser: the words and options of the command line, with help that fits the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from beemon.base.options import suggestion
from beemon.base.quoting import shown
from beemon.cli import layout
from beemon.cli.layout import Part, Table


def add_utc(parser: argparse.ArgumentParser) -> None:
    """Add the option for times in UTC."""
    parser.add_argument(
        "--utc", action="store_true", help="show times in UTC, not in the time zone of this machine"
    )


def add_since(parser: argparse.ArgumentParser) -> None:
    """Add the option for the begin of a period."""
    parser.add_argument(
        "--since", metavar="SINCE", help="a date, a time, today, yesterday, or a span such as 7d"
    )


class Parser(argparse.ArgumentParser):
    """Lays its help out itself, because argparse needs more than 40 columns.

    ``parts`` stand in the place of a description. Its errors name the word that was mistyped:
    argparse would leave an unknown option to the parser of all words.
    """

    parts: Sequence[Part] = ()

    def format_usage(self) -> str:
        return self._laid_out([f"usage: {self.usage}"])

    def format_help(self) -> str:
        body = self.parts or ([self.description] if self.description else [])
        parts: list[Part] = [f"usage: {self.usage}", "", *body]
        if options := self._options():
            parts += ["", Table(options, indent=2)]
        if self.epilog:
            parts += ["", self.epilog]
        return self._laid_out(parts)

    def parse_known_args(self, *given: Any) -> Any:  # type: ignore[override]
        """Parse the options; end with status 2 if anything is left over."""
        options, unknown = super().parse_known_args(*given)
        if unknown:
            self.error(self._complaint(unknown[0]))
        return options, []

    def _complaint(self, unknown: str) -> str:
        if not unknown.startswith("-"):
            return f'"{shown(unknown)}" is too much'
        names = [name for action in self._actions for name in action.option_strings]
        return f'unknown option "{shown(unknown)}"{suggestion(unknown, names, "")}'

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = suggestion(value, action.choices)
            raise argparse.ArgumentError(None, f'unknown word "{shown(value)}"{known}')

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, and end with status 2."""
        layout.say(
            f"{self.prog}: {message}", f"Usage: {self.usage}",
            f"`{self.prog} --help` shows the options.", to=sys.stderr,
        )
        self.exit(2)

    def _options(self) -> list[tuple[str, str]]:
        return [
            (_form(action), action.help)
            for action in self._actions
            if action.help and action.help != argparse.SUPPRESS
        ]

    @staticmethod
    def _laid_out(parts: Sequence[Part]) -> str:
        width = layout.width_of(sys.stdout) or layout.USUAL_WIDTH
        return layout.text(parts, sys.stdout, width) + "\n"


def _form(action: argparse.Action) -> str:
    """An option as it is typed: ``--port PORT``."""
    value = action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper()
    if not action.option_strings:
        return str(value)
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}"
