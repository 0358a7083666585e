"""Weights in sentences."""

from __future__ import annotations


def in_kg(grams: float) -> str:
    """Grams as kilograms with two decimals."""
    return f"{grams / 1000:z.2f} kg"


def in_grams(grams: float, uncertainty: float | None = None) -> str:
    """Grams, with their standard uncertainty if known."""
    unsure = "" if uncertainty is None else f" ± {max(1.0, abs(uncertainty)):.0f}"
    return f"{grams:z.0f}{unsure} g"
