"""The parts of the uplink's process: none of them keeps the others from their work."""

from __future__ import annotations

import inspect
import os
import re
import textwrap
import tomllib
from datetime import datetime
from itertools import pairwise

import pytest

from beemon.base.moments import to_microseconds
from beemon.base.options import RawTable
from beemon.ledger import identity
from beemon.uplink import destinations, kept, service
from beemon.uplink.hive import Archive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions, UplinkSettings
from beemon.uplink.state import States
from tests.book import FakeClock
from tests.hive import until
from tests.uplink.conftest import nobody


def table(name: str, **values: object) -> RawTable:
    return RawTable(name, values, {(): "beemon.toml, line 1"})


@pytest.fixture
def options(ledger, tmp_path):
    with ledger.transaction():
        identity.settle(ledger, None)
    for name in ("state", "run"):
        (tmp_path / name).mkdir()
    return lambda *tables: UplinkOptions(
        hive="apiary-7", archive=ledger.archive, connect=nobody, state=tmp_path / "state",
        runtime=tmp_path / "run", tables={one.name: one for one in tables},
    )


def test_a_destination_that_cannot_be_made_stops_no_other_and_is_tried_again(
    options, tmp_path, server
):
    (tmp_path / "state/prometheus").write_text("a file in the place of its folder")
    given = options(
        table("prometheus", file=str(tmp_path / "metrics")),
        table("influx", url=f"{server.url}/write"),
    )
    uplink = service.start(given)
    try:
        assert [courier.name for courier in uplink.couriers] == ["influx"]
        assert uplink.states.seen()["prometheus"].trouble
        (tmp_path / "state/prometheus").unlink()
        service._start_waiting(uplink, given)
        until(lambda: (tmp_path / "metrics").exists())
    finally:
        service.stop(uplink)


def test_a_defect_while_a_destination_is_made_is_logged_once_with_its_traceback(
    options, tmp_path, caplog
):
    uplink = service.start(options())
    uplink.waiting["alerts"] = object()  # no settings of any destination
    for _ in range(3):
        service._start_waiting(uplink, options())
    assert "see: sudo journalctl" in (uplink.states.seen()["alerts"].trouble or "")
    [found] = [one for one in caplog.records if one.exc_info]
    assert found.levelname == "ERROR"
    assert "AttributeError" in caplog.text
    service.stop(uplink)


@pytest.mark.parametrize("name", [destinations.LINK, "alerts", "mqtt", "upload"])
def test_each_example_of_the_manual_is_a_good_table(name):
    module = None if name == destinations.LINK else destinations._module(name)
    text = inspect.getdoc(module.Settings if module else UplinkSettings) or ""
    [example] = re.findall(rf"^    \[{name}\]\n(?:    .*\n|\n)*(?:    .*)?", text, re.MULTILINE)
    content = tomllib.loads(textwrap.dedent(example))
    [(table, value)] = content.items()
    raw = RawTable(table, value, {(): "the manual"})
    assert destinations.read_tables({table: raw})[1] == []


def test_a_wrong_table_of_the_link_is_no_link_without_limits():
    wrong = {"uplink": table("uplink", daily_budget="5 things")}
    settings, problems = destinations.read_tables(wrong)
    assert problems
    assert destinations.link_settings(settings, wrong).daily_budget == 0
    assert destinations.link_settings({}, {}).daily_budget is None


def test_a_folder_belongs_to_one_uplink_alone(tmp_path):
    held = kept.hold(tmp_path)
    with pytest.raises(BlockingIOError, match="another uplink"):
        kept.hold(tmp_path)
    os.close(held)
    os.close(kept.hold(tmp_path))


@pytest.mark.parametrize(("now", "may_send"), [("21:59", False), ("23:00", True), ("06:30", False)])
def test_recordings_and_history_keep_to_the_hours_of_the_link(
    now, may_send, tmp_path, monkeypatch
):
    monkeypatch.setenv("TZ", "UTC")
    at_us = to_microseconds(datetime.fromisoformat(f"2026-06-01T{now}Z"))
    given = {"uplink": table("uplink", hours=["12:00-13:00", "22:00-06:30"])}
    settings, problems = destinations.read_tables(given)
    assert not problems
    clock = FakeClock()
    clock.utc_us = at_us
    meter = Meter(tmp_path / "sent", destinations.link_settings(settings, given), clock)
    assert meter.may_send() is may_send


def test_a_request_that_nobody_takes_ends_a_back_off_once(tmp_path):
    class Courier:
        name, hurries = "upload", 0

        def hurry(self) -> None:
            self.hurries += 1

    courier = Courier()
    (tmp_path / "upload-now").touch()
    asked = service._hurry_if_asked(tmp_path, [courier], service.Asked())
    asked = service._hurry_if_asked(tmp_path, [courier], asked)
    assert courier.hurries == 1
    os.utime(tmp_path / "upload-now", (5, 5))
    service._hurry_if_asked(tmp_path, [courier], asked)
    assert courier.hurries == 2


def test_a_state_that_cannot_be_written_is_told_once(tmp_path, caplog):
    states = States(tmp_path / "gone/state.json")
    for _ in range(3):
        states.write(at_once=True)
    assert caplog.text.count("is not written") == 1


def test_a_state_is_written_when_it_changes_and_not_at_each_look(tmp_path):
    file = tmp_path / "state.json"
    states = States(file)
    states.note("mqtt", state="working")
    written = []
    for changes in ({}, {}, {"trouble": "it is away"}, {}, {"trouble": None}):
        states.note("mqtt", **changes)
        states.write()
        written.append(file.stat().st_ino)  # another than that of the file that it replaces
    assert [a != b for a, b in pairwise(written)] == [False, True, False, True]


def test_a_record_that_nobody_can_read_wakes_all_and_ends_no_look(options):
    class Broken:
        def __init__(self, archive: Archive) -> None:
            self.feed, self.close = archive.feed, archive.close

        def find_news(self):
            return {}["what a defect looks for"]

    class Courier:
        name, wakes = "upload", 0

        def wake(self) -> None:
            self.wakes += 1

        def end(self, seconds: float) -> None:
            pass

    uplink = service.start(options())
    assert uplink.archive.find_news() is None
    broken = uplink._replace(archive=Broken(uplink.archive), couriers=[Courier(), Courier()])
    service._tell_news(broken)
    assert [courier.wakes for courier in broken.couriers] == [1, 1]
    assert uplink.archive.find_news() is None
    service.stop(broken)


def test_all_destinations_are_told_to_end_before_one_is_waited_for(options):
    calls = []

    class Blocked:
        def __init__(self, name: str) -> None:
            self.name = name

        def end(self, seconds: float) -> None:
            calls.append((self.name, seconds > 0))

    uplink = service.start(options())
    uplink.couriers.extend([Blocked("mqtt"), Blocked("upload")])
    service.stop(uplink)
    assert calls[:2] == [("mqtt", False), ("upload", False)]
    assert calls[2:] == [("mqtt", True), ("upload", True)]
