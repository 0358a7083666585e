"""The command ``beemon``, also as ``python -m beemon``."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command and end the process with its exit status."""
    from beemon.cli.main import main  # each child of the service loads this module, and not that

    status = main()
    gc.freeze()  # Python's search for garbage at the end takes a sixth of the time of a question
    sys.exit(status)


if __name__ == "__main__":
    run()
