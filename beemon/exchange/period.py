"""A period of an archive: from one moment to another, as a person types them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from beemon.base import since
from beemon.base.moments import to_datetime, to_microseconds

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Period:
    """From ``from_us`` to before ``until_us``, microseconds since 1970 (UTC); ``name`` says it in
    a file's name."""

    from_us: int
    until_us: int
    name: str


def parse(first: str, last: str | None = None, zone: tzinfo = UTC) -> Period:
    """The period from ``first`` through ``last``: days, both whole, or moments.

    A day is ``2026-06-01``, ``today`` or ``yesterday``. A moment is ``2026-06-01T06:30`` (with
    seconds, if you like), or so long ago: ``12h``, ``7d``, ``4w``. Both are of the zone, or have
    another offset: ``2026-06-01T06:30+02:00``. A day alone is that day, a moment alone continues
    until now. Raises ``ValueError``.
    """
    now = datetime.now(UTC)
    first, last = _fixed(first, now, zone), last and _fixed(last, now, zone)
    from_us, after_first = _span(first, zone)
    if last is not None:
        until_us = _span(last, zone)[1]
    elif _DAY.fullmatch(first):
        until_us = after_first
    else:
        until_us = to_microseconds(now)
    if until_us <= from_us:
        raise ValueError(f"{last or first} is not later than {first}")
    return Period(from_us, until_us, "--".join(map(_file_word, filter(None, (first, last)))))


def _fixed(text: str, now: datetime, zone: tzinfo) -> str:
    """The same as a date or a time, if it was written as one that moves."""
    if day := since.day_of(text, to_microseconds(now), zone):
        return day.isoformat()
    begin_us = since.begin_us(text, to_microseconds(now), zone)
    if begin_us is None:
        return text
    return to_datetime(begin_us, zone).isoformat(timespec="minutes")


def _span(text: str, zone: tzinfo) -> tuple[int, int]:
    """The beginning and the end of a day or a moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f'"{text}" is neither a day such as 2026-06-01 nor a time such as 2026-06-01T06:30'
        ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    length = timedelta(days=1) if _DAY.fullmatch(text) else timedelta(0)
    return to_microseconds(moment), to_microseconds(moment + length)


def _file_word(text: str) -> str:
    return text.replace(":", "-")
