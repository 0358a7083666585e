"""Moments: microseconds since 1970, as every record holds them, and what a person or Python says.

A moment is UTC and whole microseconds; this is the one place that turns it into a ``datetime`` or
into text, and back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

US_PER_SECOND = 1_000_000
US_PER_MINUTE = 60 * US_PER_SECOND
US_PER_HOUR = 60 * US_PER_MINUTE
US_PER_DAY = 24 * US_PER_HOUR

EARLIEST_US, LATEST_US = -62_135_510_400_000_000, 253_402_214_400_000_000
"""The first and the last time that has a date in every time zone: 0001-01-02 and 9999-12-31."""

_TO_SECONDS = len("2026-06-01T12:00:00")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(utc_us: int, zone: tzinfo = UTC) -> datetime:
    """Microseconds since 1970 as an aware datetime, in UTC or on the clocks of a zone.

    Raises ``OverflowError`` for a time outside :data:`EARLIEST_US` to :data:`LATEST_US`.
    """
    moment = _EPOCH + timedelta(microseconds=utc_us)
    return moment if zone is UTC else moment.astimezone(zone)


def to_microseconds(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return span_us(moment - _EPOCH)


def span_us(span: timedelta) -> int:
    """A length of time in microseconds."""
    return span // timedelta(microseconds=1)


def from_iso(text: str) -> int:
    """A time with its zone, as :func:`iso` writes it, in microseconds since 1970.

    Raises ``ValueError`` for a text that is no time, and ``TypeError`` for a time without a zone.
    """
    return to_microseconds(datetime.fromisoformat(text))


def iso(utc_us: int) -> str:
    """``2026-06-01T12:00:00.000Z`` for a time in microseconds since 1970.

    A time outside :data:`EARLIEST_US` to :data:`LATEST_US` is reported as its number.
    """
    return _in_utc(utc_us)


def formatter(zone: tzinfo | None = None) -> Callable[[int], str]:
    """A function like :func:`iso`; with a ``zone`` it returns local times and their offset."""
    @lru_cache(16)
    def second(number: int) -> tuple[str, str]:
        text = to_datetime(number * US_PER_SECOND, zone or UTC).isoformat()
        return text[:_TO_SECONDS], "Z" if zone is None else text[_TO_SECONDS:]

    def formatted(utc_us: int) -> str:
        if not EARLIEST_US <= utc_us <= LATEST_US:
            return f"{utc_us} us"
        number, rest_us = divmod(utc_us, US_PER_SECOND)
        begin, end = second(number)
        return f"{begin}.{rest_us // 1000:03}{end}"

    return formatted


def clock_text(moment: datetime) -> str:
    """An aware datetime as people write it: ``2026-06-01 14:00:00 +02:00``; in UTC with a Z."""
    text = moment.isoformat(" ", "seconds")
    offset = "Z" if moment.tzname() == "UTC" else f" {text[_TO_SECONDS:]}"
    return f"{text[:_TO_SECONDS]}{offset}"


_in_utc = formatter()
