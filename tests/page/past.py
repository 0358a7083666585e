"""The past of a hive: a year of readings, its inspections and a gap, in an archive of its own.

The numbers are those of the simulated sensor, so that a simulated hive goes on where this ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding, Measured, Stage
from beemon.base.moments import iso
from beemon.base.readings import Reading
from beemon.devices.sensors import simulated
from beemon.ledger import events, findings, hours
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger

HOUR = 3600
DAY = 24 * HOUR
SEED = 0
FEW_DAYS = 15
"""The last days have a reading each twenty minutes; those before have one an hour."""
GAP = (6.0, 6.5)
"""The days ago at which nothing was measured."""
SENSORS = {
    "sensor.scale": ("weight",),
    "sensor.brood": ("temperature", "humidity"),
    "sensor.air": ("outside_temperature",),
    "sensor.entrance": ("bees_in", "bees_out"),
}
UNCERTAINTY = {"g": 21.0, "°C": 0.1, "%": 1.5}
CONFIG = "".join(
    f'[{sensor}]\ndriver = "simulated"\nquantities = [{", ".join(map(repr, quantities))}]\n'
    f'[{sensor}.schedule]\ninterval = "10s"\n'.replace("'", '"')
    for sensor, quantities in SENSORS.items()
)
"""The sensors that go on."""


def make(archive: Path, days: int = 365) -> None:
    """Plant the readings of so many days, and what a beekeeper did in them."""
    archive.mkdir(parents=True, exist_ok=True)
    now = math.floor(time.time())
    ledger = Ledger(archive)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
        job = ledger.accept("read", "schedule", _stamp(now - days * DAY))
        ledger.end(job, outcomes.done())
        for at, span in _times(now, days):
            series.keep(ledger, job, list(_readings(at, span)))
        _visits(ledger, now)
        _findings(ledger, now)
    with ledger.transaction():
        while hours.reckon(ledger, now * 1_000_000):
            pass
    ledger.close()


def _times(now: int, days: int) -> Iterator[tuple[int, int]]:
    """The times of readings, and since the one before: hourly, then each twenty minutes; a gap."""
    few = now - FEW_DAYS * DAY
    hourly = ((at, HOUR) for at in range(now - days * DAY, few, HOUR))
    often = ((at, HOUR // 3) for at in range(few, now, HOUR // 3))
    return (
        (at, span) for at, span in (*hourly, *often) if not GAP[0] < (now - at) / DAY < GAP[1]
    )


def _readings(at: int, span: int) -> Iterator[Reading]:
    stamp = _stamp(at)
    for sensor, quantities in SENSORS.items():
        for quantity in (one for one in quantities if one in simulated.QUANTITIES):
            curve, unit = simulated.QUANTITIES[quantity]
            value = round(curve(SEED, at), 3)
            yield Reading(sensor, quantity, unit, value, None, stamp, uncertainty=UNCERTAINTY[unit])
    for quantity, away in (("bees_in", simulated.TRIP), ("bees_out", 0.0)):
        flown = simulated.flights(SEED, at - away) - simulated.flights(SEED, at - away - span)
        count = max(float(round(flown)), 0.0)
        yield Reading("sensor.entrance", quantity, "", count, None, stamp)


def _visits(ledger: Ledger, now: int) -> None:
    """Two inspections, and a lid that was lifted."""
    for days, note in ((3, "two frames of honey"), (9, "queen seen")):
        at = _stamp(now - days * DAY)
        said = f"inspection begun: {note}"
        events.enter(ledger, "inspection", said, at=at, state="begun", note=note)
        end = _stamp(now - days * DAY + 1800)
        events.enter(ledger, "inspection", "inspection ended", at=end, state="ended", note="")
    said = "sensor.scale: a lid was lifted and put back"
    at = _stamp(now - 5 * DAY)
    events.enter(ledger, "weight", said, "sensor.scale", at=at, step="lid", grams=0,
                 uncertainty=40, unit="g", seconds=300)


def _findings(ledger: Ledger, now: int) -> None:
    """The sum of yesterday, a swarm that may be taken back, and one that was."""
    def found(kind: str, stage: Stage, ago: int, says: str) -> Finding:
        begin, end, told = (iso((now - ago + late) * 1_000_000) for late in (0, 1800, 3600))
        return Finding(
            kind, stage, "test-hive", begin, end, told, says, kind, 1, "sensor.scale",
            measured=(Measured("loss", 1300.0, "g", 12.0, 36),), for_=("It was by day.",),
            unknown=("No bees were counted.",),
        )

    for at, one in (
        (now - DAY, found("day", STANDS, DAY, "By itself the hive lost 67 g.")),
        (now - 4 * DAY, found("swarm", FIRST, 4 * DAY, "1.3 kg left.")),
        (now - 4 * DAY, found("swarm", WITHDRAWN, 4 * DAY, "1.3 kg were put back.")),
        (now, found("swarm", FIRST, HOUR, "1.4 kg left the hive.")),
    ):
        findings.enter(ledger, one, _stamp(at))


def _stamp(at: int) -> Stamp:
    return Stamp(at * 1_000_000, float(at % 1_000_000), Quality.SYNCHRONISED)
