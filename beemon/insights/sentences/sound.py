"""Sentences about the sound of the hive."""

from __future__ import annotations

SOUND = "the sound of the night"
OTHERS = "A microphone also hears a hive that stands close to it."
ONE_NIGHT = "Nothing shows when the young queens will fly, or how many there are."


def tooting(recordings: int, of: int) -> str:
    """Toots were heard in some of the ``of`` recordings of a night."""
    return (
        f"Toots of a young queen were heard in {recordings} of {of} recordings of the night. "
        "An afterswarm can go on any warm day."
    )


def night_before(toots: int) -> str:
    """The number of toots in the night before."""
    return f"In the night before, {toots} toots were heard."
