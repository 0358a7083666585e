"""The page as the package carries it: without the comments and indents of its files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import beemon

STATIC = Path(beemon.__file__).parent / "web/static"
VENDOR = STATIC / "vendor/uPlot.iife.min.js"
SCRIPTS = sorted(STATIC.glob("*.js"))
CATALOGUES = sorted(STATIC.glob("words/*.json"))


def shrunk(file: Path) -> str:
    """The text of a file, by the three rules of debian/page.sed."""
    lines = (re.sub("^ +", "", line) for line in file.read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not re.match(r"//|/\*|\*", line)) + "\n"


def compressed(text: str) -> int:
    """The size of a text as it travels, in bytes."""
    return len(gzip.compress(text.encode(), 9))


def vendor_missing() -> str | None:
    """What the page lacks of the files of others."""
    return None if VENDOR.exists() else "uPlot is missing: scripts/vendor"
