"""Texts: the messages in plain English. They hold no position, no sound and no secret."""

from __future__ import annotations

from datetime import tzinfo

from beemon.base.moments import US_PER_SECOND, to_datetime
from beemon.uplink.destinations.alerts.memory import Watch
from beemon.uplink.destinations.alerts.rules import (
    DATA,
    JOB,
    SERVICE,
    AbsenceRule,
    ChangeRule,
    EventRule,
    FindingRule,
    Rule,
    Series,
    StateRule,
    ValueRule,
)
from beemon.uplink.destinations.alerts.seen import Now

_MOST = 1500
"""Characters of a text: some services take no more than 2,000, with the link."""
_ABSENT = {
    DATA: "Nothing was measured or recorded",
    JOB: "No scheduled job was done",
    SERVICE: "The recording service has not answered",
}
_BACK = {
    DATA: "The hive measures and records again",
    JOB: "Scheduled jobs are done again",
    SERVICE: "The recording service answers again",
}


def amount(value: float, unit: str) -> str:
    """A value in a unit that people use: ``40.58 kg``, ``31.2 °C``."""
    if unit == "g" and abs(value) >= 1000:
        return f"{value / 1000:.2f} kg"
    return f"{value:.4g} {unit}".rstrip()


def span(seconds: float) -> str:
    """``45 s``, ``30 min``, ``6 h``, ``2 h 10 min``, ``3 d 4 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    for large, name, small, smaller in ((1440, "d", 60, "h"), (60, "h", 1, "min")):
        if minutes >= large:
            rest = minutes % large // small
            return f"{minutes // large} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{minutes} min"


def clock_time(utc_us: int, now: Now) -> str:
    """A moment on the clocks of the hive: ``10:42``, or ``10:42 on 27 Nov`` of another day."""
    return _clock_time(utc_us, now.utc_us, now.zone)


def _clock_time(utc_us: int, now_us: int, zone: tzinfo) -> str:
    at, today = to_datetime(utc_us, zone), to_datetime(now_us, zone).date()
    return f"{at:%H:%M}" if at.date() == today else f"{at:%H:%M} on {at.day} {at:%b}"


def condition(rule: Rule, unit: str = "") -> str:
    """The condition of a rule in words; with the unit of its reading, if that is known."""
    if isinstance(rule, ValueRule):
        return f"{_reading(rule.reading)} is {_side(rule)} {_limit(rule.limit, unit)}"
    if isinstance(rule, ChangeRule):
        verb, least = "falls" if rule.falls is not None else "rises", _limit(rule.least, unit)
        return f"{_reading(rule.reading)} {verb} by {least} within {span(rule.within or 0)}"
    if isinstance(rule, EventRule):
        size = f" of at least {amount(rule.grams, 'g')}" if rule.grams else ""
        return f"the event {rule.event}{size} happens"
    if isinstance(rule, FindingRule):
        return f"there is a finding of the kind {rule.finding}"
    if isinstance(rule, StateRule):
        subject = {None: "the service", "*": "a device"}.get(rule.device, rule.device)
        return f"{subject} is {_state(rule.state)}"
    assert isinstance(rule, AbsenceRule)
    since = "" if rule.since is None else f", counted from {rule.since:%H:%M}"
    return f"{_missing(rule.absent)} for {span(rule.after)}{since}"


def _side(rule: ValueRule) -> str:
    return "below" if rule.below is not None else "above"


def _limit(value: float, unit: str) -> str:
    """A value of the config: ``20.5 kg``, ``32 °C``."""
    if unit == "g" and abs(value) >= 1000:
        return f"{value / 1000:g} kg"
    return f"{value:g} {unit}".rstrip()


def _reading(series: Series) -> str:
    return f"the {series.quantity} of any sensor" if series.device == "*" else str(series)


def _missing(absent: str | Series) -> str:
    kind = "value of" if isinstance(absent, Series) else "job by"
    return {
        DATA: "nothing is measured or recorded", JOB: "no scheduled job is done",
        SERVICE: "the recording service does not answer",
    }.get(str(absent), f"there is no {kind} {absent}")


def _state(state: str) -> str:
    return "in trouble" if state == "trouble" else state


class Words:
    """The messages of one hive; with a ``link`` to its page, if it has an address."""

    def __init__(self, hive: str, link: str | None) -> None:
        self._hive = hive
        self._link = link

    def opened(self, rule: Rule, watch: Watch, now: Now) -> tuple[str, str]:
        """The title and the text of the first message."""
        return f"{self._hive}: {self._headline(rule, watch)}", self._text(_told(rule, watch, now))

    def closed(self, rule: Rule, watch: Watch, now: Now) -> tuple[str, str]:
        """The title and the text of the closing message."""
        title = f"{self._hive}: over: {self._headline(rule, watch)}"
        return title, self._text(_ended(rule, watch, now))

    def message(self, title: str, text: str) -> tuple[str, str]:
        """Another message."""
        return f"{self._hive}: {title}", self._text(text)

    def _text(self, text: str) -> str:
        short = text if len(text) <= _MOST else f"{text[:_MOST]}…"
        return f"{short}\n{self._link}" if self._link else short

    def _headline(self, rule: Rule, watch: Watch) -> str:
        title = rule.title or condition(rule, watch.unit)
        is_named = not watch.device or watch.device in title
        return title if is_named else f"{title} ({watch.device})"


def _told(rule: Rule, watch: Watch, now: Now) -> str:
    if isinstance(rule, EventRule):
        again = f" It is the latest of {watch.count} such events." if watch.count > 1 else ""
        return f"At {clock_time(watch.value_utc, now)}: {watch.detail}.{again}"
    if isinstance(rule, FindingRule):
        return watch.detail
    began = clock_time(watch.began_utc, now)
    if isinstance(rule, AbsenceRule):
        lasting = span((now.utc_us - watch.began_utc) / US_PER_SECOND)
        subject = _ABSENT.get(str(rule.absent), f"Nothing came from {rule.absent}")
        return f"{subject} since {began} ({lasting})."
    if isinstance(rule, StateRule):
        subject = watch.device or "The service"
        detail = f" {watch.detail}" if watch.detail else ""
        return f"{subject} has been {_state(rule.state)} since {began}.{detail}"
    return f"{_value(rule, watch, now)} {_extent(rule, watch, is_over=False)} since {began}."


def _value(rule: Rule, watch: Watch, now: Now) -> str:
    assert isinstance(rule, ValueRule | ChangeRule)
    value = amount(watch.value or 0.0, watch.unit)
    return f"{watch.device} {rule.reading.quantity}: {value} at {clock_time(watch.value_utc, now)}."


def _extent(rule: Rule, watch: Watch, *, is_over: bool) -> str:
    if isinstance(rule, ValueRule):
        verb, limit = "was" if is_over else "has been", _limit(rule.limit, watch.unit)
        return f"It {verb} {_side(rule)} {limit}"
    assert isinstance(rule, ChangeRule)
    falls, within = rule.falls is not None, span(rule.within or 0)
    if is_over:
        verb, least = "fell" if falls else "rose", _limit(rule.least, watch.unit)
        return f"It {verb} by {least} or more within {within}"
    verb, change = "fallen" if falls else "risen", amount(watch.change or 0.0, watch.unit)
    return f"It has {verb} by {change} within {within}, and by enough for a message"


def _ended(rule: Rule, watch: Watch, now: Now) -> str:
    if isinstance(rule, FindingRule):
        return watch.detail
    began, ended = clock_time(watch.began_utc, now), clock_time(watch.ended_utc, now)
    if isinstance(rule, AbsenceRule):
        subject = _BACK.get(str(rule.absent), f"{rule.absent} is back")
        return f"{subject}, since {ended}. There was nothing from {began} on."
    if isinstance(rule, StateRule):
        subject = watch.device or "The service"
        return f"{subject} was {_state(rule.state)} from {began} to {ended}."
    return (
        f"{_value(rule, watch, now)} {_extent(rule, watch, is_over=True)} from {began} to {ended}."
    )
