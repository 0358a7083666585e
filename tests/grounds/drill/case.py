"""A case: a fault under one device, and what the service is to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Act = Callable[[], None]
Victim = Callable[[], int | None]


def nothing() -> None:
    """For a fault that comes and goes by itself."""


@dataclass(frozen=True)
class Case:
    """``begin`` and ``end`` bring the fault and take it away; ``what`` says what it is.

    ``reason`` is what the ledger is to say (``also``: or that, on a busy machine), ``tier`` the
    last tier of recovery that is to answer. Without a reason the fault cannot be told from good
    work, and ``zero`` are the quantities that must stand at zero. ``lies`` are the quantities that
    have no value meanwhile, all by default; ``lag`` is for how many seconds they may have one.
    ``victim`` tells the process to be killed under the request, once it is there. ``lasts``: the
    fault is never taken away.
    """

    fault: str
    what: str
    reason: str | None
    tier: str | None = "reopened"
    begin: Act = nothing
    end: Act = nothing
    lies: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    lag: float = 0.0
    victim: Victim | None = None
    lasts: bool = False
    brief: bool = False
    also: str = ""


@dataclass
class Rig:
    """A device over its fake, as the config has it, and its cases.

    Devices of one ``line`` are drilled one after the other, since they share a worker; a recorder
    is asked for so many ``seconds``.
    """

    device: str
    driver: str
    config: str
    cases: list[Case]
    line: str = ""
    seconds: int = 1

    def __post_init__(self) -> None:
        self.line = self.line or self.device


@dataclass
class Good:
    """A device that is well all the time, and what its config says."""

    device: str
    config: str


@dataclass
class Stand:
    """What one kind of fake brings: devices, and what the service must find around it.

    ``lacking``: why this machine cannot have it.
    """

    rigs: list[Rig] = field(default_factory=list)
    good: list[Good] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    close: Act = nothing
