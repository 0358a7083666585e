"""What time it is, and how far that can be believed.

Wall-clock time is UTC in whole microseconds since 1970; spans are measured on the monotonic
clock, in seconds. A Pi without a battery clock starts in the past, so each record also carries
the boot id and the clock's quality.
"""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

_TIMESYNC_MARK = "run/systemd/timesync/synchronized"
_RTC_SET_CLOCK = "sys/class/rtc/rtc0/hctosys"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Quality(StrEnum):
    """Where the wall clock's time comes from."""

    SYNCHRONISED = "synchronised"
    RTC = "rtc"
    UNSURE = "unsure"


class Moment(NamedTuple):
    """One instant on both clocks."""

    utc_us: int
    monotonic: float


class Stamp(NamedTuple):
    """When something was: an instant on both clocks, and how far the wall clock was right then."""

    utc_us: int
    monotonic: float
    quality: Quality


def now() -> Moment:
    """This instant."""
    return Moment(time.time_ns() // 1000, time.monotonic())


def stamp() -> Stamp:
    """This instant, for a record."""
    return Stamp(*now(), quality())


def quality(root: Path = Path("/")) -> Quality:
    """How far the wall clock can be believed just now (systemd-timesyncd, a battery clock)."""
    if (root / _TIMESYNC_MARK).exists():
        return Quality.SYNCHRONISED
    return Quality.RTC if _set_by_rtc(root / _RTC_SET_CLOCK) else Quality.UNSURE


@functools.cache
def _set_by_rtc(mark: Path) -> bool:
    """Whether the kernel took the time from a battery clock; decided once, while it boots."""
    try:
        return mark.read_text().strip() == "1"
    except OSError:
        return False


@functools.cache
def boot_id() -> str:
    """The kernel's name for this boot: the monotonic clock counts within it."""
    return _BOOT_ID.read_text().strip()


def iso(utc_us: int) -> str:
    """``2026-06-01T12:00:00.000Z`` for a time in microseconds since 1970."""
    moment = datetime.fromtimestamp(utc_us / 1e6, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
