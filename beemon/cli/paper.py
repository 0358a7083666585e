"""Paper: text that fits a screen, whatever characters it has and the terminal can show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from beemon.cli import layout


class Paper(NamedTuple):
    """The size of the screen in characters, and the encoding that it can show."""

    width: int
    height: int
    encoding: str = "utf-8"

    def cut(self, text: str, width: int | None = None) -> str:
        """A text in at most this many columns; a longer one ends with ``…``."""
        most = self.width if width is None else width
        shown, mark = layout.plain(text, self.encoding), layout.plain("…", self.encoding)
        if columns(shown) <= most:
            return shown
        return _begin(shown, most - len(mark)).rstrip() + mark[:max(0, most)]

    def pad(self, text: str, width: int) -> str:
        """A text cut or filled to exactly this many columns."""
        shown = self.cut(text, width)
        return shown + " " * (width - columns(shown))

    def wrap(self, text: str, indent: str = "  ") -> Iterator[str]:
        """A text as lines at its spaces, the further ones with an ``indent``."""
        line = ""
        for word in layout.plain(text, self.encoding).split(" "):
            longer = f"{line} {word}" if line.strip() else line + word
            if columns(longer) > self.width and line.strip():
                yield self.cut(line)
                longer = indent + word
            line = longer
        yield self.cut(line)


class Line(NamedTuple):
    """A line of the screen; ``is_loud`` only repeats the meaning of its words."""

    text: str
    is_loud: bool = False


def columns(text: str) -> int:
    """The width of a text on a terminal: some characters take two columns, some none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _begin(text: str, most: int) -> str:
    """The longest begin of a text that fits into this width."""
    while columns(text) > most and text:
        text = text[:-1]
    return text
