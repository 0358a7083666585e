"""All temperature sensors of a 1-Wire bus convert at once (Documentation/w1/slaves/w1_therm.rst).

A conversion takes three quarters of a second, and without this each sensor makes the next one wait
for its own. ``trigger`` in the bus's ``therm_bulk_read`` starts all of them; after that each
``temperature`` gives at once what was converted then, once, however long ago that was. So here is
remembered when it was and who has not been read since: a value is never older than
:data:`FRESH_SECONDS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from beemon.devices._base import DeviceError
from beemon.devices.sensors._sysfs import DeviceIOError, listing, read_text, write_text

FRESH_SECONDS = 5.0
"""Maximum age of a conversion that has not been read yet, in seconds."""
LONGEST_SECONDS = 2.0
"""Maximum time of a conversion, in seconds: 0.75 s at 12 bits, and some sensors are slow."""
POLL_SECONDS = 0.02


class Bus:
    """One bus, by its folder, such as ``/sys/devices/w1_bus_master1``."""

    def __init__(
        self,
        folder: Path,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._bulk = folder / "therm_bulk_read"
        self._monotonic, self._sleep = monotonic, sleep
        self._converted_at = 0.0
        self._unread: set[str] = set()

    def prepare(self, sensor: str) -> None:
        """See to it that the next read of this sensor gives a fresh conversion.

        Where sensors cannot convert together, each does when it is read: that is slower, and as
        good. But a conversion of unknown age may wait to be read: then it is, and thrown away.
        """
        if sensor in self._unread and self._monotonic() < self._converted_at + FRESH_SECONDS:
            self._unread.discard(sensor)
            return
        if not self._bulk.exists():
            return
        try:
            self._convert_all(sensor)
        except DeviceError:
            if read_text(self._bulk) != "0":
                read_text(self._folder / sensor / "temperature")

    def _convert_all(self, sensor: str) -> None:
        """Start a conversion and wait until the last sensor has ended it."""
        self._unread.clear()
        began = self._monotonic()
        write_text(self._bulk, "trigger\n")
        while read_text(self._bulk) not in ("0", "1"):
            if self._monotonic() > began + LONGEST_SECONDS:
                raise DeviceIOError(f"{self._folder.name}: a conversion did not end")
            self._sleep(POLL_SECONDS)
        self._converted_at = began
        self._unread = {file.name for file in listing(self._folder) if "-" in file.name} - {sensor}


_buses: dict[Path, Bus] = {}


def bus_of(sensor: Path) -> Bus:
    """The bus that a sensor's folder is on; the same for all sensors on it."""
    folder = sensor.resolve().parent
    return _buses.setdefault(folder, Bus(folder))
