"""Shortage: which devices pause because space is low, in the configured order.

The order is that of deletion. The first device or kind in it pauses when free space falls below
half of ``min_free``, the next below a quarter, and so on. A device resumes when there is a quarter
more than its limit, so that it does not start and stop with every file. Sensors never pause.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from beemon.storage.space import AGAIN, Limits, Space


def rank(device: str, order: Sequence[str]) -> int:
    """The position of a device in an order of devices and kinds; after all if it is not in it."""
    kind = device.partition(".")[0]
    places = [place for place, word in enumerate(order) if word in (device, kind)]
    return places[0] if places else len(order)


def share(device: str, order: Sequence[str]) -> float:
    """The share of ``min_free`` below which a device pauses."""
    return 0.5 ** (rank(device, order) + 1)


def paused(
    space: Space,
    limits: Limits,
    recorders: Collection[str],
    order: Sequence[str],
    before: Collection[str] = (),
) -> frozenset[str]:
    """The recorders that must pause, if those of ``before`` do already."""

    def pauses(device: str) -> bool:
        factor = share(device, order) * (AGAIN if device in before else 1.0)
        return limits.times(factor).exceed(space)

    return frozenset(filter(pauses, recorders))
