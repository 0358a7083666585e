"""Readings for the tests of the formats."""

from __future__ import annotations

from beemon.formats.measured import Measured

NOON_US = 1_780_315_200_000_000
"""2026-06-01T12:00:00Z"""

TEMPERATURE = Measured(
    NOON_US, "sensor.brood", "temperature", "°C", 34.8, quality="good", clock="rtc", job=7
)
HUMIDITY = Measured(NOON_US + 250_000, "sensor.brood", "humidity", "%", 61.5, clock="rtc", job=7)
NO_WEIGHT = Measured(NOON_US, "sensor.scale", "weight", "g", None, "all-ones", clock="rtc", job=8)
WEIGHT = NO_WEIGHT._replace(
    utc_us=NOON_US + 60_000_000, value=31_250.5, reason=None, quality="few-samples",
    uncertainty=2.5,
)
OUTSIDE = TEMPERATURE._replace(sensor="sensor.outside", value=-3.25)
