"""A month of a hive that nobody could reach, entered by a simulated clock."""

from __future__ import annotations

from beemon.base import outcomes
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import identity
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger

BEGIN_US = 1_780_000_000_000_000
DAYS, EACH_SECONDS = 30, 300
JOBS = DAYS * 86400 // EACH_SECONDS
STUCK = range(7, JOBS, 50)
"""The jobs, from 0 on, whose second quantity is missing."""


class SimulatedClock:
    """The clocks of a hive that stand where the test puts them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Moment:
        return Moment(*self.stamp()[:2])

    def stamp(self) -> Stamp:
        return Stamp(BEGIN_US + int(self.seconds * 1e6), self.seconds, Quality.SYNCHRONISED)

    def boot_id(self) -> str:
        return "boot"


def grams(number: int) -> float:
    """The weight that a job, from 0 on, measures."""
    return 40_000.0 + number


def fill(ledger: Ledger, clock: SimulatedClock) -> None:
    """Enter the readings of 30 days: two quantities, one of them missing at times."""
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
        identity.settle(ledger, None)
        for number in range(JOBS):
            clock.seconds = number * EACH_SECONDS
            job = ledger.accept("read", "schedule")
            at = clock.stamp()
            temperature = (None, "stuck") if number in STUCK else (34.5, None)
            series.keep(ledger, job, [
                Reading("sensor.scale", "weight", "g", grams(number), None, at),
                Reading("sensor.brood", "temperature", "°C", *temperature, at),
            ])
            ledger.end(job, outcomes.done())
