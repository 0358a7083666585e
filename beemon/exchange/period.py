"""A period of an archive: from one moment to another, as a person types them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from beemon.base import since
from beemon.base.clock import now
from beemon.base.moments import LATEST_US, to_datetime, to_microseconds


class BadPeriodError(ValueError):
    """The text is not a period."""


@dataclass(frozen=True)
class Period:
    """From ``from_us`` to before ``until_us``, microseconds since 1970 (UTC); ``name`` says it in
    a file's name."""

    from_us: int
    until_us: int
    name: str


def check(*written: str | None) -> None:
    """Raise :class:`BadPeriodError` if one of these is neither a day nor a moment in any zone."""
    for one in filter(None, written):
        _span(one, now().utc_us, UTC)


def parse(first: str, last: str | None = None, zone: tzinfo = UTC) -> Period:
    """The period from ``first`` through ``last``, each as :mod:`beemon.base.since` has it.

    Days are whole. A day alone is that day, a moment alone continues until now. Raises
    :class:`BadPeriodError`.
    """
    now_us = now().utc_us
    from_us, end_us, name = _span(first, now_us, zone)
    until_us = now_us if end_us is None else end_us
    if last is not None:
        last_us, end_us, last_name = _span(last, now_us, zone)
        until_us, name = last_us if end_us is None else end_us, f"{name}--{last_name}"
    if until_us <= from_us:
        why = f"{last} is not later than {first}" if last else f"{first} is in the future"
        raise BadPeriodError(why)
    return Period(from_us, until_us, name)


def _span(written: str, now_us: int, zone: tzinfo) -> tuple[int, int | None, str]:
    """The begin of a day or a moment, the end of a day, and its name in a file's name."""
    begin_us = since.begin_us(written, now_us, zone)
    if begin_us is None:
        raise BadPeriodError(f'"{written}" is not {since.FORMS}')
    if day := since.day_of(written, now_us, zone):
        is_last = day == date.max
        end = None if is_last else datetime.combine(day + timedelta(days=1), time(), zone)
        return begin_us, to_microseconds(end) if end else LATEST_US, day.isoformat()
    moment = to_datetime(begin_us, zone).isoformat(timespec="seconds")
    return begin_us, None, moment.replace(":", "-")
