"""Gathering: a hive's day from the ledger, the one place where the insights read it.

Only the values of :data:`QUANTITIES` are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType

from beemon.base.finding import Measured
from beemon.base.moments import US_PER_SECOND
from beemon.base.readings import GRAMS, MODELLED, WEIGHT
from beemon.base.units import usual
from beemon.config.settings import Hive, Weighing
from beemon.insights.comparable import Comparable, Key, Measure
from beemon.insights.hive_day import AFTER, BEFORE, HiveDay, Told, Value
from beemon.insights.tilt import TILT
from beemon.ledger import calibrations, finding_days
from beemon.ledger import readings as series
from beemon.ledger.events import Readable
from beemon.ledger.finding_days import PAST_DAYS
from beemon.scale import watch
from beemon.scale.steps import Around, Interval
from beemon.scale.watch import CALIBRATING_SECONDS

QUANTITIES = frozenset({
    WEIGHT, "temperature", "bees_out", "bees_in", "rain", "rain_rate", "contact", "hum", "toots",
    TILT,
})
"""The quantities that a rule may look at, of any device. Those that the config names for the hive
are read too."""

ACCELEROMETER = "accelerometer"
"""The driver of a sensor whose tilt is missed even if it never measured one."""


def gather(
    ledger: Readable, day: date, until: float, hive: Hive, weighing: Mapping[str, Weighing],
    zone: tzinfo, drivers: Mapping[str, str] = MappingProxyType({}),
) -> HiveDay:
    """A local day, with everything that is known of it at ``until``, in seconds since 1970.

    ``weighing`` are the scales under the hive, by their names, and ``drivers`` those of all sensors
    that should measure now.
    """

    def clock(hours: float) -> float:
        moment = datetime(day.year, day.month, day.day) + timedelta(hours=hours)  # noqa: DTZ001
        return moment.replace(tzinfo=zone).timestamp()

    begin = clock(0.0)
    until = min(until, begin + AFTER)
    named = {key for key in (hive.nest, hive.outside) if key}
    found, modelled = _values(ledger, begin, until, named)
    values = {key: one.values for key, one in found.items()}
    scales = {
        name: _around(ledger, name, one, values, begin - BEFORE, until, hive)
        for name, one in weighing.items()
    }
    told = Told(
        hive=hive.name, scales=scales, empty=hive.empty, nest=hive.nest, outside=hive.outside,
        accelerometers=_accelerometers(ledger, drivers),
    )
    past = _past(ledger, day)
    changed = {key: one.changed for key, one in found.items() if one.changed is not None}
    return HiveDay(day, begin, clock(24.0), until, clock, told, values, past, modelled, changed)


def _values(
    ledger: Readable, begin: float, until: float, named: AbstractSet[Key]
) -> tuple[dict[Key, Comparable], AbstractSet[Key]]:
    """The values that a rule may look at, and those of them that a model calculated."""
    wanted = {
        number: (sensor, quantity, unit)
        for (sensor, quantity, unit), number in series.numbers(ledger.db).items()
        if (quantity in QUANTITIES or (sensor, quantity) in named)
        and (quantity != WEIGHT or usual(unit) == GRAMS)
    }
    measures: dict[tuple[int, int | None], tuple[Comparable, Measure]] = {}
    found: dict[Key, Comparable] = {}
    modelled = set()
    rows = series.of_several(ledger.db, wanted, _us(begin - BEFORE), _us(until))
    for utc_us, number, value, uncertainty, quality, calibration in rows:
        if (number, calibration) not in measures:
            sensor, quantity, unit = wanted[number]
            used = None if calibration is None else calibrations.find(ledger.db, calibration)
            measures[number, calibration] = (
                found.setdefault((sensor, quantity), Comparable(begin)),
                Measure.of(unit, calibration, used),
            )
        values, measure = measures[number, calibration]
        values.add(measure, utc_us / US_PER_SECOND, value, uncertainty)
        if quality == MODELLED:
            modelled.add(wanted[number][:2])
    return found, modelled


def _around(
    ledger: Readable, scale: str, weighing: Weighing, values: Mapping[Key, Sequence[Value]],
    begin: float, until: float, hive: Hive,
) -> Around:
    """The data around a scale. While it is calibrated, somebody is at the hive."""

    def counted(sensor: str, quantity: str) -> Iterable[tuple[float, float]]:
        return ((value.at, value.value) for value in values.get((sensor, quantity), ()))

    made = calibrations.made_since(ledger.db, scale, _us(begin))
    calibrated: list[Interval] = [
        (at / US_PER_SECOND - CALIBRATING_SECONDS, at / US_PER_SECOND + CALIBRATING_SECONDS)
        for at in made if at <= _us(until)
    ]
    opened = watch.inspected(ledger, _us(begin), _us(until)) + calibrated
    return watch.around(weighing, counted, watch.day_at(hive.place), opened)


def _accelerometers(ledger: Readable, drivers: Mapping[str, str]) -> tuple[str, ...]:
    """Those of the sensors that measure a tilt by their driver, or that ever did."""
    known = {sensor for sensor, quantity, _ in series.numbers(ledger.db) if quantity == TILT}
    return tuple(sorted(
        name for name, driver in drivers.items() if driver == ACCELEROMETER or name in known
    ))


def _past(ledger: Readable, day: date) -> list[Mapping[str, Measured]]:
    first = day - timedelta(days=PAST_DAYS)
    sums = finding_days.sums(ledger, first, day - timedelta(days=1))
    days = [first + timedelta(days=n) for n in range(PAST_DAYS)]
    return [
        {number.name: number for number in sums[one].finding.measured} if one in sums else {}
        for one in days
    ]


def _us(at: float) -> int:
    return round(at * US_PER_SECOND)
