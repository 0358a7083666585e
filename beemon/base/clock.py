"""Time: clock readings, and how reliable each one is.

Wall-clock time is UTC in whole microseconds since 1970. Intervals are measured on the monotonic
clock, in seconds. A Pi without a battery-backed clock starts with a wrong date, so each record also
has the boot id and the quality of the clock.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from beemon.base.moments import US_PER_SECOND, iso

JUMP_SECONDS = 1.0
"""From this change against the monotonic clock on, the wall clock counts as set."""

CONFIRMED = "clock-is-synchronised"
TOLD = "clock-is-right"
"""Files in the service's runtime directory, which ends with the boot, or when the service stops."""

_TIMESYNC_MARK = "run/systemd/timesync/synchronized"
_RTC = "sys/class/rtc/rtc0"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_DAY_SECONDS = 86400
_EARLIEST = 1_767_225_600  # 2026-01-01: no beemon is older than that
_MAXIMUM_ERROR_US = 16 * US_PER_SECOND
"""At this error the kernel gives the time up (NTP_PHASE_LIMIT in its include/linux/timex.h)."""


class Quality(StrEnum):
    """The source of the wall clock's time.

    ``TOLD``: an operator set it, or looked at it, and said that it is right. ``REDATED``: an unsure
    clock dated the record; once the clock was right, within the same boot, the record was dated
    again by its monotonic time. ``IMPORTED``: another system made the record, and how right its
    clock was is unknown.
    """

    SYNCHRONISED = "synchronised"
    TOLD = "told"
    RTC = "rtc"
    UNSURE = "unsure"
    REDATED = "redated"
    IMPORTED = "imported"


class Moment(NamedTuple):
    """One instant on both clocks."""

    utc_us: int
    monotonic: float

    @property
    def offset_us(self) -> int:
        """The time at which the monotonic clock was 0, in microseconds since 1970."""
        return self.utc_us - round(self.monotonic * 1e6)


class Stamp(NamedTuple):
    """When something was: an instant on both clocks, and how far the wall clock was right then."""

    utc_us: int
    monotonic: float
    quality: Quality

    @property
    def offset_us(self) -> int:
        """The time at which the monotonic clock was 0, in microseconds since 1970."""
        return self.utc_us - round(self.monotonic * 1e6)


class Clock(Protocol):
    """A source of time: the computer's clocks, or those of a simulated year."""

    def now(self) -> Moment:
        """This instant."""

    def stamp(self) -> Stamp:
        """This instant, for a record."""

    def boot_id(self) -> str:
        """The name of this boot: the monotonic clock counts within it."""


def now() -> Moment:
    """This instant."""
    return Moment(time.time_ns() // 1000, time.monotonic())


def stamp() -> Stamp:
    """This instant, for a record."""
    return Stamp(*now(), quality())


class _MachineClock:
    """The clocks of this machine."""

    def now(self) -> Moment:
        return now()

    def stamp(self) -> Stamp:
        return stamp()

    def boot_id(self) -> str:
        return boot_id()


MACHINE: Clock = _MachineClock()


class Change(NamedTuple):
    """The wall clock at ``at`` was set by ``seconds`` (0: it was not), or is of another quality."""

    at: Stamp
    before: Stamp
    seconds: float

    @property
    def made_sure(self) -> bool:
        """Whether the clock became right."""
        return self.before.quality is Quality.UNSURE and self.at.quality is not Quality.UNSURE


class ClockWatch:
    """Notices that the wall clock was set, or is believed more or less than before."""

    def __init__(self, first: Stamp) -> None:
        self._last = first

    def find_change(self, at: Stamp) -> Change | None:
        """The change since the previous look; None if there is none."""
        before, self._last = self._last, at
        seconds = (at.offset_us - before.offset_us) / 1e6
        if abs(seconds) < JUMP_SECONDS:
            seconds = 0.0
        if not seconds and at.quality is before.quality:
            return None
        return Change(at, before, seconds)


def kernel_error_us() -> int | None:
    """The kernel's estimate of the wall clock's error, in microseconds; None if unknown.

    A time service (chrony, ntpd, systemd-timesyncd) reports its accuracy to the kernel. The kernel
    then adds 500 µs per second, and forgets the estimate when the time is set by hand. systemd's
    ``timedatectl`` uses the same number (adjtimex(2), ``maxerror``). A sandbox may refuse the call.
    """
    return _ask_kernel()()


@functools.cache
def _ask_kernel() -> Callable[[], int | None]:
    import ctypes  # a client asks for no record's time

    # The call takes less time than to let go of the interpreter and to get it back; so one struct
    # serves all threads.
    adjtimex = ctypes.PyDLL(None).adjtimex
    struct_timex = (ctypes.c_long * 64)()  # modes (0: only tell), offset, freq, maxerror, …
    return lambda: None if adjtimex(struct_timex) < 0 else struct_timex[3]


def mark(name: str) -> Path | None:
    """The service's mark of that name, for all of its processes; None without a unit."""
    folder = os.environ.get("RUNTIME_DIRECTORY")
    return _file(folder, name) if folder else None


@functools.cache
def _file(folder: str | Path, name: str) -> Path:
    return Path(folder, name)


def believe(at: Moment) -> Quality:
    """Take an operator's word that the wall clock is right, for the rest of this boot.

    Returns its quality from then on. Raises ``ValueError`` for a time that cannot be right, or
    without a runtime directory, and ``OSError``.
    """
    if at.utc_us < _EARLIEST * US_PER_SECOND:
        raise ValueError(f"the clock says {iso(at.utc_us)}: set it first, with `sudo date -s`")
    told = mark(TOLD)
    if told is None:
        raise ValueError("a service without its unit has no runtime directory to keep it in")
    told.touch()
    return quality()


def quality(
    root: Path = Path("/"), error_us: Callable[[], int | None] = kernel_error_us
) -> Quality:
    """The present reliability of the wall clock.

    systemd-timesyncd leaves a mark for the rest of the boot. Other time services report to the
    kernel, or systemd is asked if the kernel may not be.
    """
    if os.access(_file(root, _TIMESYNC_MARK), os.F_OK) or _is_marked(CONFIRMED):
        return Quality.SYNCHRONISED
    error = error_us()
    if error is not None and error < _MAXIMUM_ERROR_US:
        return Quality.SYNCHRONISED
    if _is_marked(TOLD):
        return Quality.TOLD
    return Quality.RTC if _set_by_rtc(root) else Quality.UNSURE


def _is_marked(name: str) -> bool:
    found = mark(name)
    return found is not None and os.access(found, os.F_OK)


@functools.cache
def _set_by_rtc(root: Path) -> bool:
    """Whether the kernel took the time from a battery clock while it booted, and rightly so.

    One whose battery is empty tells the past; then systemd or fake-hwclock set the time to the
    last one they knew, which the battery clock does not know of.
    """
    rtc = root / _RTC
    try:
        took_it = (rtc / "hctosys").read_text().strip() == "1"
        tells = int((rtc / "since_epoch").read_text())
    except (OSError, ValueError):
        return False
    return took_it and tells >= _EARLIEST and abs(tells - time.time()) < _DAY_SECONDS


@functools.cache
def boot_id() -> str:
    """The kernel's name for this boot: the monotonic clock counts within it."""
    return _BOOT_ID.read_text().strip()
