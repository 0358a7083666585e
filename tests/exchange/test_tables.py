"""What an export holds of a ledger."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base import moments
from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, STANDS, Finding, Measured
from beemon.exchange import tables
from beemon.exchange.period import Period, parse
from beemon.exchange.tables import UnknownDeviceError, View
from beemon.ledger import findings
from beemon.ledger.ledger import Ledger, LedgerReader
from tests.seasons import DAY, MINUTE, NOON

Row = dict[str, Any]


def rows_of(view: View, name: str) -> list[Row]:
    """The rows of a table by the names of its columns."""
    [table] = [table for table in tables.tables(view) if table.name == name]
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows()]


def rows(reader: LedgerReader, name: str, *period: str, devices: tuple[str, ...] = ()) -> list[Row]:
    view = View(reader, parse(*(period or ("2026-06-01",))), devices)
    return rows_of(view, name)


def test_every_row_of_every_table_has_every_column(reader: LedgerReader) -> None:
    view = View(reader, parse("2026-06-01", "2026-06-02"))
    for table in tables.tables(view):
        for row in table.rows():
            assert len(row) == len(table.columns), table.name


def test_a_reading_has_a_value_and_a_quality_or_a_reason(reader: LedgerReader) -> None:
    first, second = [r for r in rows(reader, "readings") if r["sensor"] == "sensor.scale"][:2]
    assert (first["value"], first["quality"], first["reason"]) == (None, None, "all-ones")
    assert (second["value"], second["quality"], second["reason"]) == (31_250.5, "few-samples", None)
    assert second["raw"] == -8123.0


def test_a_day_ends_where_the_next_begins(reader: LedgerReader) -> None:
    assert len(rows(reader, "readings")) == 9
    assert len(rows(reader, "readings", "2026-06-01", "2026-06-02")) == 18
    assert len(rows(reader, "readings", "2026-06-01T12:01", "2026-06-01T12:02")) == 3


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


OFFSETS_MINUTES = (-20, -1, 0, 9, 10, 11, 30, None)
"""From a slot to the time when its job was accepted; None: a job without a slot."""


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from(OFFSETS_MINUTES)), max_size=20),
       st.integers(0, 60), st.integers(1, 60))
def test_jobs_are_found_by_when_they_were_accepted(
    accepted: list[tuple[int, int | None]], first: int, minutes: int
) -> None:
    times = [(NOON + minute * MINUTE, offset) for minute, offset in accepted]
    period = Period(NOON + first * MINUTE, NOON + (first + minutes) * MINUTE, "")
    with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder))) as ledger:
        ledger.prepare()
        ledger.begin_run()
        for at_us, offset in times:
            slot_us = None if offset is None else at_us - offset * MINUTE
            ledger.accept("read", "test", Stamp(at_us, 1.0, Quality.RTC), slot_us)
        found = [row["accepted_utc"] for row in rows_of(View(ledger, period), "jobs")]
    expected = sorted(at for at, _ in times if period.from_us <= at < period.until_us)
    assert found == expected


@given(st.integers(0, 20 * 24 * 60), st.integers(1, 30 * 24 * 60))
def test_the_parts_of_a_view_are_the_whole(first: int, minutes: int) -> None:
    period = Period(NOON + first * MINUTE, NOON + (first + minutes) * MINUTE, "")
    with closing(sqlite3.connect(":memory:")) as db:
        parts = [part.period for part in View(SimpleNamespace(db=db), period).parts("jobs")]
    assert (parts[0].from_us, parts[-1].until_us) == (period.from_us, period.until_us)
    assert all(one.until_us == next.from_us for one, next in pairwise(parts))
    assert all(one.until_us % (60 * MINUTE) == 0 for one in parts[:-1])


def test_an_hour_is_in_the_export_of_each_period_that_it_touches(tmp_path: Path) -> None:
    hour = NOON // (60 * MINUTE)
    with closing(Ledger(tmp_path)) as ledger:
        ledger.prepare()
        ledger.db.execute("INSERT INTO series VALUES (1, 'sensor.b', 'q', ''), (2, 'a', 'q', '')")
        ledger.db.executemany(
            "INSERT INTO hours (series, hour, count, missing) VALUES (?, ?, 1, 0)",
            [(series, hour + n) for series in (1, 2) for n in range(3 * 7 * 24)],
        )

        def told(from_us: int, until_us: int) -> list[tuple[int, str]]:
            view = View(ledger, Period(from_us, until_us, ""))
            found = rows_of(view, "hours")
            return [(row["utc"] // (60 * MINUTE) - hour, row["sensor"]) for row in found]

        assert told(NOON + MINUTE, NOON + 60 * MINUTE) == [(0, "sensor.b"), (0, "a")]
        assert told(NOON, NOON + 61 * MINUTE) == [
            (n, sensor) for n in (0, 1) for sensor in ("sensor.b", "a")
        ]
        whole = told(NOON + MINUTE, NOON + 21 * DAY)
    assert whole == [(n, sensor) for n in range(21 * 24) for sensor in ("sensor.b", "a")]


def test_units_are_those_of_what_was_measured(reader: LedgerReader) -> None:
    view = View(reader, parse("2026-06-01"))
    assert [(u.quantity, u.unit) for u in tables.units(view)] == [
        ("humidity", "%"), ("temperature", "°C"), ("weight", "g"),
    ]
    assert tables.units(View(reader, parse("2026-07-01"))) == []


def test_findings_are_the_latest_of_each_matter_with_their_reasons(
    ledger: Ledger, tmp_path: Path
) -> None:
    swarm = Finding(
        "swarm", FIRST, "apiary-7", "2026-06-01T12:15:00.000Z", "2026-06-01T12:45:00.000Z",
        "2026-06-01T12:45:00.000Z", "At 12:15 1.3 kg left.", "swarm", 1, "sensor.scale",
        measured=(Measured("loss", 1300.0, "g", 12.0, 36),), for_=("By day: über 20 °C.",),
    )
    with ledger.transaction():
        at = Stamp(moments.from_iso("2026-06-01T13:00:00Z"), 1.0, Quality.SYNCHRONISED)
        first = findings.enter(ledger, swarm, at)
        last = findings.enter(ledger, replace(swarm, stage=STANDS, revises=first), at)
        findings.enter_label(ledger, last, "no", at)
    with closing(LedgerReader(tmp_path)) as reader:
        [row] = rows(reader, "findings")
        assert rows(reader, "findings", devices=("sensor.brood",)) == []
        assert rows(reader, "findings", "2026-06-02") == []
    assert (row["finding"], row["stage"], row["revises"], row["label"]) == (
        last, "stands", first, "no"
    )
    assert row["from_utc"] == moments.from_iso(swarm.from_)
    assert row["for"] == '["By day: über 20 °C."]'
    assert json.loads(row["measured"]) == [
        {"name": "loss", "value": 1300.0, "unit": "g", "uncertainty": 12.0, "n": 36}
    ]
