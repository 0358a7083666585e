"""The rules of HiveScale on the same curves: MacNite/HiveScale, ``server/insights.py``, MIT.

They run unchanged from the folder ``hivescale/server``, every two hours, on the readings that they
need for their event "swarm". An alarm counts once for as long as it lasts.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.insight.curves import Curve, beepi

BACK = 3 * 3600
EVERY = 2 * 3600
FIRST_DAYS = 15 * 86400
"""The other rules look back so long; the days before are not counted."""


def alarms(real: Path) -> Iterator[str]:
    """One line: the alarms of a swarm."""
    folder = real / "hivescale/server"
    try:
        sys.path.insert(0, str(folder))
        import insights as rules  # type: ignore[import-not-found]
    except ImportError as missing:
        yield f"  left out: HiveScale's rules in hivescale/server, or pydantic ({missing})"
        return
    finally:
        sys.path.remove(str(folder))
    counts: Counter[str] = Counter()
    days = 0.0
    for curve in beepi(real / "beepi"):
        days += (curve.weights[-1].at - curve.weights[0].at - FIRST_DAYS) / 86400
        counts += _alarms(curve, rules)
    yield (f"  HiveScale's rules in {days:.0f} days of a hive: {counts['critical']} critical and "
           f"{counts['warning']} warning alarms of a swarm")


def _alarms(curve: Curve, rules: Any) -> Counter[str]:
    rows = [
        {"measured_at": datetime.fromtimestamp(value.at, curve.zone),
         "scale_1_weight_kg": value.value / 1000}
        for value in curve.weights
    ]
    times = [value.at for value in curve.weights]
    found: Counter[str] = Counter()
    is_told = False
    at = times[0] + FIRST_DAYS
    while at <= times[-1]:
        near = rows[bisect_left(times, at - BACK) : bisect_left(times, at + 1)]
        now = datetime.fromtimestamp(at, curve.zone)
        alarms = [alert.severity for alert in rules.compute_insights(near, now)
                  if alert.title.startswith("Swarm event")]
        if not is_told:
            found.update(alarms)
        is_told = bool(alarms)
        at += EVERY
    return found
