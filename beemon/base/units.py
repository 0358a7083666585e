"""Units: the usual unit of a quantity, and the conversion of others to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def to_celsius(fahrenheit: float) -> float:
    """Degrees Fahrenheit in degrees Celsius, by definition."""
    return (fahrenheit - 32) * 5 / 9


USUAL: Mapping[str, tuple[str, Callable[[float], float]]] = {
    "F": ("°C", to_celsius),
    "°F": ("°C", to_celsius),
    "C": ("°C", float),
    "lb": ("g", lambda pounds: pounds * 453.59237),
    "kg": ("g", lambda kilograms: kilograms * 1000),
}
"""The usual unit by another one, and the linear conversion to it. Other units stay as they are."""


def usual(unit: str) -> str:
    """The usual unit of values in a unit."""
    return USUAL[unit][0] if unit in USUAL else unit
