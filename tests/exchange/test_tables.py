"""What an export holds of a ledger."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from beemon.exchange import tables
from beemon.exchange.period import parse
from beemon.exchange.tables import Row, UnknownDeviceError, View
from beemon.ledger.ledger import LedgerReader


def rows(reader: LedgerReader, name: str, *period: str, devices: tuple[str, ...] = ()) -> list[Row]:
    view = View(reader, parse(*(period or ("2026-06-01",))), devices, ZoneInfo("Europe/Berlin"))
    [table] = [table for table in tables.tables(view) if table.name == name]
    return list(table.rows())


def test_every_row_of_every_table_has_every_column(reader: LedgerReader) -> None:
    view = View(reader, parse("2026-06-01", "2026-06-02"))
    for table in tables.tables(view):
        for row in table.rows():
            assert all(column.name in row for column in table.columns), table.name


def test_a_reading_has_a_value_and_a_quality_or_a_reason(reader: LedgerReader) -> None:
    first, second = [r for r in rows(reader, "readings") if r["sensor"] == "sensor.scale"][:2]
    assert (first["value"], first["quality"], first["reason"]) == (None, None, "all-ones")
    assert (second["value"], second["quality"], second["reason"]) == (31_250.5, "few-samples", None)
    assert second["raw"] == -8123.0


def test_a_day_ends_where_the_next_begins(reader: LedgerReader) -> None:
    assert len(rows(reader, "readings")) == 9
    assert len(rows(reader, "readings", "2026-06-01", "2026-06-02")) == 18
    assert len(rows(reader, "readings", "2026-06-01T12:01", "2026-06-01T12:02")) == 3


def test_local_times_have_their_offset(reader: LedgerReader) -> None:
    assert rows(reader, "recordings")[0]["local"] == "2026-06-01T14:00:00.000+02:00"


def test_one_device_can_be_chosen(reader: LedgerReader) -> None:
    assert {r["sensor"] for r in rows(reader, "readings", devices=("sensor.brood",))} == {
        "sensor.brood"
    }
    assert rows(reader, "recordings", devices=("sensor.brood",)) == []
    assert len(rows(reader, "events", devices=("sensor.brood",))) == 1  # it concerns all


def test_a_device_that_the_ledger_does_not_know_is_told(reader: LedgerReader) -> None:
    View(reader, parse("2026-07-01"), ["sensor.brood", "microphone.brood"]).check_devices()
    view = View(reader, parse("2026-06-01"), ["sensor.brood", "sensor.brod"])
    with pytest.raises(UnknownDeviceError, match=r'did you mean "sensor.brood"'):
        view.check_devices()


def test_units_are_those_of_what_was_measured(reader: LedgerReader) -> None:
    view = View(reader, parse("2026-06-01"))
    assert [(u.quantity, u.unit) for u in tables.units(view)] == [
        ("humidity", "%"), ("temperature", "°C"), ("weight", "g"),
    ]
    assert tables.units(View(reader, parse("2026-07-01"))) == []
