"""Reports: messages from the Orchestrator to the Server, in one queue that only goes up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from beemon.base.options import Problem
from beemon.base.status import DeviceState, DeviceStatus, InspectionStatus, PowerStatus
from beemon.base.values import value_class
from beemon.protocol.replies import JobFacts


@value_class
class Started:
    """The Orchestrator runs, with every device's settings checked."""


@value_class
class Rejected:
    """The Orchestrator cannot run with these settings; it ends."""

    problems: list[Problem]


@value_class
class Trouble:
    """One problem of the service.

    ``about`` is one word that only one open problem has. ``says`` is the problem in words.
    ``remedy`` is the next command or act.
    """

    about: str
    says: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.says}; {self.remedy}" if self.remedy else self.says


@value_class
class Heartbeat:
    """Proof that the loop turns: when (monotonic seconds) and how everything stood then."""

    monotonic: float
    devices: Mapping[str, DeviceStatus] = field(default_factory=dict)
    running: dict[int, str] = field(default_factory=dict)
    waiting: int = 0
    troubles: tuple[Trouble, ...] = ()
    inspection: InspectionStatus | None = None
    power: PowerStatus | None = None

    def trouble(self, about: str) -> Trouble | None:
        """The trouble with this, if there is one."""
        return next((trouble for trouble in self.troubles if trouble.about == about), None)


@value_class
class Planned:
    """The bytes per day that the config needs, by device, as the drivers estimate it."""

    bytes_a_day: dict[str, float]


@value_class
class JobEnded:
    """A job has its outcome, and the ledger has it too."""

    facts: JobFacts


@value_class
class DeviceChanged:
    """A device's state or trouble became another."""

    device: str
    state: DeviceState
    trouble: str | None


@value_class
class Replaced:
    """Another version of beemon was installed: a new worker would be of that one."""


@value_class
class Stopped:
    """The Orchestrator brought everything to an end and is about to exit."""


Report = Started | Rejected | Heartbeat | Planned | JobEnded | DeviceChanged | Replaced | Stopped
