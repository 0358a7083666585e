"""Memory: the state of the rules and of the outbox between runs, and its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.facts import from_json
from beemon.uplink import kept
from beemon.uplink.destinations.alerts.seen import Now

Points = tuple[tuple[float, ...], ...]
"""Readings in order of time: pairs of the steady time in microseconds and the value."""


@dataclass
class Watch:
    """The condition of one rule for one device. All times named ``utc`` are of the wall clock.

    ``holds`` is the condition with its hysteresis, by the latest reading; ``contrary_us`` is the
    steady time since which it differs from ``is_open``; ``is_told``: the last message said that it
    is open. ``matter`` is that of the latest finding.
    """

    device: str = ""
    holds: bool = False
    contrary_us: int | None = None
    is_open: bool = False
    is_told: bool = False
    began_utc: int = 0
    ended_utc: int = 0
    quiet_since_us: int | None = None
    value: float | None = None
    change: float | None = None
    unit: str = ""
    value_utc: int = 0
    detail: str = ""
    count: int = 0
    matter: str = ""


@dataclass
class Delivery:
    """A message on its way to one address: its ``state`` and the time of the next attempt.

    In the state ``sending`` an attempt has begun; after a crash, its result is unknown.
    ``unknowns`` is the number of attempts with an unknown result.
    """

    state: str = "waiting"
    attempts: int = 0
    unknowns: int = 0
    next_us: int = 0


@dataclass
class Letter:
    """A message in the outbox. ``to`` has the addresses' short hashes; None: not looked up yet."""

    number: int
    key: str
    rule: str
    word: str
    title: str
    body: str
    made_us: int
    to: dict[str, Delivery] = field(default_factory=dict)
    is_addressed: bool = False


@dataclass
class Memory:
    """Everything that is kept.

    ``newest`` has the steady time of the latest reading of each series, ``happened`` those of the
    events of a day. ``last`` has the steady time at which each subject was last seen, and ``due``
    that of its first scheduled job that brought nothing. ``told`` are the addresses that know of an
    open rule.
    """

    steady_us: int = 0
    utc_us: int = 0
    monotonic: float = 0.0
    boot: str = ""
    boot_us: int = 0
    archive: str = ""
    newest: dict[str, int] = field(default_factory=dict)
    happened: dict[str, tuple[int, ...]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    windows: dict[str, Points] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    log: tuple[str, ...] = ()
    due: dict[str, int] = field(default_factory=dict)
    number: int = 0
    digest_utc: int = 0
    ping_us: int | None = None
    ping_failed: bool = False

    def advance(self, at: Moment, boot: str, zone: tzinfo) -> Now:
        """Let time pass until this moment, and return it."""
        if self.boot == boot:
            passed = round((at.monotonic - self.monotonic) * 1e6)
        else:
            passed = at.utc_us - self.utc_us if self.boot else 0
        self.steady_us += max(0, passed)
        if self.boot != boot:
            self.boot_us = self.steady_us
        self.utc_us, self.monotonic, self.boot = at.utc_us, at.monotonic, boot
        return Now(self.steady_us, at.utc_us, zone)


def load(file: Path) -> Memory:
    """The memory in a file; a new one if there is none, or if it cannot be read."""
    try:
        return from_json(Memory, kept.read(file))
    except ValueError:
        return Memory()


def keeper(file: Path) -> kept.Keeper:
    """The keeper of that file."""
    return kept.Keeper(file, "messages are sent, but perhaps a second time after a restart")
