"""Options: the settings of the uplink's process, which does not read the config itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from beemon.base.options import BadOptionError, RawTable, in_toml, option, size
from beemon.protocol.client import Client

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

Span = tuple[time, time]
"""The begin and the end of a part of the day, which may contain midnight."""


def spans(value: object) -> tuple[Span, ...]:
    """Parts of the day such as ``["22:00-06:00"]``, by the clocks of the hive."""
    texts = value if isinstance(value, list) else [value]
    found = [_HOURS.fullmatch(text) if isinstance(text, str) else None for text in texts]
    if texts is not value or not found or not all(found):
        raise BadOptionError(
            f'must be parts of the day such as ["22:00-06:00"], not {in_toml(value)}'
        )
    return tuple(
        (time(int(one[1]), int(one[2])), time(int(one[3]), int(one[4]))) for one in found if one
    )


def is_within(moment: time, parts: tuple[Span, ...]) -> bool:
    """Whether a time of day is in one of these parts of the day."""
    return any(
        begin <= moment < end if begin < end else moment >= begin or moment < end
        for begin, end in parts
    )


@dataclass(frozen=True, kw_only=True)
class UplinkSettings:
    """The limits of a metered link, for all destinations together."""

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
