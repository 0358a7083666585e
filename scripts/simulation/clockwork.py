"""A clock that is set by hand: the simulated year's."""

from __future__ import annotations

from beemon.base.clock import Moment, Quality, Stamp


class Clockwork:
    """Both clocks of a simulated machine, from boot to boot; ``utc_us`` is the true time."""

    def __init__(self, utc_us: int) -> None:
        self.utc_us = utc_us
        self._wrong_by_us = 0
        self._booted_us = utc_us
        self._boots = 0
        self._quality = Quality.SYNCHRONISED

    def now(self) -> Moment:
        """What the machine's clocks show."""
        monotonic = (self.utc_us - self._booted_us) / 1e6
        return Moment(self.utc_us - self._wrong_by_us, monotonic)

    def stamp(self) -> Stamp:
        """The same, with how far it can be believed."""
        return Stamp(*self.now(), self._quality)

    def boot_id(self) -> str:
        """The name of this boot."""
        return f"boot-{self._boots}"

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
        self.utc_us += round(seconds * 1e6)

    def boot(self, wrong_by_seconds: float = 0.0) -> None:
        """Start the machine, with a clock that is behind by so much and does not know better."""
        self._boots += 1
        self._booted_us = self.utc_us
        self._wrong_by_us = round(wrong_by_seconds * 1e6)
        self._quality = Quality.UNSURE if wrong_by_seconds else Quality.SYNCHRONISED

    def synchronise(self) -> None:
        """Find the network, and with it the right time."""
        self._wrong_by_us = 0
        self._quality = Quality.SYNCHRONISED
