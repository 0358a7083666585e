"""The power profile's decision: which stage the values of one quantity ask for."""

from __future__ import annotations

from beemon.base.status import PowerStage
from beemon.config.power import PowerSettings


class Profile:
    """Decides on the stage, value by value. Times are monotonic seconds.

    Each stage of the settings begins and ends for itself, after its condition has held for a
    while. The one that saves most is in force. The first value begins a stage at once, because no
    earlier value contradicts it. A battery that is empty at the start is therefore not used at full
    power until the condition has held.
    """

    def __init__(self, settings: PowerSettings, stage: PowerStage = PowerStage.FULL) -> None:
        self._settings = settings
        self._in_force = {s: stage.includes(s) for s in settings.stages}
        self._since: dict[PowerStage, float] = {}
        self._is_first = True

    @property
    def stage(self) -> PowerStage:
        """The stage that is in force."""
        in_force = (stage for stage, is_in_force in self._in_force.items() if is_in_force)
        return max(in_force, key=list(PowerStage).index, default=PowerStage.FULL)

    def take(self, value: float, now: float) -> None:
        """Take a value that was measured at ``now``."""
        for stage, limits in self._settings.stages.items():
            is_in_force = self._in_force[stage]
            if not (limits.ends(value) if is_in_force else limits.begins(value)):
                self._since.pop(stage, None)
                continue
            since = self._since.setdefault(stage, now)
            if now - since >= self._settings.hold or (self._is_first and not is_in_force):
                self._in_force[stage] = not is_in_force
                del self._since[stage]
        self._is_first = False
