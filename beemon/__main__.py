"""``python -m beemon`` is the ``beemon`` command."""

import sys

from beemon.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
