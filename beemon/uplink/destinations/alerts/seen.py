"""Seen: the input of the engine, and the messages that it returns. All of it is plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import tzinfo
from typing import NamedTuple

from beemon.base.values import value_class

OPENED, CLOSED, DIGEST = "opened", "closed", "digest"


class Now(NamedTuple):
    """This instant.

    ``steady_us`` counts microseconds by the monotonic clock within a boot, and never backwards from
    one boot to the next. Setting the wall clock, ``utc_us``, does not change it.
    """

    steady_us: int
    utc_us: int
    zone: tzinfo

    def steady(self, utc_us: int) -> int:
        """The steady time of a moment by the present wall clock; a future one counts as now."""
        return min(self.steady_us, self.steady_us - (self.utc_us - utc_us))

    def utc(self, steady_us: int) -> int:
        """The moment by the present wall clock."""
        return self.utc_us - (self.steady_us - steady_us)


@value_class
class Measured:
    """A reading of a job; it has no ``value`` if there is only a reason."""

    device: str
    quantity: str
    unit: str
    value: float | None
    quality: str | None
    utc_us: int


@value_class
class Worked:
    """A device did a job; ``is_scheduled``: its schedule asked for it."""

    device: str
    utc_us: int
    is_scheduled: bool


@value_class
class Found:
    """A finding: its kind, whether it is taken back, and a text that all findings about the same
    matter have in common."""

    kind: str
    is_withdrawn: bool
    matter: str


@value_class
class Happened:
    """An event; ``step`` and ``grams`` are those of a scale, ``found`` is that of a finding."""

    kind: str
    device: str | None
    message: str
    utc_us: int
    step: str | None = None
    grams: float | None = None
    found: Found | None = None

    @property
    def identity(self) -> str:
        """The same for the same event, also in a rebuilt ledger."""
        return f"{self.kind} {self.device} {self.message}"


@value_class
class Heard:
    """The recording service's own report: its state, its devices' states, and its problems.

    ``next_us`` is the time until the next scheduled job of each device, in microseconds.
    """

    state: str
    devices: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    device_troubles: Mapping[str, str] = field(default_factory=dict)
    next_us: Mapping[str, int] = field(default_factory=dict)
    is_inspection: bool = False


@value_class
class Message:
    """A message to people; ``word`` is ``opened``, ``closed``, ``digest`` or ``test``.

    ``key`` is the rule, and the device if the rule watches several.
    """

    key: str
    rule: str
    word: str
    title: str
    body: str
    utc_us: int
