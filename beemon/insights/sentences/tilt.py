"""Sentences about the tilt of the hive."""

from __future__ import annotations

WORK = "The hive was open at that time, or shortly before."
NOBODY = "Nothing shows if somebody was at the hive."


def tipped(time: str, before: float, after: float) -> str:
    """The hive fell over at a time on the clocks; its tilt before and after it, in degrees."""
    return f"At {time} the hive fell over: it leans by {after:z.0f}°, and stood at {before:z.0f}°."


def moved(time: str, before: float, after: float) -> str:
    """The hive was moved at a time on the clocks; its tilt before and after it, in degrees."""
    return f"At {time} the hive was moved: it leans by {after:z.0f}° instead of {before:z.0f}°."
