"""Input pins: report each edge, and read the levels again after a quiet time.

The kernel stamps each edge with its time, and gpiozero's pin library passes the time on if it can.
An edge can get lost (joan2937/lg issue 18). Therefore the levels are read when the pins have not
changed for a while. A difference from the known levels is reported as a change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from beemon.devices import _pins
from beemon.devices._base import DeviceError

QUIET_SECONDS = 0.3
"""After how long without an edge the levels are read again."""

Levels = tuple[bool, ...]
"""Of each pin, whether it is active."""


class Line:
    """The level of one pin, freed of bounce: a change counts when it lasts for ``debounce`` s."""

    def __init__(self, active: bool, debounce: float) -> None:
        self.raw = self.settled = active
        self._debounce = debounce
        self._changed = 0.0

    def change(self, active: bool, at: float) -> None:
        """The pin changed."""
        self.raw, self._changed = active, at

    @property
    def due(self) -> float | None:
        """When the pending change counts, if nothing comes in between."""
        return None if self.raw == self.settled else self._changed + self._debounce


class Listener(Protocol):
    """An object that follows the lines; one thread at a time calls it."""

    @property
    def levels(self) -> Levels:
        """The last known levels."""

    def edge(self, line: int, active: bool, at: float) -> None:
        """One line changed."""

    def resynchronise(self, levels: Levels, now: float) -> None:
        """Take over the levels that the lines really have."""


class _Ear:
    """Passes on what one pin says; gpiozero holds its callbacks weakly."""

    def __init__(self, line: int, heard: Callable[[int, float, float], None]) -> None:
        self._line, self._heard = line, heard

    def on_change(self, ticks: float, state: float) -> None:
        self._heard(self._line, ticks, state)


class Lines:
    """Some pins of one device, from :meth:`open` to :meth:`close`. ``lock`` guards the listener."""

    def __init__(
        self, pins: Sequence[int], *, pull: str, active: str, quiet: float = QUIET_SECONDS
    ) -> None:
        self.lock = threading.Lock()
        self._numbers = pins
        self._pull = _pins.PULL_UP[pull]
        self._active = _pins.LEVELS[active]
        self._quiet = quiet
        self._devices: list[_pins.InputPin] = []
        self._stirred = threading.Event()
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None
        self._failure: DeviceError | None = None

    @property
    def are_open(self) -> bool:
        """Whether the pins are held."""
        return bool(self._devices)

    def now(self) -> float:
        """The time by the clock that the edges have.

        Raises :class:`DeviceError` where the pins could not be looked at any more.
        """
        if self._failure is not None:
            raise self._failure
        return self._devices[0].pin_factory.ticks()

    def take(self) -> Levels:
        """Take the pins and tell their levels. Raises :class:`DeviceError`."""
        as_they_are = None if self._pull is not None else True
        try:
            for number in self._numbers:
                self._devices.append(_pins.take_input(
                    number, pull_up=self._pull, active_state=as_they_are,
                ))
            return self._levels()
        except DeviceError:
            self.close()
            raise

    def listen(self, listener: Listener) -> None:
        """Tell the listener of each change, until they are closed."""
        self._listener = listener
        self._differed = False
        self._failure = None
        self._closing.clear()
        self._ears = [_Ear(line, self._heard) for line in range(len(self._devices))]
        for device, ear in zip(self._devices, self._ears, strict=True):
            device.pin.edges = "both"
            device.pin.when_changed = ear.on_change
        self._stirred.set()  # an edge may have come before there was anyone to hear it
        self._watch = threading.Thread(target=self._keep_in_step, name="quiet-pins", daemon=True)
        self._watch.start()

    def close(self) -> None:
        """Give the pins back; harmless when they are not held."""
        self._closing.set()
        self._stirred.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
        for device in self._devices:
            _pins.give_back(device)
        self._devices = []

    def _levels(self) -> Levels:
        with _pins.asked(*self._numbers):
            return tuple(bool(device.pin.state) == self._active for device in self._devices)

    def _heard(self, line: int, ticks: float, state: float) -> None:
        """Called in the pin library's thread at each change of a pin."""
        with self.lock:
            self._listener.edge(line, bool(state) == self._active, ticks)
            self._differed = False
        self._stirred.set()

    def _keep_in_step(self) -> None:
        """A thread: whenever the pins have become quiet, see whether an edge was lost."""
        while not self._closing.is_set():
            self._stirred.wait()
            self._stirred.clear()
            try:
                while not self._closing.wait(self._quiet) and not self._is_in_step():
                    pass
            except DeviceError as error:
                self._failure = error  # the next reading tells it
                return

    def _is_in_step(self) -> bool:
        """Whether there is nothing to mend; a difference counts when it is seen twice, since
        its edge may just be on the way."""
        with self.lock:
            levels = self._levels()
            if self._stirred.is_set() or levels == self._listener.levels:
                return True
            if self._differed:
                self._listener.resynchronise(levels, self.now())
            self._differed = not self._differed
            return not self._differed
