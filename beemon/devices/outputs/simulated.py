"""An output that switches nothing, to try things out with."""

from __future__ import annotations

from dataclasses import dataclass

from beemon.devices._base import DeviceError, Output, OutputSettings
from beemon.devices._faults import Faults, FaultSettings


@dataclass(frozen=True, kw_only=True)
class Settings(OutputSettings, FaultSettings):
    """An output that switches nothing.

    Use it to try beemon without hardware.

        [output.light]
        driver = "simulated"
    """


class Driver(Output):
    """Remembers its state; the switching at its opening counts as no request."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._faults = Faults(settings)
        self._is_open = False
        self.is_on: bool | None = None

    def open(self) -> None:
        self._is_open = True
        self.is_on = self.is_safe_on
        self.changed(self.is_on, None)

    def close(self) -> None:
        super().close()
        self._is_open = False
        self.is_on = self.is_safe_on

    def set(self, *, on: bool) -> None:
        if not self._is_open:
            raise DeviceError(f"{self.settings.name} is not open")
        self._faults.request()
        self.is_on = on
