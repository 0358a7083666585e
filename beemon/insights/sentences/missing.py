"""Sentences about missing evidence: an option that is not set, or too few readings."""

from __future__ import annotations


def not_set(subject: str, option: str) -> str:
    """``subject`` is a noun, for example "the temperature of the nest"."""
    return f"{_begun(subject)} is not known: `{option}` is not set in [hive]."


def too_few(subject: str, count: int, expected: int) -> str:
    """``count`` readings were made of ``expected``."""
    if not count:
        return f"{_begun(subject)} was not measured."
    return f"Not enough was measured ({count} of {expected}) of {subject}."


def changed(time: str, sensor: str) -> str:
    """The values of a sensor came about in another way from a time on the clocks on."""
    return (
        f"At {time} the calibration of {sensor} changed. "
        "Its later values are not compared with those before."
    )


def _begun(subject: str) -> str:
    return subject[:1].upper() + subject[1:]
