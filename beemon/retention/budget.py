"""Budget: the disk space used each day, the day on which the disk is full, and the uplink needed.

It is calculated from the config. For a device with at least a day of measurements, these are used
instead. This module reads no file and calls no driver: see ``orchestrator.estimate``.
"""

from __future__ import annotations

from collections.abc import Mapping

from beemon.config.settings import RetentionSettings
from beemon.ledger.usage import Usage
from beemon.protocol.replies import Budget, BudgetShare
from beemon.storage.space import AGAIN, Limits, Space

DAY_SECONDS = 86400.0
LEDGER = "ledger"
"""The name of the ledger's own share beside the devices."""


def reckon(
    planned: Mapping[str, float],
    measured: Mapping[str, Usage],
    space: Space,
    retention: RetentionSettings,
) -> Budget:
    """The budget as clients get it. ``planned`` are bytes a day, by device."""
    limits = Limits(retention.min_free, retention.min_free_inodes).on(space)
    shares = {
        name: _share(planned.get(name), measured.get(name))
        for name in sorted({*planned, *measured})
    }
    bytes_a_day = sum(share.bytes_a_day for share in shares.values())
    media = sum(share.bytes_a_day for name, share in shares.items() if name != LEDGER)
    room = max(0.0, space.free_bytes - limits.bytes)
    return Budget(
        devices=shares,
        bytes_a_day=bytes_a_day,
        free_bytes=space.free_bytes,
        min_free_bytes=round(limits.bytes),
        days_until_full=round(room / bytes_a_day, 4) if bytes_a_day else None,
        uplink_kbit_s=round(media * 8 / 1000 / DAY_SECONDS, 1),
        then=_then(limits, retention),
    )


def _share(planned: float | None, measured: Usage | None) -> BudgetShare:
    """The measured use, or the planned one if there is no measurement; the keys name which."""
    planned_bytes = None if planned is None else round(planned)
    if measured is None:
        return BudgetShare(planned_bytes or 0, planned_bytes)
    used = round(measured.bytes_a_day)
    return BudgetShare(used, planned_bytes, used, round(measured.days, 1))


def _then(limits: Limits, retention: RetentionSettings) -> str:
    """The measures against a full disk, in the configured order."""
    words = [f"{word}s" if "." not in word else word for word in retention.order]
    others = "the other devices by age" if words else "all devices by age"
    kept = f"the newest {retention.keep} of each device are kept"
    if retention.keep == 1:
        kept = "the newest of each device is kept"
    least = limits.bytes / 1e9
    size = f"{least:.3g} GB" if least >= 1 else f"{least * 1000:.3g} MB"
    return (
        f"below {size} or {limits.inodes:,.0f} inodes, recordings are "
        f"deleted until {AGAIN:g} times as much is free. Uploaded ones are deleted first, then "
        f"those of {', then '.join([*words, others])}, then those that failed their check; {kept}. "
        "If that is not enough, devices pause in the same order"
    )
