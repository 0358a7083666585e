"""The page as the package carries it: without comments, indents and spaces between signs."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import beemon

STATIC = Path(beemon.__file__).parent / "web/static"
VENDOR = STATIC / "vendor/uPlot.iife.min.js"
SCRIPTS = sorted(STATIC.glob("*.js"))
CATALOGUES = sorted(STATIC.glob("words/*.json"))


_TEXT = ("\"", "<")  # a line of a catalogue or of the page begins with it
_SPACED = {
    r" *\{ *": "{", r" +\}": "}", r"; +": ";",
    r" (=>|===|!==|\?\?=|\?\?|&&|\|\||[=?:<>*+]|[-+<>]=) ": r"\1",
    r"([A-Za-z0-9_])([:,]) ": r"\1\2", r"(if|for|while) \(": r"\1(",
}


def shrunk(file: Path) -> str:
    """The text of a file, by the rules of debian/page.sed."""
    lines = (re.sub("^ +", "", line) for line in file.read_text("utf-8").splitlines())
    kept = (line for line in lines if line and not re.match(r"//|/\*|\*", line))
    return "".join(f"{line if line.startswith(_TEXT) else _joined(line)}\n" for line in kept)


def _joined(line: str) -> str:
    for pattern, by in _SPACED.items():
        line = re.sub(pattern, by, line)
    return line


def compressed(text: str) -> int:
    """The size of a text as it travels, in bytes."""
    return len(gzip.compress(text.encode(), 9))


def vendor_missing() -> str | None:
    """What the page lacks of the files of others."""
    return None if VENDOR.exists() else "uPlot is missing: scripts/vendor"
