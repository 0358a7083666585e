"""Characters in a config that look like those of TOML but are different.

Word processors, web pages and phone keyboards insert them. They are searched for only if a file is
not valid TOML, because any character is allowed within quotation marks and comments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from beemon.base.options import Problem

_FINE = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*")  # a string or a comment
_QUOTES = "“”„‟«»″＂"
_APOSTROPHES = "‘’‚‛‹›′＇"
_DASHES = "‐‑‒–—―−"
_TYPED = {
    character: typed
    for typed, alike in (('"', _QUOTES), ("'", _APOSTROPHES), ("-", _DASHES))
    for character in alike
}


def problems(file: str, text: str) -> list[Problem]:
    """Each line with such a character, once, with the character to type instead."""
    return [
        Problem(f"{file}:{number}", _advice(wrong))
        for number, line in enumerate(text.split("\n"), start=1)
        for wrong in _first_wrong(line.rstrip("\r"))
    ]


def _first_wrong(line: str) -> Iterator[str]:
    bare = line if line.isascii() and line.isprintable() else _FINE.sub("", line)
    wrong = (c for c in bare if not (c.isascii() and (c.isprintable() or c == "\t")))
    yield from list(wrong)[:1]


def _advice(character: str) -> str:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "control character").lower()
    kind = unicodedata.category(character)
    typed = _TYPED.get(character) or unicodedata.normalize("NFKC", character)
    if character == "\0":
        return "contains NUL bytes, probably after a power cut; write the file again"
    if kind == "Zs":
        return f"has a {name} ({code}); type a plain space"
    if kind in ("Cf", "Cc", "Zl", "Zp"):
        return f"has an invisible character, {name} ({code}); delete it"
    if typed.isascii():
        return f"has {character} ({name}); type {typed}"
    return f"has {character} ({name}) outside quotation marks; put it in quotes or delete it"
