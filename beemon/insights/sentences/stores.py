"""Sentences about the food of the colony: its loss a day, and the days that the food lasts."""

from __future__ import annotations

from typing import Annotated

from beemon.formats.weights import in_kg

EMPTY = "the weight of the food"
CHANGES = "the daily change of weight"
Some = Annotated[int, range(91)]
Days = Annotated[float, (0.0, 1e6)]


def change(grams: float, least: float, most: float, days: Some) -> str:
    """The mean loss of the last ``days``, and the range of the next as many; all in g a day."""
    verb = "lost" if grams >= 0 else "gained"
    return (
        f"In the last {days} days it {verb} {abs(grams):.0f} g a day. In the next {days} it should "
        f"change by {-most:+z.0f} to {-least:+z.0f} g a day, 8 times in 10."
    )


def food(grams: float, least: Days, most: Days) -> str:
    """``grams`` of food last for ``least`` to ``most`` days."""
    return f"The {in_kg(grams)} above `empty` last for {_span(least)} to {_span(most)}."


def much_food(grams: float, least: Days) -> str:
    """``grams`` of food last for ``least`` days, with no upper bound."""
    return f"The {in_kg(grams)} above `empty` last for {_span(least)} or longer."


def no_food(grams: float) -> str:
    """The hive weighs ``grams`` less than it should without food."""
    return f"It weighs {in_kg(grams)} less than `empty`: give it food, or correct `empty`."


def _span(days: float) -> str:
    return f"{days / 30.4:.0f} months" if days > 90 else f"{days:z.0f} days"
