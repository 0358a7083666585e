"""Scales: check the hive's weight every few minutes, and enter each step as an event.

:mod:`beemon.scale.steps` finds the steps in the readings of the last hours, taken from the ledger.
A restart in between therefore hides nothing. Each step is entered once, when it is over, and is
also written to the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import groupby, takewhile
from operator import itemgetter

from beemon.base import sun, zone
from beemon.base.clock import Quality, Stamp
from beemon.base.facts import BadFactsError, JsonObject, from_json
from beemon.base.moments import US_PER_SECOND, iso, to_datetime
from beemon.base.readings import GRAMS, WEIGHT
from beemon.base.status import WeightStep
from beemon.base.sun import Place
from beemon.base.values import value_class
from beemon.config.settings import DeviceSettings, Weighing
from beemon.ledger import calibrations, events
from beemon.ledger import readings as series
from beemon.ledger.events import Readable
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.writer import Write, Written
from beemon.scale import steps
from beemon.scale.steps import Around, Step, Weighed
from beemon.system.service import fields

log = logging.getLogger(__name__)

KIND = "weight"
"""The kind of its events."""
LOOK_SECONDS = 300.0
WATCHED_SECONDS = 8 * 3600.0
"""An inspection takes two hours at most, and rain some; two hours before it show the wind."""

CALIBRATING_SECONDS = 1800.0
"""So long before and after a point of a calibration somebody puts weights on the scale."""

LIGHT, LIGHT_SECONDS = 0.5, 3600.0
"""A hive is light if its weight is below this share of the usual one for ``LIGHT_SECONDS``."""

Tell = Callable[[str, WeightStep], None]


@value_class
class _Watched:
    """The scales to watch by the settings in use, and the day and night at their place."""

    weighing: Mapping[str, Weighing]
    is_day: Callable[[float], bool]

    @classmethod
    def of(cls, devices: Mapping[str, DeviceSettings], place: Place | None) -> _Watched:
        return cls({name: d.weighing for name, d in devices.items() if d.weighing}, day_at(place))


class Scales:
    """Looks after the scales among ``devices``. ``write`` has something written to the ledger.

    ``tell`` gets the latest step of a scale, for `status`. ``tell_light`` gets the begin of an hour
    of a light hive, in microseconds since 1970. Both are called in the writer's thread.
    """

    def __init__(
        self,
        devices: Mapping[str, DeviceSettings],
        place: Place | None,
        write: Callable[[Write, Written], None],
        looks: Looks,
        tell: Tell,
        tell_light: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._write, self._looks, self._tell, self._tell_light = write, looks, tell, tell_light
        self._light: set[str] = set()
        self._watched = _Watched.of(devices, place)
        self._next_look = 0.0

    def change(self, devices: Mapping[str, DeviceSettings], place: Place | None) -> None:
        """Take over other devices, or another place of the hive."""
        self._watched = _Watched.of(devices, place)
        self._next_look = 0.0

    def look_for_steps(self, now: Stamp) -> None:
        """Have it looked for steps, from time to time. A clock that nobody believes tells no day
        from night: then it counts as day, so that no swarm is missed."""
        if now.monotonic < self._next_look:
            return
        self._next_look = now.monotonic + LOOK_SECONDS
        for name, weighing in self._watched.weighing.items():
            self._look_at(name, weighing, now)

    def _look_at(self, name: str, weighing: Weighing, now: Stamp) -> None:
        is_day = (lambda _: True) if now.quality is Quality.UNSURE else self._watched.is_day

        def look(ledger: Ledger) -> tuple[list[Step], WeightStep | None, bool]:
            found = enter_steps(ledger, name, weighing, is_day, now)
            return found, latest_step(ledger, name), _is_light(ledger, name, now.utc_us)

        def found(steps: tuple[list[Step], WeightStep | None, bool]) -> None:
            self._looks.guard("steps", lambda: self._found(name, now, *steps), None)

        self._write(self._looks.within("steps", look, ([], None, False)), found)

    def _found(
        self, name: str, now: Stamp, found: list[Step], latest: WeightStep | None, is_light: bool
    ) -> None:
        """Called by the writer when they are durable."""
        if is_light and name not in self._light:
            self._tell_light(now.utc_us - round(LIGHT_SECONDS * 1e6))
        self._light = self._light | {name} if is_light else self._light - {name}
        for step in found:
            level = logging.WARNING if step.kind == "swarm" else logging.INFO
            log.log(level, "%s: %s", name, sentence(step), extra=fields(device=name))
        if latest is not None:
            self._tell(name, latest)


def enter_steps(
    ledger: Ledger, name: str, weighing: Weighing, is_day: Callable[[float], bool], now: Stamp
) -> list[Step]:
    """Find the steps of a scale in the last hours, within a transaction; enter and return those
    that are not entered yet."""
    from_us = now.utc_us - round(WATCHED_SECONDS * 1e6)
    around = _around(ledger, weighing, is_day, from_us, now.utc_us)
    known = _known(ledger, name, from_us)
    found = [
        step for weights in _comparable(ledger, name, from_us, now.utc_us)
        for step in steps.find_steps(weights, around)
        if not any(step.begin <= end and begin <= step.end for begin, end in known)
    ]
    for step in found:
        _enter(ledger, name, step, now)
    return found


def _comparable(
    ledger: Ledger, name: str, from_us: int, until_us: int
) -> list[list[Weighed]]:
    """The weights, apart by the calibration that made them: from one to the next nothing moved."""
    rows = series.values(ledger.db, name, WEIGHT, from_us, until_us)
    return [
        [Weighed(row["utc_us"] / 1e6, row["value"], row["uncertainty"]) for row in together]
        for _, together in groupby(rows, key=itemgetter("calibration"))
    ]


def _is_light(ledger: Ledger, name: str, now_us: int) -> bool:
    """Whether the hive has weighed less than half of its usual weight for an hour."""
    from_us = now_us - round(WATCHED_SECONDS * 1e6)
    weights = [one for each in _comparable(ledger, name, from_us, now_us)[-1:] for one in each]
    before = sorted(one.grams for one in weights if one.at < now_us / 1e6 - LIGHT_SECONDS)
    if not before:
        return False
    usual = before[len(before) // 2]
    run = list(takewhile(lambda one: one.grams < LIGHT * usual, reversed(weights)))
    return bool(run) and run[0].at - run[-1].at >= LIGHT_SECONDS


def _known(ledger: Ledger, name: str, from_us: int) -> list[tuple[float, float]]:
    """The periods of the steps already entered, and those around calibrations, in seconds since
    1970."""
    entered = [
        (event.at.utc_us / 1e6, event.at.utc_us / 1e6 + event.facts["seconds"])
        for event in events.since(ledger, from_us, 1000, KIND) if event.device == name
    ]
    calibrated = calibrations.made_since(ledger.db, name, from_us)
    return entered + [
        (made_us / 1e6 - CALIBRATING_SECONDS, made_us / 1e6 + CALIBRATING_SECONDS)
        for made_us in calibrated
    ]


def latest_step(ledger: Ledger, name: str) -> WeightStep | None:
    """The last step that was entered for a scale; None without one that can be read."""
    event = events.latest_of(ledger, KIND, name)
    if event is None:
        return None
    try:
        return from_json(WeightStep, {"at": iso(event.at.utc_us), **event.facts})
    except BadFactsError:
        return None


def sentence(step: Step) -> str:
    """A step in words for a person."""
    what = "swarm candidate" if step.kind == "swarm" else step.kind
    change = f"{step.grams / 1000:+.2f} kg ± {step.uncertainty / 1000:.2f} kg"
    return f"{what}: {change} within {max(1, round((step.end - step.begin) / 60))} min"


def day_at(place: Place | None) -> Callable[[float], bool]:
    """Whether the sun is up at a moment; from 6 to 20 on the clock if the place is unknown."""
    local = zone.local()

    def is_day(at: float) -> bool:
        moment = to_datetime(round(at * US_PER_SECOND), local)
        if place is None or not sun.is_known():
            return 6 <= moment.hour < 20
        noon = datetime.combine(moment.date(), time(12), local)
        up = sun.times(place, moment.date(), noon)
        return any(
            up.sunrise + shift <= moment.astimezone(UTC) < up.sunset + shift
            for shift in (timedelta(), timedelta(days=1), timedelta(days=-1))
        )

    return is_day


def _enter(ledger: Ledger, name: str, step: Step, now: Stamp) -> None:
    utc_us = round(step.begin * 1e6)
    at = Stamp(utc_us, now.monotonic - (now.utc_us - utc_us) / 1e6, now.quality)
    events.enter(ledger, KIND, f"{name}: {sentence(step)}", name, at=at, **_facts(step))


def _facts(step: Step) -> JsonObject:
    return {
        "step": step.kind, "grams": round(step.grams), "uncertainty": round(step.uncertainty),
        "unit": GRAMS, "seconds": round(step.end - step.begin),
    }


def _around(
    ledger: Ledger, weighing: Weighing, is_day: Callable[[float], bool], from_us: int, until_us: int
) -> Around:
    def counted(sensor: str, quantity: str) -> Iterator[tuple[float, float]]:
        for row in series.values(ledger.db, sensor, quantity, from_us, until_us):
            yield row["utc_us"] / 1e6, row["value"]

    return around(weighing, counted, is_day, inspected(ledger, from_us, until_us))


def around(
    weighing: Weighing,
    counted: Callable[[str, str], Iterable[tuple[float, float]]],
    is_day: Callable[[float], bool],
    opened: Iterable[tuple[float, float]],
) -> Around:
    """The data around a scale. ``counted`` gives the values of a sensor's quantity, with times.

    ``opened`` are the times at which the hive was open, without those of its lid contact.
    """

    def of(sensor: str | None, quantity: str) -> list[tuple[float, float]] | None:
        return None if sensor is None else list(counted(sensor, quantity))

    out, came = of(weighing.entrance, "bees_out"), of(weighing.entrance, "bees_in")
    bees = None if out is None else out + [(at, -count) for at, count in came or ()]
    lifted = [(at, at) for at, closed in of(weighing.lid, "contact") or () if not closed]
    return Around(is_day, of(weighing.rain, "rain"), bees, [*opened, *lifted])


def inspected(ledger: Readable, from_us: int, until_us: int) -> list[tuple[float, float]]:
    """The times of the inspections between two times. One that goes on then ends at the later time.
    """
    found: list[tuple[float, float]] = []
    begun: float | None = None
    for event in events.since(ledger, from_us, 1000, "inspection"):
        at = event.at.utc_us / 1e6
        if event.at.utc_us > until_us:
            break
        if event.facts["state"] == "begun":
            begun = at
        else:
            found.append((from_us / 1e6 if begun is None else begun, at))
            begun = None
    return found if begun is None else [*found, (begun, until_us / 1e6)]
