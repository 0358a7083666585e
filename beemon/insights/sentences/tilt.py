"""Sentences about the tilt of the hive."""

from __future__ import annotations

from beemon.insights.sentences import missing

WORK = "The hive was open at that time, or shortly before."
NOBODY = "Nothing shows if somebody was at the hive."


def tipped(time: str, before: float, after: float, unmeasured: float) -> str:
    """The hive fell over at a time on the clocks; its tilt before and after it, in degrees, and
    the hours without a reading before it."""
    gap = _gap(unmeasured)
    fell = "had fallen" if gap else "fell"
    return f"At {time} the hive {fell} over: it leans by {after:z.0f}°, and stood at " \
           f"{before:z.0f}°.{gap}"


def moved(time: str, before: float, after: float, unmeasured: float) -> str:
    """The hive was moved; the rest is as in :func:`tipped`."""
    gap = _gap(unmeasured)
    was = "had been" if gap else "was"
    return f"At {time} the hive {was} moved: it leans by {after:z.0f}° instead of " \
           f"{before:z.0f}°.{gap}"


def sank(time: str, before: float, after: float, hours: float) -> str:
    """The hive leant more and more until it had tipped at a time on the clocks; its tilt some hours
    before, and then, in degrees."""
    return (
        f"At {time} the hive leant by {after:z.0f}°, too far to stand safely. It did not fall at "
        f"once: it leant by {before:z.0f}° in the {_hours(hours)} before."
    )


def too_few(sensor: str, count: int, expected: int) -> str:
    """A sensor made ``count`` readings of ``expected``."""
    return missing.too_few(f"the tilt by {sensor}", count, expected)


def _gap(unmeasured: float) -> str:
    return "" if unmeasured < 1 else f" Nothing was measured in the {_hours(unmeasured)} before."


def _hours(hours: float) -> str:
    return "hour" if hours < 1.5 else f"{hours:.0f} hours"
