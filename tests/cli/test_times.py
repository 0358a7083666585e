"""A time for a person has its offset, whatever the zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.moments import EARLIEST_US, LATEST_US, iso
from beemon.cli import times

ZONES = [
    UTC, *map(ZoneInfo, ("Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"))
]


@pytest.fixture(autouse=True)
def _usual_clocks() -> Iterator[None]:
    yield
    times.prepare()


@pytest.mark.parametrize(("zone", "utc", "shown"), [
    ("Europe/Berlin", "2026-03-29T00:59:59.999Z", "2026-03-29 01:59:59 +01:00"),
    ("Europe/Berlin", "2026-03-29T01:00:00.000Z", "2026-03-29 03:00:00 +02:00"),
    ("Europe/Berlin", "2026-10-25T00:30:00.000Z", "2026-10-25 02:30:00 +02:00"),
    ("Europe/Berlin", "2026-10-25T01:30:00.000Z", "2026-10-25 02:30:00 +01:00"),
    ("Asia/Kolkata", "2026-06-01T18:30:00.000Z", "2026-06-02 00:00:00 +05:30"),
    ("America/St_Johns", "2026-01-01T00:00:00.000Z", "2025-12-31 20:30:00 -03:30"),
    ("Europe/London", "2026-01-01T00:00:00.000Z", "2026-01-01 00:00:00 +00:00"),
    ("UTC", "2026-06-01T12:00:00.000Z", "2026-06-01 12:00:00Z"),
    ("Etc/UTC", "2026-06-01T12:00:00.000Z", "2026-06-01 12:00:00Z"),
])
def test_a_time_is_local_with_its_offset(
    zone: str, utc: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    times.prepare()
    assert times.text(utc) == shown
    assert times.in_sentence(f"since {utc}, {utc}.") == f"since {shown}, {shown}."
    times.prepare(utc=True)
    assert times.text(utc) == f"{utc[:10]} {utc[11:19]}Z"


@given(st.integers(EARLIEST_US, LATEST_US), st.sampled_from(ZONES))
def test_no_time_is_ambiguous(utc_us: int, zone: ZoneInfo) -> None:
    times.prepare(usual=zone)
    said = times.text(iso(utc_us))
    meant = datetime.fromisoformat(said.replace(" ", "T", 1).replace(" ", ""))
    assert abs(meant - datetime.fromisoformat(iso(utc_us))) <= timedelta(seconds=1)
    assert times.in_sentence(f"({said})") == f"({said})"


@pytest.mark.parametrize("said", [
    "", "999999999999999999 us", "recordings/2026-06-01/h@2026-06-01@12-00-00Z.flac",
    "2026-06-01", "at 12:00", "2026-06-01 14:05", "2026-99-01T12:00:00Z",
])
def test_what_is_no_time_stays_as_it_is(said: str) -> None:
    times.prepare(usual=ZONES[1])
    assert times.text(said) == times.in_sentence(said) == said


def test_a_column_has_one_offset_in_its_heading_or_each_time_its_own() -> None:
    times.prepare(usual=ZONES[1])
    summer, winter = "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"
    assert times.column("when", [summer, ""]) == ["when (+02:00)", "2026-10-25 02:30:00", ""]
    assert times.column("when", [summer, winter]) == [
        "when", "2026-10-25 02:30:00 +02:00", "2026-10-25 02:30:00 +01:00",
    ]
    assert times.column("when", []) == ["when"]
    times.prepare(utc=True)
    assert times.column("when", [winter]) == ["when", "2026-10-25 01:30:00Z"]


def test_every_time_of_the_command_line_comes_from_one_place() -> None:
    source = Path(times.__file__).parent
    makes_a_time = re.compile(r"\.isoformat\(|strftime\(|\bctime\(|:%[YmdHMS]|clock_text\(")
    found = {
        file.name for file in source.glob("*.py") if makes_a_time.search(file.read_text("utf-8"))
    }
    in_a_chart, in_a_file_name = "series.py", "support.py"
    assert found == {"times.py", in_a_chart, in_a_file_name}


@pytest.mark.parametrize("zone", ZONES)
def test_the_age_of_a_time_to_come_is_the_time_itself(zone: ZoneInfo) -> None:
    times.prepare(usual=zone)
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    later = (now + timedelta(hours=1)).isoformat()
    assert times.age(later, now) == times.text(later)
    assert times.age(later, now + timedelta(hours=1, minutes=2)) == "2 min ago"
