"""The reply to `status` for a person: what it has besides the service's words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from beemon.base.facts import to_json
from beemon.base.status import DestinationStatus, ServiceStatus, UplinkStatus
from beemon.cli.health import page_hint, parts
from beemon.cli.layout import Table

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_way_to_the_page_of_this_machine_is_shown(tmp_path: Path) -> None:
    assert page_hint(tmp_path) == ""
    (tmp_path / "run/beemon-web").mkdir(parents=True)
    (tmp_path / "run/beemon-web.socket").touch()
    assert page_hint(tmp_path) == "`beemon page` shows its address"
    (tmp_path / "run/beemon-web/code").touch()
    assert "no password yet" in page_hint(tmp_path)


def shown(uplink: UplinkStatus | None) -> dict[str, str]:
    """The rows of a status, by their names."""
    status = ServiceStatus(
        state="healthy", hive="apiary-7", version="1", uptime_seconds=1.0,
        heartbeat_age_seconds=1.0, devices={}, running={}, waiting=0, troubles=(), clock="rtc",
        zone="UTC", archive="/var/lib/beemon", uplink=uplink,
    )
    tables = [part for part in parts(to_json(status), None, NOW) if isinstance(part, Table)]
    return {row[0]: row[1] for row in tables[-1].rows}


def at(minutes: int) -> str:
    return f"2026-06-01T11:{60 - minutes:02}:00.000Z"


def test_a_hive_without_an_uplink_says_nothing_of_it() -> None:
    assert "uplink" not in shown(None)


def test_an_uplink_that_does_not_run_is_told() -> None:
    assert "does not run" in shown(UplinkStatus())["uplink"]


def test_an_uplink_that_is_silent_is_told_with_its_age() -> None:
    assert shown(UplinkStatus(at=at(5)))["uplink"].startswith("last heard of 5 min ago")


@pytest.mark.parametrize(("status", "text"), [
    (DestinationStatus(state="working", delivered=at(2)), "working, last delivery 2 min ago"),
    (DestinationStatus(state="catching-up"), "catching up"),
    (DestinationStatus(state="in-trouble", trouble="its disk is full"),
     "in trouble: its disk is full"),
    (DestinationStatus(state="working", note="one picture is too large"),
     "working, with a problem: one picture is too large"),
])
def test_each_destination_has_a_line(status: DestinationStatus, text: str) -> None:
    found = shown(UplinkStatus(at=at(1), destinations={"influx": status}))
    assert found["influx"] == text
    assert "uplink" not in found
