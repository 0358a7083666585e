"""Sentences about a loss by day that may be a swarm: its stages, and the evidence."""

from __future__ import annotations

from typing import Annotated

from beemon.formats.weights import in_kg

Grams = Annotated[float, (0.0, 1e5)]
"""A loss of weight, in g."""

NEST = "the temperature of the nest at that time"
OUTSIDE = "the temperature outside at that time"
HUM = "The hum at that time is not known."
BEES = "No counter shows if more bees left than came."
LID = "No contact shows if the lid was lifted."
RAIN = "No gauge shows if it rained at that time."
BASE_RATE = (
    "On ten real hives there were 19 such losses in a summer, and no known swarm. "
    "After 18 of them the weight was put back, or somebody came, within 3 hours."
)


def first(time: str, grams: Grams, seconds: float) -> str:
    """``grams`` left within ``seconds``, half an hour ago."""
    return f"{_left(time, grams, seconds)}. It may be a swarm, or somebody took something off."


def first_after_work(time: str, grams: Grams, seconds: float) -> str:
    """``grams`` left half an hour ago, and within 3 hours after work at the hive."""
    return (
        f"{_left(time, grams, seconds)}, soon after somebody worked at the hive. "
        "Look: it may be a swarm, or something that was taken off."
    )


def stands(time: str, grams: Grams, seconds: float) -> str:
    """Nothing came back within 3 hours, and nobody came."""
    return (
        f"{_left(time, grams, seconds)}, and did not come back within 3 hours. "
        "It was a swarm, or something taken off in one go."
    )


def put_back(time: str, grams: Grams, back: str) -> str:
    """As much was put back at a later time."""
    return f"At {time} {in_kg(grams)} left: no swarm. At {back} as much was put back."


def came_home(time: str, grams: Grams, home: str) -> str:
    """As much came back little by little, until a later time."""
    return f"At {time} {in_kg(grams)} left. By {home} as much had come back, little by little."


def was_visit(time: str, grams: Grams, begin: str) -> str:
    """Somebody came to the hive shortly afterwards."""
    return f"At {time} {in_kg(grams)} left, probably during a visit. Somebody was there at {begin}."


def worked(time: str) -> str:
    """Somebody worked at the hive shortly before it, until a time on the clocks."""
    return f"Somebody worked at the hive until {time}."


def swarms_weight(grams: Grams) -> str:
    """The weight is that of most swarms."""
    return f"{in_kg(grams)} left; swarms weigh 1 to 3 kg."


def other_weight(grams: Grams) -> str:
    """The weight is unusual."""
    return f"{in_kg(grams)} left, while most swarms weigh 1 to 3 kg."


def by_and_by(seconds: float, jump: float) -> str:
    """It left with at most ``jump`` grams between two readings."""
    return f"It left over {_minutes(seconds)} min, at most {in_kg(jump)} between two readings."


def in_one_go(interval: float) -> str:
    """It left between two readings that are ``interval`` seconds apart."""
    return f"Nearly all of it left between two readings, {_minutes(interval)} min apart."


def too_rare(interval: float) -> str:
    """The readings do not show the course of the loss."""
    return (
        f"The readings are {_minutes(interval)} min apart, too rare to show if it left in one go."
    )


def nest_changed(kelvin: float, usual: float) -> str:
    """The nest's temperature changed by more than usual."""
    return f"The nest's temperature changed by {kelvin:z.1f} K; {_before(usual)}."


def nest_same(kelvin: float, usual: float) -> str:
    """The nest's temperature changed no more than usual."""
    return f"The nest's temperature changed by only {kelvin:z.1f} K; {_before(usual)}."


def bees_left(bees: float) -> str:
    """More bees left than came."""
    return f"The counter shows {bees:z.0f} more bees that left than came."


def bees_stayed(bees: float) -> str:
    """No swarm of bees left."""
    than = "left than came" if bees >= 0 else "came than left"
    return f"The counter shows only {abs(bees):.0f} more bees that {than}."


def hum_fell(decibels: float) -> str:
    """The hum is quieter than on the days before."""
    return f"Afterwards the hum was {decibels:z.1f} dB quieter than at this hour of the last days."


def hum_same(decibels: float) -> str:
    """The hum is as loud as on the days before, or louder."""
    than = "louder" if decibels >= 0 else "quieter"
    hum = f"the hum was {abs(decibels):.1f} dB {than}"
    return f"Afterwards {hum} than at this hour of the last days."


def warm(celsius: float, modelled: bool) -> str:
    """The air is warm enough to fly."""
    return f"{_by('The air', modelled)} was {celsius:z.1f} °C, warm enough to fly."


def too_cold(celsius: float, modelled: bool) -> str:
    """The air is too cold to fly."""
    return f"{_by('The air', modelled)} was {celsius:z.1f} °C, so few bees fly."


def rainy(modelled: bool) -> str:
    """It rained."""
    return f"{_by('It', modelled)} rained."


def dry(modelled: bool) -> str:
    """It did not rain."""
    return f"{_by('It', modelled)} did not rain."


def opened(time: str) -> str:
    """Somebody, or the lid's contact, reported an open hive."""
    return f"The hive was reported open at {time}."


def closed() -> str:
    """The lid's contact did not open."""
    return "The contact of the lid stayed closed."


def _left(time: str, grams: Grams, seconds: float) -> str:
    return f"At {time} {in_kg(grams)} left within {_minutes(seconds)} min"


def _by(subject: str, modelled: bool) -> str:
    return f"By a weather model, {subject.lower()}" if modelled else subject


def _before(usual: float) -> str:
    return f"before that, by {usual:z.1f} K in half an hour"


def _minutes(seconds: float) -> int:
    return max(1, round(abs(seconds) / 60))
