"""A pair of light beams across the entrance, to count bees in and bees out.

There are two pins. A bee that comes in breaks the ``outer`` beam first, then the ``inner`` one.
``passage.py`` interprets the order, and ``_lines.py`` reads the pins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from beemon.base.options import BadOptionError, duration, option
from beemon.devices import _pins
from beemon.devices._base import Claim, CommonSettings, DeviceError, Measurement, Refusal, Sensor
from beemon.devices._lines import QUIET_SECONDS, Lines
from beemon.devices.sensors.beams.passage import Passage, Tally


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Two light beams across the entrance, one behind the other and nearer than a bee is long.

    Each reading counts the bees since the previous reading. ``bees_in`` and ``bees_out`` passed.
    ``turned_back`` broke both beams and returned. ``unclear`` counts passages with a number of bees
    that is uncertain. ``interval`` is the time in seconds that the counts cover. Bees that pass
    while the service does not run are not counted, and ``interval`` leaves this time out.

        [sensor.entrance]
        driver = "beams"
        outer = 17
        inner = 27
    """

    outer: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST,
        doc="the outer beam's GPIO (BCM) number. A bee that comes in breaks it first",
    )
    inner: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the inner beam's GPIO (BCM) number"
    )
    pull: Literal["up", "down", "none"] = option("up", doc="the pins' own resistors")
    broken: Literal["high", "low"] = option("low", doc="the level while a beam is broken")
    debounce: float = option(
        0.003, parse=duration, doc="debounce time: shorter changes are ignored"
    )
    quiet: float = option(
        QUIET_SECONDS, parse=duration,
        doc="time without a change after which the levels are read again, in case one was lost",
    )
    blocked_after: float = option(
        600.0, parse=duration,
        doc="time after which a broken beam counts as blocked by dirt. The reading then has no "
        "value, with the reason ``blocked``",
    )

    def __post_init__(self) -> None:
        if self.outer == self.inner:
            raise BadOptionError('"outer" and "inner" must be two pins')
        if self.quiet <= self.debounce:
            raise BadOptionError('"quiet" must be longer than "debounce"')

    @property
    def claims(self) -> list[Claim]:
        return _pins.claims(outer=self.outer, inner=self.inner)


class Driver(Sensor):
    """Counts what passed since the read before: in, out, half-way and back, and unclear.

    ``interval`` is the time in seconds that the counts cover. If the intervals do not add up to the
    elapsed time, nothing was counted in the rest.
    """

    group = "gpio"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._lines = Lines(
            (settings.outer, settings.inner), pull=settings.pull, active=settings.broken,
            quiet=settings.quiet,
        )

    def absent(self) -> str | None:
        return _pins.absent()

    def open(self) -> None:
        levels = self._lines.take()
        self._taken = self._lines.now()
        self._passage = Passage(levels, self.settings.debounce, self._taken)
        self._lines.listen(self._passage)

    def close(self) -> None:
        self._lines.close()

    def read(self) -> Sequence[Measurement | Refusal]:
        if not self._lines.are_open:
            raise DeviceError(f"{self.settings.name} is not open")
        with self._lines.lock:
            now = self._lines.now()
            tally = self._passage.take(now)
            since = self._passage.broken_since()
        interval, self._taken = now - self._taken, now
        said: list[Measurement | Refusal] = [
            Measurement(name, float(count), "") for name, count in vars(tally).items()
        ]
        if tally == Tally() and since is not None and now - since >= self.settings.blocked_after:
            message = f"a beam has been broken for {now - since:.0f} s; check it for dirt"
            said = [Refusal(name, "", "blocked", message) for name in vars(tally)]
        return [*said, Measurement("interval", round(interval, 3), "s")]
