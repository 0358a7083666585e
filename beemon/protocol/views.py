"""Views: objects of the HTTP API that no query of the protocol has, one class for each.

Days are dates on the local clocks, unless a sentence says otherwise. Times of a series are seconds
since 1970; all other times are texts in ISO 8601, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from beemon.base.facts import KEPT
from beemon.base.values import value_class

Numbers = tuple[float | None, ...]

LEAST_POINTS = 8
"""A series has no fewer points, because fewer would hide its extremes and gaps."""


@value_class
class Series:
    """One quantity over time, thinned to a number of points that keeps extremes and gaps."""

    device: Annotated[str, "the device"]
    quantity: Annotated[str, "the measured quantity"]
    unit: Annotated[str, "the unit of the values"]
    by: Annotated[Literal["reading", "hour"], "the source of a point"]
    utc: Annotated[tuple[float, ...], "time of each point, in s since 1970"]
    value: Annotated[Numbers, "value of each point; null: a gap"]
    reasons: Annotated[Mapping[str, str], "reason why there is no value, by the point's index"]
    truncated: Annotated[bool, "whether earlier points are left out"]
    low: Annotated[Numbers | None, "of hours: the lowest value of each point"] = None
    high: Annotated[Numbers | None, "of hours: the highest value of each point"] = None
    uncertainty: Annotated[
        Numbers | None, "of readings: standard uncertainty of each value, in its unit"
    ] = None


@value_class
class DayGain:
    """The net change of a quantity in one local day."""

    day: Annotated[str, "the date"]
    gain: Annotated[float | None, "the change; null: it is not known", KEPT]
    uncertainty: Annotated[float | None, "standard uncertainty of the change", KEPT]
    left_out: Annotated[
        tuple[str, ...],
        "reasons why a part is left out: `inspection`, or `missing` if there are no values",
    ]
    is_over: Annotated[bool, "whether the day is over; false: the change until now"]


@value_class
class Gains:
    """The net change of each local day, without what was done in inspections."""

    unit: Annotated[str, "the unit of the changes"]
    days: Annotated[tuple[DayGain, ...], "in order of time"]


@value_class
class DayCount:
    """The scheduled jobs of one day on the clocks of the hive."""

    day: Annotated[str, "the date"]
    due: Annotated[int, "number of scheduled jobs"]
    done: Annotated[int, "number with the outcome `done`"]
    reasons: Annotated[Mapping[str, int], "number of the others, by their reason"]


@value_class
class Calendar:
    """The scheduled jobs of each day on the clocks of the hive, the last of which is today."""

    days: Annotated[tuple[DayCount, ...], "in order of time"]


@value_class
class Traffic:
    """The bees counted at the entrance, by local day and hour."""

    days: Annotated[tuple[str, ...], "the dates"]
    in_: Annotated[tuple[Numbers, ...], "bees in: 24 numbers a day; null: none were counted"]
    out: Annotated[tuple[Numbers, ...], "bees out: 24 numbers a day; null: none were counted"]


@value_class
class DayRecording:
    """A recording of a day, or a scheduled time without one."""

    utc: Annotated[str, "its begin, or the scheduled time without one"]
    device: Annotated[str, "the device"]
    outcome: Annotated[
        str | None, "the outcome; null: it has not ended", KEPT
    ]
    job: Annotated[int | None, "its job; missing: the scheduled time never became a job"] = None
    seconds: Annotated[float | None, "its length, in s"] = None
    kind: Annotated[
        Literal["sound", "video", "picture"] | None, "its kind; missing: there is no file"
    ] = None
    bytes: Annotated[int | None, "size of the file; missing: there is no file"] = None
    reason: Annotated[str | None, "the reason, a word of beemon-reasons(7)"] = None


@value_class
class DayRecordings:
    """The recordings of one device in one local day."""

    recordings: Annotated[tuple[DayRecording, ...], "in order of time"]
    truncated: Annotated[bool | None, "true: later ones are left out"] = None


@value_class
class SoundSlot:
    """A part of a day's sound strip."""

    from_: Annotated[str, "its begin"]
    until: Annotated[str, "its end"]
    outcome: Annotated[str | None, "the outcome; null: it has not ended", KEPT]
    job: Annotated[int | None, "its job; missing: the scheduled time never became a job"] = None
    reason: Annotated[str | None, "the reason, a word of beemon-reasons(7)"] = None


@value_class
class SoundStrip:
    """The sound of one local day: the strip's picture, and its parts."""

    slots: Annotated[tuple[SoundSlot, ...], "in order of time"]
    picture: Annotated[str, "the picture, as a relative address"]
    from_: Annotated[str, "time at the left edge of the picture"]
    until: Annotated[str, "time at the right edge of the picture"]
    hertz: Annotated[tuple[float, ...], "frequencies at the lower and the upper edge, in Hz"]
