"""Options: the settings of the uplink's process, which does not read the config itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beemon.base.options import RawTable, option, size
from beemon.protocol.client import Client
from beemon.uplink.hours import Span, spans


@dataclass(frozen=True, kw_only=True)
class UplinkSettings:
    """The limits of a metered link, for all destinations together.

    Each destination gets all history once, and again at another address. To spend at most 20 MB a
    day on it, and only at night:

        [uplink]
        daily_budget = "20MB"
        hours = ["22:00-06:00"]
    """

    daily_budget: float | None = option(
        None, parse=size, doc="The bytes that recordings and history may use each day"
    )
    hours: tuple[Span, ...] = option(
        (), parse=spans, doc="The parts of the day for recordings and history; the newest state is "
        "sent at any time"
    )


@dataclass(frozen=True, kw_only=True)
class UplinkOptions:
    """The places of the archive and the service, and the tables of the config."""

    hive: str
    archive: Path
    connect: Callable[[], Client]
    """Opens a connection to the service. Raises :class:`ConnectionError`."""
    tables: Mapping[str, RawTable]
    state: Path
    """The folder of cursors and of the destinations' memory; no other user may read it."""
    runtime: Path
    """The folder of the state of each destination, which the group ``beemon`` may read."""
    public_url: str | None = None
    """The address of the page, for links in messages."""
    has_changed: Callable[[], bool] = field(default=lambda: False)
    """Whether the config on disk differs from these options."""
