"""Sentences about the weight of the hive."""

from __future__ import annotations

from beemon.formats.weights import in_grams, in_kg
from beemon.insights.hive_day import Value

WEIGHT = "the weight"
NO_SCALE = "The weight is not known: the hive has no scale."
_LITTLE = 5.0
"""The least change of weight, in g, to name."""


def visit(time: str, seconds: float, grams: float) -> str:
    """A visit that began at ``time`` on the clocks, and changed the weight."""
    minutes = max(5, round(seconds / 60))
    more = "more" if grams > 0 else "less"
    change = f"{in_kg(abs(grams))} {more}" if abs(grams) >= _LITTLE else "the same"
    there = f"Somebody was at the hive from {time} for {minutes} min"
    return f"{there}; it weighed {change} afterwards."


def loss(time: str, grams: float, seconds: float) -> str:
    """A loss that is no swarm: at night, in one go, or without bees that left."""
    minutes = max(1, round(seconds / 60))
    return f"At {time} it lost {in_kg(grams)} within {minutes} min."


def budget(net: Value, night_loss: Value | None, dip: Value | None) -> str:
    """A day's budget; the net and the dip are in g, the night's loss in g an hour."""
    verb = "gained" if net.value > 0 else "lost"
    said = [f"By itself the hive {verb} {in_grams(abs(net.value), net.uncertainty)}"]
    if night_loss is not None:
        verb = "lost" if night_loss.value > 0 else "gained"
        said.append(f"it {verb} {abs(night_loss.value):.1f} g an hour in the night")
    if dip is not None:
        said.append(f"up to {dip.value:z.0f} g of bees were out in the morning")
    return "; ".join(said) + "."


def changed_unseen(begin: str, end: str, grams: float) -> str:
    """A change during a gap that is more than bees make."""
    more = "more" if grams > 0 else "less"
    return (
        f"The day's change by the bees alone is not known. Nothing was measured between {begin} "
        f"and {end}. It weighed {in_kg(abs(grams))} {more} afterwards."
    )


def lighter(time: str, grams: float, usual: float) -> str:
    """It weighs ``grams``, less than half of the ``usual``, for an hour."""
    return (
        f"The hive has weighed {in_kg(grams)} since {time}, less than half of {in_kg(usual)}. "
        "It fell over, somebody carried it away, or the scale is broken."
    )


def lighter_before(time: str, back: str) -> str:
    """It was lighter from one time to another."""
    return f"From {time} on the hive weighed less than half. By {back} it was heavy again."
