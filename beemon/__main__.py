"""The command ``beemon``, also as ``python -m beemon``."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from beemon.cli.main import main


def run() -> NoReturn:
    """Run the command and end the process with its exit status."""
    status = main()
    gc.freeze()  # Python's search for garbage at the end takes a sixth of the time of a question
    sys.exit(status)


if __name__ == "__main__":
    run()
