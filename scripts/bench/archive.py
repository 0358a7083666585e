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

import asked
import beside
import ingest
import stock
import stored
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
    parser.add_argument(
        "--years", type=int, nargs="*", default=[1, 3, 10],
        help="archives of how many years are asked, the first as the reference (default: 1 3 10)",
    )
    parser.add_argument(
        "--stock", type=Path, default=CACHE / "stored",
        help="where these archives are kept for the next run; ten years take 9 GB",
    )
    parser.add_argument("--only-years", action="store_true", help="leave out all but these")
    parser.add_argument("--folder", type=Path, default=CACHE, help="on the disk to be measured")
    return parser.parse_args()


def _all_rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    if not options.only_years:
        yield from ingest.measure(folder, options.rounds)
        yield from year.measure(folder, options.rounds, options.days)
        yield from stock.measure(folder, options.rounds, options.recordings)
    if options.years:
        yield from _years_rows(folder, options)


def _years_rows(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    archives = {
        f"{years} year{'s' if years > 1 else ''}": stored.stored(options.stock, years)
        for years in options.years
    }
    yield from asked.measure(archives, options.rounds)
    yield from stock.measure_years(folder, options.rounds, archives)
    service = stored.service(folder / "beside", next(iter(archives.values())))
    with service.running():
        yield from beside.measure(service)


if __name__ == "__main__":
    main()
