"""Rules: each says which condition is worth a message. They are tables of the config.

A rule watches one thing, named by its first option: a ``reading``, an ``event``, a ``finding``, a
``state``, or the absence of something (``absent``). `beemon.toml(5)` explains every option.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import ClassVar

from beemon.base.finding import KINDS as KINDS_OF_FINDINGS
from beemon.base.names import is_device_word
from beemon.base.options import BadOptionError, duration_within, in_toml, option, suggestion
from beemon.base.status import DeviceState
from beemon.base.values import keyword_class, value_class
from beemon.uplink import hours

ALL_MONTHS = tuple(range(1, 13))
ANY = "*"
TROUBLE = "trouble"
KINDS = ("camera", "microphone", "sensor", "output")
SERVICE_STATES = ("degraded", "hung", "starting")
DEVICE_STATES = (*map(str, DeviceState), TROUBLE)
DATA, JOB, SERVICE = "data", "job", "service"
STEPS = ("added", "harvest", "inspection", "lid", "loss", "rain", "swarm")
EVENTS = (
    "archive", "clock", "config", "defect", "deletion", "examination", "finding", "halt", "index",
    "inspection", "label", "ledger", "lost", "low-disk", "output", "power", "quarantine",
    "recovered", "restored", "start", "unaccounted", "weight",
)
"""The kinds of events; one of the kind ``weight`` is also found by its step (:data:`STEPS`)."""

_TITLE = 80
_READING = (
    'The sensor and its quantity, such as ``"sensor.scale weight"``; with ``*`` in the place of '
    "the sensor, each that has it"
)


@value_class
class Series:
    """A quantity of a sensor; of each sensor that has it, if the sensor is ``*``."""

    device: str
    quantity: str

    def __str__(self) -> str:
        return f"{self.device} {self.quantity}"

    def takes(self, device: str, quantity: str) -> bool:
        """Whether a reading belongs to it."""
        return quantity == self.quantity and self.device in (ANY, device)


def _is_device(text: str) -> bool:
    kind, _, word = text.partition(".")
    return kind in KINDS and is_device_word(word)


def series(value: object) -> Series:
    words = value.split() if isinstance(value, str) else []
    if len(words) != 2 or not (words[0] == ANY or _is_device(words[0])):
        raise BadOptionError(
            'must be a sensor and its quantity such as "sensor.scale weight", or "* weight" for '
            f"all sensors, not {in_toml(value)}"
        )
    return Series(words[0], words[1])


def _device(value: object) -> str:
    if not isinstance(value, str) or not (value == ANY or _is_device(value)):
        raise BadOptionError(
            f'must be a device such as "sensor.scale", or "*", not {in_toml(value)}'
        )
    return value


def _event(value: object) -> str:
    known = {*EVENTS, *STEPS}
    if not isinstance(value, str) or value not in known:
        raise BadOptionError(f"is not an event: {in_toml(value)}{suggestion(str(value), known)}")
    return value


def _finding(value: object) -> str:
    if not isinstance(value, str) or value not in KINDS_OF_FINDINGS:
        near = suggestion(str(value), KINDS_OF_FINDINGS)
        raise BadOptionError(f"is not a kind of finding: {in_toml(value)}{near}")
    return value


def _absent(value: object) -> str | Series:
    if isinstance(value, str) and (value in (DATA, JOB, SERVICE) or _is_device(value)):
        return value
    try:
        found: Series | None = series(value)
    except BadOptionError:
        found = None
    if found is None or found.device == ANY:
        raise BadOptionError(
            f'must be "{DATA}", "{JOB}", "{SERVICE}", a device such as "camera.entrance", or a '
            f'quantity such as "sensor.scale weight", not {in_toml(value)}'
        )
    return found


def _title(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _TITLE or not value.isprintable():
        raise BadOptionError(
            f"must be a text of at most {_TITLE} characters on one line, not {in_toml(value)}"
        )
    return value


def _change(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < float(value) < float("inf"):  # type: ignore[arg-type]
        raise BadOptionError(f"must be a number greater than 0, not {in_toml(value)}")
    return float(value)  # type: ignore[arg-type]


@keyword_class
class Rule:
    """The options that all rules have.

    Times are in seconds.
    """

    name: str
    title: str | None = option(
        None, parse=_title, doc="The title of the messages. The default is the condition in words"
    )
    hold: float = option(
        0.0, parse=duration_within(most="7d"),
        doc="The time for which the condition must hold before there is a message"
    )
    settle: float = option(
        900.0, parse=duration_within(most="7d"),
        doc="The time for which it must be over before there is a closing message; 0s by default "
        "for a rule with ``absent``"
    )
    cooldown: float = option(
        3600.0, parse=duration_within(most="30d"),
        doc="The time after the closing message without another one"
    )
    urgent: bool = option(False, doc="Whether the quiet hours do not count for it")
    months: tuple[int, ...] = option(
        ALL_MONTHS, parse=hours.months,
        doc="The months in which it opens, such as ``[4, 5, 6]``. The default is all of them"
    )
    watches: ClassVar[str]

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that it names."""
        return ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Each problem between two options: the option, and the problem."""
        yield from ()


@keyword_class
class ValueRule(Rule):
    """A reading is below or above a value."""

    reading: Series = option(parse=series, doc=_READING)
    below: float | None = option(None, doc="The value below which the condition holds")
    above: float | None = option(None, doc="The value above which the condition holds")
    until: float | None = option(
        None, doc="The value at which it is over: more than ``below``, or less than ``above``"
    )
    watches: ClassVar[str] = "reading"

    @property
    def devices(self) -> tuple[str, ...]:
        return (self.reading.device,)

    @property
    def limit(self) -> float:
        """The value beyond which it holds."""
        return self.below if self.below is not None else self.above or 0.0

    def holds(self, value: float, before: bool) -> bool:
        """Whether it holds at this value, if it held ``before`` or not."""
        end = self.limit if self.until is None or not before else self.until
        return value < end if self.below is not None else value > end

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.below is None and self.above is None:
            yield "", 'needs "below" or "above"; or "falls" or "rises", and "within"'
        elif self.below is not None and self.above is not None:
            yield "above", 'a rule has either "below" or "above"; make two rules'
        elif self.until is None:
            yield "", (
                'needs "until", the value at which the condition is over; a distance from the '
                "limit keeps noise from ending it"
            )
        elif self.below is not None and not self.until > self.below:
            yield "until", f'"until" must be greater than "below", {self.below:g}'
        elif self.above is not None and not self.until < self.above:
            yield "until", f'"until" must be less than "above", {self.above:g}'


@keyword_class
class ChangeRule(Rule):
    """A reading falls or rises by so much within a time.

    Readings of an inspection do not count, and no change is seen across one.
    """

    reading: Series = option(parse=series, doc=_READING)
    falls: float | None = option(None, parse=_change, doc="The least fall, in the reading's unit")
    rises: float | None = option(None, parse=_change, doc="The least rise, in the reading's unit")
    within: float | None = option(
        None, parse=duration_within("1m", "2d"), doc="The time of the change"
    )
    until: float | None = option(
        None, parse=_change,
        doc="The change below which the condition is over. The default is half of it"
    )
    watches: ClassVar[str] = "reading"

    @property
    def devices(self) -> tuple[str, ...]:
        return (self.reading.device,)

    @property
    def least(self) -> float:
        """The change from which it holds."""
        return self.falls or self.rises or 0.0

    def holds(self, change: float, before: bool) -> bool:
        """Whether it holds with a change by so much in its direction."""
        return change >= ((self.until or self.least / 2) if before else self.least)

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.falls is not None and self.rises is not None:
            yield "rises", 'a rule has either "falls" or "rises"; make two rules'
        if self.falls is None and self.rises is None:
            yield "within", 'needs "falls" or "rises", the change within this time'
        elif self.within is None:
            yield "", 'needs "within", the time of the change, such as "6h"'
        if self.until is not None and self.least and not self.until < self.least:
            yield "until", f'"until" must be less than the change, {self.least:g}'


@keyword_class
class EventRule(Rule):
    """An event happens. There is one message, and none that closes it."""

    event: str = option(
        parse=_event, doc="The kind of the event, as ``beemon events`` lists it, or of the step of "
        "a scale, such as ``swarm``"
    )
    device: str = option(ANY, parse=_device, doc="The device of the event")
    grams: float | None = option(
        None, parse=_change, doc="The least change of weight, in g, of a scale's step"
    )
    watches: ClassVar[str] = "event"

    @property
    def devices(self) -> tuple[str, ...]:
        return (self.device,)

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.grams is not None and self.event not in (*STEPS, "weight"):
            steps = ", ".join(STEPS)
            yield "grams", f'"grams" is for the events of a scale: weight, {steps}'


@keyword_class
class FindingRule(Rule):
    """There is a finding about the colony. The closing message says that it was withdrawn.

    A finding that is not withdrawn within a day stays without a closing message.
    """

    finding: str = option(
        parse=_finding, doc="The kind of the finding, such as ``no-heat``: see beemon-reasons(7)"
    )
    device: str = option(ANY, parse=_device, doc="The device of the finding")
    watches: ClassVar[str] = "finding"

    @property
    def devices(self) -> tuple[str, ...]:
        return (self.device,)

    def takes(self, kind: str | None, device: str | None) -> bool:
        """Whether a finding of a kind about a device belongs to it."""
        return kind == self.finding and self.device in (ANY, device)


@keyword_class
class StateRule(Rule):
    """The service or a device is in a state."""

    state: str = option(
        doc="The state of the service: ``degraded``, ``hung`` or ``starting``. For a device: one "
        "of beemon-reasons(7), or ``trouble`` for all that are bad"
    )
    device: str | None = option(
        None, parse=_device, doc="The device, or ``*`` for each. The default is the service"
    )
    watches: ClassVar[str] = "state"

    @property
    def devices(self) -> tuple[str, ...]:
        return (self.device,) if self.device else ()

    def problems(self) -> Iterator[tuple[str, str]]:
        known = SERVICE_STATES if self.device is None else DEVICE_STATES
        if self.state not in known:
            subject = "the service" if self.device is None else "a device"
            near = suggestion(self.state, known, f"; known: {', '.join(known)}")
            yield "state", f"{in_toml(self.state)} is no state of {subject}{near}"


@keyword_class
class AbsenceRule(Rule):
    """Something has not come for a time.

    The time is counted from when it came last. If its next scheduled job was due later than that,
    the time is counted from there.
    """

    absent: str | Series = option(
        parse=_absent, doc="``data``: any value or recording; ``job``: a scheduled job that was "
        "done; ``service``: an answer of the recording service; a device; or a sensor and its "
        'quantity, such as ``"sensor.scale weight"``'
    )
    after: float = option(
        1800.0, parse=duration_within("5s", "7d"), doc="The longest time without it"
    )
    since: time | None = option(
        None, parse=hours.time_of_day, doc='A time of day such as ``"06:00"``: the condition is '
        "that nothing has come since then"
    )
    settle: float = option(
        0.0, parse=duration_within(most="7d"),
        doc="The time for which it must be over before there is a closing message"
    )
    watches: ClassVar[str] = "absent"

    @property
    def devices(self) -> tuple[str, ...]:
        if isinstance(self.absent, Series):
            return (self.absent.device,)
        return () if self.absent in (DATA, JOB, SERVICE) else (self.absent,)


FORMS: tuple[type[Rule], ...] = (
    ValueRule, ChangeRule, EventRule, FindingRule, StateRule, AbsenceRule,
)
"""Every kind of rule, for the manual."""
