"""Faults that a simulated device shows on request, to practise the faults of a real one.

- ``fault = "hang"``: the request never ends.
- ``"die"``: SIGKILL ends the worker process that holds the device.
- ``"error"``: each request raises :class:`DeviceError`.
- ``"lost"``: each request raises :class:`DeviceLostError`.
- ``"dead"``: like ``"error"``, but recordings continue, silent or black.

The first ``fault_after`` requests succeed. After ``fault_for`` failed requests, all further ones
succeed. Requests are counted from the opening of the device. With a ``fault_file``, the file holds
one byte per request, so the count survives the worker. In a recording the fault occurs half-way, so
that a half-written file remains.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from beemon.base.options import option
from beemon.devices._base import CommonSettings, DeviceError, DeviceLostError


@dataclass(frozen=True, kw_only=True)
class FaultSettings(CommonSettings):
    """The options that ask for a fault."""

    fault: Literal["none", "hang", "die", "error", "lost", "dead"] = option(
        "none", doc="the fault to show", for_tests=True
    )
    fault_after: int = option(
        0, minimum=0, doc="number of requests that succeed before the fault", for_tests=True
    )
    fault_for: int = option(
        0, minimum=0, doc="number of requests that fail; 0 means all", for_tests=True
    )
    fault_file: str = option(
        "", doc="a file that keeps the count when the device is reopened", for_tests=True
    )


class Faults:
    """Counts the requests of one device and says which of them are to fail."""

    def __init__(self, settings: FaultSettings) -> None:
        self._settings = settings
        self._requests = itertools.count()

    def strikes(self) -> bool:
        """Count a request; true where the fault is due in it."""
        asked = self._settings
        if asked.fault == "none":
            return False
        since = self._count() - asked.fault_after
        return since >= 0 and (not asked.fault_for or since < asked.fault_for)

    def _count(self) -> int:
        """The requests before this one."""
        if not self._settings.fault_file:
            return next(self._requests)
        with Path(self._settings.fault_file).open("ab") as file:
            file.write(b".")
            return file.tell() - 1

    def show(self) -> None:
        """Fail as the settings ask."""
        if self._settings.fault == "hang":
            threading.Event().wait()
        elif self._settings.fault == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._settings.fault == "lost":
            raise DeviceLostError(f"{self._settings.name} is lost because its config asks for it")
        raise DeviceError(f"{self._settings.name} fails because its config asks for it")

    def request(self) -> None:
        """Count a request and fail at once where the fault is due."""
        if self.strikes():
            self.show()
