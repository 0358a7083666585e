"""History: each reading of a short span, each hour of a long one, and never more than fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.facts import to_json
from beemon.base.moments import US_PER_DAY, US_PER_HOUR
from beemon.base.readings import Reading
from beemon.ledger import history
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger

NOW = 1_780_315_200_000_000  # 2026-06-01 12:00:00 UTC
MINUTE = 60_000_000


@pytest.fixture
def ledger(tmp_path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    yield ledger
    ledger.close()


def keep(ledger: Ledger, *minutes_ago: int, every_us: int = MINUTE, unit: str = "°C") -> None:
    with ledger.transaction():
        series.keep(ledger, 1, [
            Reading("sensor.a", "temperature", unit, float(ago), None,
                    Stamp(NOW - ago * every_us, 0.0, Quality.RTC))
            for ago in minutes_ago
        ])


def told(ledger: Ledger, span_us: int):
    found = history.history(ledger.db, "sensor.a", "temperature", NOW - span_us, NOW)
    return found and to_json(found)


def test_a_short_span_is_each_reading_in_order(ledger):
    keep(ledger, 3, 2, 1)
    with ledger.transaction():
        at = Stamp(NOW, 0.0, Quality.RTC)
        series.keep(ledger, 1, [
            Reading("sensor.a", "temperature", "°C", None, "timeout", at),
            Reading("sensor.a", "humidity", "%", 50.0, None, at),
        ])
    assert told(ledger, 2 * MINUTE) == {
        "device": "sensor.a", "quantity": "temperature", "unit": "°C", "by": "reading",
        "columns": ["utc", "value", "reason", "quality"],
        "rows": [
            ["2026-06-01T11:58:00.000Z", 2.0, None, "good"],
            ["2026-06-01T11:59:00.000Z", 1.0, None, "good"],
            ["2026-06-01T12:00:00.000Z", None, "timeout", None],
        ],
    }


def test_a_long_span_is_each_hour(ledger):
    keep(ledger, 90, 61, 1)
    found = told(ledger, 3 * US_PER_DAY)
    assert found["by"] == "hour"
    assert found["columns"] == ["utc", "mean", "minimum", "maximum", "count", "missing"]
    assert found["rows"] == [
        ["2026-06-01T10:00:00.000Z", 75.5, 61.0, 90.0, 2, 0],
        ["2026-06-01T11:00:00.000Z", 1.0, 1.0, 1.0, 1, 0],
    ]


def test_a_short_span_of_too_many_readings_is_each_hour(ledger):
    keep(ledger, *range(history.MOST_READINGS + 1), every_us=1_000_000)
    assert told(ledger, US_PER_DAY)["by"] == "hour"
    assert told(ledger, US_PER_DAY // 48)["by"] == "reading"


def test_of_too_many_hours_it_tells_the_newest_and_says_so(ledger):
    keep(ledger, *range(history.MOST_HOURS + 1), every_us=US_PER_HOUR)
    found = told(ledger, 3650 * US_PER_DAY)
    assert found["truncated"]
    assert len(found["rows"]) == history.MOST_HOURS
    assert found["rows"][-1][0] == "2026-06-01T12:00:00.000Z"
    assert "truncated" not in told(ledger, 10 * US_PER_DAY)


def test_where_the_unit_changed_it_tells_of_the_one_in_use(ledger):
    keep(ledger, 10, unit="°F")
    keep(ledger, 5)
    assert told(ledger, US_PER_DAY)["unit"] == "°C"
    assert len(told(ledger, US_PER_DAY)["rows"]) == 1


def test_what_was_never_measured_has_no_history(ledger):
    assert told(ledger, US_PER_DAY) is None
    keep(ledger, 1)
    assert series.quantities(ledger.db, "sensor.a") == ["temperature"]
    assert series.quantities(ledger.db, "sensor.b") == []


@pytest.mark.parametrize(("column", "value"), [
    ("value", b"\x00"), ("quality", "odd"), ("raw", "many"), ("job", 0.5),
    ("monotonic_ms", "late"), ("clock", "odd"), ("uncertainty", "little"), ("calibration", 1.5),
    ("utc_us", "noon"),
])
def test_a_damaged_reading_is_left_out(ledger, column, value):
    with ledger.transaction():
        for ago in (2, 1, 0):
            at = Stamp(NOW - ago * MINUTE, 7.0, Quality.SYNCHRONISED)
            reading = Reading("sensor.a", "temperature", "°C", float(ago), None, at, raw=5)
            series.keep(ledger, 1, [reading])
    assert [row[1] for row in told(ledger, 9 * MINUTE)["rows"]] == [2.0, 1.0, 0.0]
    ledger.db.execute(
        f"UPDATE readings SET {column} = ? WHERE utc_us = ?",
        (value, NOW - MINUTE),
    )
    assert [row[1] for row in told(ledger, 9 * MINUTE)["rows"]] == [2.0, 0.0]
