"""How many planted steps of simulated years are found and named right, and how many are none."""

from __future__ import annotations

import argparse
from collections import Counter

from tests.planted import PLANTS, Verdict, judge, year


def main() -> None:
    """Print a table for each way of measuring."""
    parser = argparse.ArgumentParser(prog="steps", description=__doc__)
    parser.add_argument("--years", type=int, default=1, metavar="N", help="how many (default: 1)")
    years = parser.parse_args().years
    for interval in (60.0, 300.0, 900.0):
        for gauges in (True, False):
            verdicts = [judge(year(seed, interval), gauges=gauges) for seed in range(1, years + 1)]
            _print(interval, verdicts, gauges=gauges)


def _print(interval: float, verdicts: list[Verdict], *, gauges: bool) -> None:
    with_gauges = "with" if gauges else "without"
    print(f"\na reading every {interval / 60:.0f} min, {with_gauges} rain gauge, lid and counters")
    named = sum((verdict.named for verdict in verdicts), Counter())
    for kind in [plant.__name__ for plant in PLANTS]:
        took = {found: times for (planted, found), times in named.items() if planted == kind}
        others = {found: times for found, times in sorted(took.items()) if found != kind}
        count = sum(took.values())
        said = ", ".join(f"{found} {times}" for found, times in others.items()) or "-"
        print(f"  {kind:<11} {took.get(kind, 0):>3} of {count:<3} right; else: {said}")
    false = Counter(step.kind for verdict in verdicts for step in verdict.false)
    print(f"  false: {sum(false.values()) / len(verdicts):.1f} a year "
          f"{dict(false) if false else ''}; {sum(v.hidden for v in verdicts)} were hidden by gaps")
    errors = [(error, unsure) for verdict in verdicts for error, unsure in verdict.errors]
    within = sum(abs(error) <= 2 * unsure for error, unsure in errors)
    print(f"  sizes within two standard uncertainties: {within} of {len(errors)}")


if __name__ == "__main__":
    main()
