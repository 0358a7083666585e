"""What beemon's archive costs, beside plain ways to keep the same: `scripts/bench-archive`.

Every figure stands beside a reference that was measured in the same minutes on the same machine,
so it is the ratios that can be compared between machines.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ingest
import stock
import year
from table import Row, show

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beemon"


def main() -> None:
    """Run everything and print one table."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        rows = list(_all_rows(Path(folder), options))
    print(show(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-archive", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of each comparison (default: 7)")
    parser.add_argument("--days", type=int, default=365, help="of readings (default: 365)")
    parser.add_argument(
        "--recordings", type=int, nargs="*", default=[1000, 100_000],
        help="how many are stored when the service starts (default: 1000 100000)",
    )
    parser.add_argument("--folder", type=Path, default=CACHE, help="on the disk to be measured")
    return parser.parse_args()


def _all_rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    yield from ingest.measure(folder, options.rounds)
    yield from year.measure(folder, options.rounds, options.days)
    yield from stock.measure(folder, options.rounds, options.recordings)


if __name__ == "__main__":
    main()
