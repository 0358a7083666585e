"""A pair of light beams across the entrance, which tells bees that come in from bees that go out.

Two pins: the ``outer`` beam, which a bee that comes in breaks first, and the ``inner`` one. What
their order means is in ``_beams.py``. The times are those that the kernel gave the edges, as far
as gpiozero's pin library passes them on.

An edge can be lost on the way (joan2937/lg issue 18). So once the lines have been quiet, their
levels are read again, and what was believed of them is mended where it differs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from beemon.devices import _pins
from beemon.devices._base import (
    BadReadingError,
    CommonSettings,
    DeviceError,
    Measurement,
    Sensor,
)
from beemon.devices.sensors._beams import INNER, OUTER, Levels, Passage, Tally
from beemon.options import BadOptionError, duration, option


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """The options of a pair of beams."""

    outer: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the outer beam's GPIO (BCM) number"
    )
    inner: int = option(
        minimum=_pins.LOWEST, maximum=_pins.HIGHEST, doc="the inner beam's GPIO (BCM) number"
    )
    pull: Literal["up", "down", "none"] = option("up", doc="the pins' own resistors")
    broken: Literal["high", "low"] = option("low", doc="the level while a beam is broken")
    debounce: float = option(
        0.003, parse=duration, doc="how long a change must last to be one, and no bounce"
    )
    quiet: float = option(
        0.3, parse=duration, doc="after how long without an edge the levels are read again"
    )
    blocked_after: float = option(
        600.0, parse=duration, doc="how long a beam may stay broken before it is dirt, not a bee"
    )

    def __post_init__(self) -> None:
        if self.outer == self.inner:
            raise BadOptionError('"outer" and "inner" must be two pins')
        if self.quiet <= self.debounce:
            raise BadOptionError('"quiet" must be longer than "debounce"')


class Driver(Sensor):
    """Counts what passed since the read before: in, out, half-way and back, and unclear.

    ``interval`` are the seconds that the counts belong to: where these do not add up to the time
    that passed, nobody counted meanwhile.
    """

    crew = "gpio"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._devices: list[Any] = []
        self._passage = Passage((False, False), 0.0, 0.0)
        self._taken = 0.0
        self._lock = threading.Lock()
        self._stirred = threading.Event()
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None

    def open(self) -> None:
        pull = _pins.PULL_UP[self.settings.pull]
        active = True if pull is None else None  # levels are read as they are
        try:
            for pin in (self.settings.outer, self.settings.inner):
                self._devices.append(
                    _pins.take("InputDevice", pin, pull_up=pull, active_state=active)
                )
        except DeviceError:
            self.close()
            raise
        self._pins = [device.pin for device in self._devices]
        self._ticks = self._devices[0].pin_factory.ticks
        self._begin()

    def close(self) -> None:
        self._closing.set()
        self._stirred.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
        for device in self._devices:
            device.close()
        self._devices = []

    def read(self) -> Sequence[Measurement]:
        if not self._devices:
            raise DeviceError(f"{self.settings.name} is not open")
        with self._lock:
            now = self._ticks()
            tally = self._passage.take(now)
            interval, self._taken = now - self._taken, now
            since = self._passage.broken_since()
        if tally == Tally() and since is not None:
            self._check_blocked(now - since)
        counts = [Measurement(name, float(count), "") for name, count in vars(tally).items()]
        return [*counts, Measurement("interval", round(interval, 3), "s")]

    def _begin(self) -> None:
        self._closing.clear()
        with self._lock:
            self._taken = self._ticks()
            self._passage = Passage(self._levels(), self.settings.debounce, self._taken)
            self._differed = False
        for pin, on_edge in zip(self._pins, (self._on_outer, self._on_inner), strict=True):
            pin.edges = "both"
            pin.when_changed = on_edge
        self._stirred.set()  # an edge may have come before there was anyone to hear it
        self._watch = threading.Thread(
            target=self._keep_in_step, name=f"quiet-{self.settings.name}", daemon=True
        )
        self._watch.start()

    def _levels(self) -> Levels:
        outer, inner = (bool(pin.state) == self._broken_level for pin in self._pins)
        return outer, inner

    @property
    def _broken_level(self) -> bool:
        return self.settings.broken == "high"

    def _on_outer(self, ticks: float, state: float) -> None:
        self._on_edge(OUTER, ticks, state)

    def _on_inner(self, ticks: float, state: float) -> None:
        self._on_edge(INNER, ticks, state)

    def _on_edge(self, beam: int, ticks: float, state: float) -> None:
        """Called in the pin library's thread at each change of a pin."""
        with self._lock:
            self._passage.edge(beam, bool(state) == self._broken_level, ticks)
            self._differed = False
        self._stirred.set()

    def _keep_in_step(self) -> None:
        """A thread: whenever the lines have become quiet, see whether an edge was lost."""
        while not self._closing.is_set():
            self._stirred.wait()
            self._stirred.clear()
            while not self._closing.wait(self.settings.quiet) and not self._is_in_step():
                pass

    def _is_in_step(self) -> bool:
        """Whether there is nothing to mend; a difference counts when it is seen twice, since
        its edge may just be on the way."""
        with self._lock:
            levels = self._levels()
            if self._stirred.is_set() or levels == self._passage.levels:
                return True
            if self._differed:
                self._passage.resynchronise(levels, self._ticks())
            self._differed = not self._differed
            return not self._differed

    def _check_blocked(self, seconds: float) -> None:
        if seconds >= self.settings.blocked_after:
            raise BadReadingError(
                "blocked", f"a beam has been broken for {seconds:.0f} s: is there dirt in it?"
            )
