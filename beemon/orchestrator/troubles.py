"""Troubles: what ails each device, told in the journal when it changes and never twice.

A device may be dead for months, and is asked all that time: what it said once since it last worked
is no news, nor is a number in it that grows, nor what it says after it was given up.
"""

from __future__ import annotations

import logging

from beemon.orchestrator.health import Health, State, gist
from beemon.system.service import fields

log = logging.getLogger(__name__)

_GIVEN_UP = "given up"


class Troubles:
    """Remembers what was told of each device since it last worked."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}
        self._noted: dict[str, set[str]] = {}

    def tell(self, device: str, health: Health) -> None:
        """Log what is new of the device's trouble; its note once, for it is no trouble."""
        noted = self._noted.setdefault(device, set())
        if health.note and gist(health.note) not in noted:
            noted.add(gist(health.note))
            log.warning("%s: %s", device, health.note, extra=fields(device=device))
        told = self._told.setdefault(device, set())
        if health.trouble is None:
            if told:
                log.info("%s: works again", device, extra=fields(device=device))
            told.clear()
            return
        news = _GIVEN_UP if health.is_given_up else gist(health.trouble)
        if not told & {news, _GIVEN_UP}:
            state = f" ({health.state})" if health.state is not State.RUNNING else ""
            log.warning("%s: problem%s: %s", device, state, health.trouble,
                        extra=fields(device=device))
        told.add(news)

    def forget(self, device: str) -> None:
        """The device is let go: what a new start finds is news."""
        self._told.pop(device, None)
        self._noted.pop(device, None)
