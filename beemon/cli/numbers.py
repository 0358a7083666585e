"""Numbers with their units, in sizes that people use."""

from __future__ import annotations

import math

_LARGER = {  # units for large values: from which value on, their name, and decimals
    "B": ((1e9, "GB", 1), (1e6, "MB", 1), (1e3, "kB", 1)),
    "g": ((1e3, "kg", 3),),
}
DECIMALS = {"dBFS": 1, "Hz": 1, "%": 2}  # as far as it means something; programs get it all
_SPANS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"))
_MONTH, _YEAR = 30.44 * 86400, 365.25 * 86400


def amount(value: float, unit: str) -> str:
    """A value in a unit of a size that people use: ``70.2 GB``, ``29.8 kg``, ``35.07 °C``."""
    for least, larger, decimals in _LARGER.get(unit, ()):
        if abs(value) >= least:
            return f"{value / least:.{decimals}f} {larger}"
    if unit in DECIMALS:
        return f"{value:.{DECIMALS[unit]}f} {unit}"
    return f"{value:.7g} {unit}".rstrip()


def rounded(value: float, uncertainty: float | None) -> tuple[float, float | None]:
    """A value and its uncertainty, to the second digit of that; without it, to four digits."""
    least, digits = (uncertainty, 2) if uncertainty else (value, 4)
    if not least or not math.isfinite(least) or not math.isfinite(value):
        return value, uncertainty
    places = digits - 1 - math.floor(math.log10(abs(least)))
    return round(value, places), uncertainty and round(uncertainty, places)


def larger_unit(largest: float, unit: str) -> tuple[float, str]:
    """The factor and the unit in which people read values up to ``largest``."""
    for least, larger, _ in _LARGER.get(unit, ()):
        if largest >= least:
            return least, larger
    return 1.0, unit


def recorded_seconds(command: str) -> float | None:
    """The length of the recording or the live picture that a command asks for; None for others."""
    verb, *arguments = command.split(" ")
    if verb not in ("record", "live") or len(arguments) < 2:
        return None
    try:
        return float(arguments[1])
    except ValueError:
        return None


def span(seconds: float) -> str:
    """``0.8 s``, ``45 s``, ``12 min``, ``3 h 20 min``, ``5 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds >= 2 * _YEAR:
        return "more than 100 years" if seconds > 100 * _YEAR else f"{seconds / _YEAR:.1f} years"
    if seconds > 90 * 86400:
        return f"{seconds / _MONTH:.0f} months"
    for large, name, small, smaller in _SPANS:
        if seconds >= large:
            rest = int(seconds % large // small)
            return f"{seconds // large:.0f} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds // 60:.0f} min"
