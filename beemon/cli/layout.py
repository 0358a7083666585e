"""Layout: text for people, as wide as their terminal and in characters that it can show.

A part is a paragraph or a :class:`Table`. If the width is not known, as in a pipe or in the
journal, each paragraph and each row is one line.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

USUAL_WIDTH = 80
_LEAST_LAST_COLUMN = 24  # columns; where less is left, a table falls into blocks
_ERRORS = "beemon.plain"
_PLAIN = str.maketrans({
    "°": "deg ", "±": "+/-", "…": "...", "×": "x", "–": "-", "—": "-", "“": '"', "”": '"',
    "„": '"', "‘": "'", "’": "'", "Ω": "Ohm", "µ": "u", "\N{NO-BREAK SPACE}": " ",
})


class Table(NamedTuple):
    """Rows in columns as wide as they need to be; if ``headed``, the first row names them."""

    rows: Sequence[Sequence[str]]
    headed: bool = False
    indent: int = 0


Part = str | Table


def prepare() -> None:
    """Let standard output and error show every text, whatever their encoding, or be closed."""
    codecs.register_error(_ERRORS, _replace)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def say(*parts: Part, to: TextIO | None = None) -> None:
    """Print parts to standard output, or ``to`` another stream.

    Ends the program if its output cannot be written, as on a full disk.
    """
    stream = to or sys.stdout
    try:
        print(text(parts, stream, width_of(stream)), file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # Python flushes it at its end
        raise SystemExit(f"beemon: the output cannot be written: {error.strerror}") from error


def complain(message: object) -> None:
    """Print an error message to standard error."""
    say(f"beemon: {message}", to=sys.stderr)


def colon(text: str | None) -> str:
    """A text behind a colon; nothing without one."""
    return f": {text}" if text else ""


def ask(question: str) -> str:
    """The answer of a person at the terminal to a question."""
    *lines, last = text([question], sys.stdout, width_of(sys.stdout)).split("\n")
    for line in lines:
        print(line)
    return input(f"{last} ")


def text(parts: Sequence[Part], stream: TextIO, width: int | None) -> str:
    """Parts as one text for a stream."""
    encoding = stream.encoding or "ascii"
    return "\n".join(line for part in parts for line in fitted(_shown(part, encoding), width))


def width_of(stream: TextIO) -> int | None:
    """The columns of a terminal, or what ``COLUMNS`` says; None for a pipe or a file."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given):
        return int(given)
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except OSError:  # a terminal that does not say it
        return USUAL_WIDTH


def fitted(part: Part, width: int | None) -> Iterator[str]:
    """A part as lines of at most ``width`` columns; only a longer word makes a longer line."""
    if isinstance(part, Table):
        yield from _fitted_table(part, width)
        return
    for line in part.split("\n"):
        yield from _wrapped(line, width, len(line) - len(line.lstrip()))


def plain(word: str, encoding: str) -> str:
    """A text in the characters of an encoding: ``°`` as ``deg``, ``ü`` as ``u``."""
    if not word.isprintable():  # a file's name can hold what would steer the terminal
        word = "".join(map(_visible, word))
    try:
        word.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_plain_character(character, encoding) for character in word)
    return word


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n" or 0xD800 <= ord(character) <= 0xDFFF:
        return character
    import unicodedata  # few texts need it

    return " " if unicodedata.category(character) == "Zs" else ascii(character)[1:-1]


def _shown(part: Part, encoding: str) -> Part:
    if isinstance(part, str):
        return plain(part, encoding)
    rows = [[plain(cell, encoding).replace("\n", " ") for cell in row] for row in part.rows]
    return part._replace(rows=rows)


def _plain_character(character: str, encoding: str) -> str:
    import unicodedata

    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    for shown in (character, character.translate(_PLAIN), bare or "?"):
        try:
            shown.encode(encoding)
        except UnicodeEncodeError:
            continue
        return shown
    return "?"


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Replace characters in text printed without this module: argparse's errors, or a traceback."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(_plain_character(character, "ascii") for character in wrong), error.end


def _wrapped(line: str, width: int | None, indent: int) -> Iterator[str]:
    if width is None or len(line) <= width:
        yield line.rstrip()
        return
    import textwrap  # a pipe needs none

    yield from textwrap.wrap(
        line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )


def _fitted_table(table: Table, width: int | None) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    begin = table.indent + sum(widths[:-1]) + 2 * len(widths[:-1])
    last = widths[-1] if widths else 0
    if width is not None and begin + min(last, _LEAST_LAST_COLUMN) > width:
        yield from _blocks(table, width)
        return
    for row in table.rows:
        cells = [cell.ljust(column) for cell, column in zip(row[:-1], widths, strict=False)]
        yield from _wrapped(" " * table.indent + "  ".join([*cells, row[-1]]), width, begin)


def _blocks(table: Table, width: int) -> Iterator[str]:
    """Each row as its first cell, and the others below it with their headings.

    The heading of the first cells stands once, above them all.
    """
    if table.headed:
        yield from _wrapped(" " * table.indent + table.rows[0][0], width, table.indent + 2)
    names = [f"{name}: " for name in table.rows[0]] if table.headed else [""] * len(table.rows[0])
    for first, *others in table.rows[table.headed :]:
        yield from _wrapped(" " * table.indent + first, width, table.indent + 2)
        for name, cell in zip(names[1:], others, strict=True):
            if cell and cell != "-":
                yield from _wrapped(f"{' ' * (table.indent + 2)}{name}{cell}", width,
                                    table.indent + 4)
