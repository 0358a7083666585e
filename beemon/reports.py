"""Reports: what the Orchestrator tells the Server. They go up only, in one queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Started:
    """The Orchestrator runs, with every device's settings checked."""


@dataclass(frozen=True)
class Rejected:
    """The Orchestrator cannot run with these settings; it ends."""

    problems: list[Any]


@dataclass(frozen=True)
class Heartbeat:
    """Proof that the loop turns: when (monotonic seconds) and how everything stood then."""

    monotonic: float
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: dict[int, str] = field(default_factory=dict)
    waiting: int = 0
    trouble: str | None = None
    disk_trouble: str | None = None
    inspection: dict[str, Any] | None = None


@dataclass(frozen=True)
class Planned:
    """How many bytes a day the config asks for, by device, as its drivers estimate it."""

    bytes_a_day: dict[str, float]


@dataclass(frozen=True)
class JobEnded:
    """A job has its outcome, and the ledger has it too."""

    job: int
    facts: dict[str, Any]


@dataclass(frozen=True)
class DeviceChanged:
    """A device's state or trouble became another."""

    device: str
    state: str
    trouble: str | None


@dataclass(frozen=True)
class Stopped:
    """The Orchestrator brought everything to an end and is about to exit."""


Report = Started | Rejected | Heartbeat | Planned | JobEnded | DeviceChanged | Stopped
