"""Prints a manual page with the sections that the code tells.

    python3 -m scripts.manual PAGE    where PAGE has a line of HEADINGS
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.manual import fill

print(fill(Path(sys.argv[1]).read_text("utf-8")), end="")
