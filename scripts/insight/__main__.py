"""`scripts/insights`: the bars of all subjects, or of some."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import scripts.insight

SUBJECTS = sorted(
    name for _, name, _ in iter_modules(scripts.insight.__path__)
    if not name.startswith("_") and hasattr(import_module(f"scripts.insight.{name}"), "report")
)
"""The modules beside this one that have a function ``report(data, real)``; ``real`` may be None."""


def main() -> None:
    """Print the lines of each subject."""
    parser = argparse.ArgumentParser(prog="insights", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER",
                        help="the data that have a licence")
    parser.add_argument("--real", type=Path, metavar="FOLDER",
                        help="the data that have none: beepi/, jy/, hivescale/ …")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT",
                        help=f"some of {', '.join(SUBJECTS)} (default: all)")
    options = parser.parse_args()
    for folder in (options.data, options.real):
        if folder is not None and not folder.is_dir():
            parser.error(f"{folder} is no folder")
    for subject in options.subjects or SUBJECTS:
        print(f"\n{subject}")
        module = import_module(f"scripts.insight.{subject}")
        for line in module.report(options.data, options.real):
            print(line, flush=True)


if __name__ == "__main__":
    main()
