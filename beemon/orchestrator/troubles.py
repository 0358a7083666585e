"""Troubles: the journal's lines about the devices, each written only once.

A device may fail for months while it is used all that time. Therefore a trouble is logged once
until the device works again. A number that grows in it does not make it new, and after a device is
given up nothing more is logged.
"""

from __future__ import annotations

import logging

from beemon.base.status import DeviceState
from beemon.orchestrator.health import Health, gist
from beemon.system.service import fields

log = logging.getLogger(__name__)

_GIVEN_UP = "given up"


class Troubles:
    """The troubles and notes of each device that were logged since it last worked."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}
        self._noted: dict[str, set[str]] = {}

    def tell(self, device: str, health: Health) -> None:
        """Log the device's trouble if it is new, and its note once."""
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
            state = f" ({health.state})" if health.state is not DeviceState.IN_TROUBLE else ""
            log.warning("%s: problem%s: %s", device, state, health.trouble,
                        extra=fields(device=device))
        told.add(news)

    def forget(self, device: str) -> None:
        """Forget a device that a reload stopped, so that its next trouble is new."""
        self._told.pop(device, None)
        self._noted.pop(device, None)
