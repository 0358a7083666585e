"""Text as roff, the language of manual pages."""

from __future__ import annotations

import inspect
import re


def prose(text: str) -> str:
    """Paragraphs as roff."""
    told = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("    "):
            lines = map(escaped, inspect.cleandoc(paragraph).splitlines())
            told.append("\n".join([".RS 4", ".EX", *lines, ".EE", ".RE", ""]))
        else:
            told.append(_wrapped(" ".join(paragraph.split())))
    return ".PP\n".join(told)


def _wrapped(paragraph: str) -> str:
    """A sentence a line, as roff is written, with what is typed in bold, and paths in italics."""
    lines = re.split(r"(?<=[.:;]) (?=[A-Z`])", paragraph)
    return "".join(f"{re.sub('``(.+?)``', _typed, _plain(line))}\n" for line in lines)


def _plain(line: str) -> str:
    """Escaped, but for the hyphens of words."""
    parts = re.split("(``.+?``)", line)
    return "".join(p if p.startswith("``") else escaped(p).replace("\\-", "-") for p in parts)


def _typed(found: re.Match[str]) -> str:
    font = "I" if found[1].startswith("/") else "B"
    return rf"\%\f{font}{escaped(found[1])}\fR"  # and nothing in it is hyphenated


def escaped(text: str) -> str:
    """What roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    text = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)
    return f"\\&{text}" if text[:1] in (".", "'") else text


def quoted(text: str) -> str:
    """The same between the double quotes of a macro's argument."""
    return escaped(text).replace('"', "\\(dq")
