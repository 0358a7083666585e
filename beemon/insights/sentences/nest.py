"""Sentences about the temperature of the nest, and about the heat of the colony."""

from __future__ import annotations

from typing import Annotated

Days = Annotated[int, range(91)]
"""Some of the last days, or all."""

NEST = "the temperature of the nest"
OUTSIDE = "the temperature outside"
NIGHTLY_NEST = "the temperature of the nest in the night"
NIGHTLY_OUTSIDE = "the temperature outside in the night"
ELSEWHERE = "A thermometer does not show brood in other parts of the hive."
MODELLED = (
    "The temperature outside was not measured. "
    "A weather model can differ from the air at the hive by several degrees."
)
IN_PLACE = "Nothing shows if the thermometer is still inside the nest."


def held(mean: float, sd: float) -> str:
    """The day's temperature is held, in °C, with hourly means that vary by ``sd`` K."""
    return f"The nest was held at {mean:z.1f} °C, {_within(sd)}: brood at the thermometer."


def still_held(mean: float, sd: float, days: Days) -> str:
    """The day's temperature is not held. It last was ``days`` before, and is not lost since."""
    before = "the day before" if days == 1 else f"{days} days before"
    return (
        f"{measured(mean, sd)} It was last held {before}, and not clearly lost since, "
        "so it still counts as held."
    )


def measured(mean: float, sd: float) -> str:
    """The day's temperature, if no more can be told."""
    return f"The thermometer in the nest showed {mean:z.1f} °C on average, {_within(sd)}."


def left(mean: float, sd: float) -> str:
    """The day's temperature is no longer held, after days on which it was."""
    return (
        "The warmth of brood is no longer held where the thermometer is: "
        f"{mean:z.1f} °C on average, {_within(sd)}."
    )


def days_held(days: Days, of: Days) -> str:
    """On ``days`` of the last ``of`` days the temperature was held."""
    return f"The temperature was held on {days} of the last {of} days."


def days_left(days: Days, of: Days) -> str:
    """On ``days`` of the last ``of`` days the temperature was clearly not held."""
    return f"On {days} of the last {of} days it was too low for brood, or it varied by over 1 K."


def was_held(days: Days) -> str:
    """The days on which the temperature was held before."""
    return f"Before that, it was held on {days} days."


def in_the_night(excess: float, modelled: bool) -> str:
    """The nest was warmer than the air by ``excess`` K in the night, or colder."""
    than = "warmer" if excess >= 0 else "colder"
    by = " (calculated by a weather model)" if modelled else ""
    return f"In the night the nest was {abs(excess):.1f} K {than} than the air outside{by}."


def too_warm(outside: float) -> str:
    """A night, with a mean temperature of ``outside`` °C, that needs little heat."""
    return f"The night was too warm ({outside:z.1f} °C) to see the heat of the hive."


def no_heat(nights: int) -> str:
    """``nights`` are successive nights with little heat."""
    return f"The hive has made no heat for {nights} nights."


def night_before(excess: float) -> str:
    """The excess of the night before, in K."""
    return f"In the night before, the difference was {excess:z.1f} K."


def _within(sd: float) -> str:
    return f"within {max(0.1, sd):.1f} K"
