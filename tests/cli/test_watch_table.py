"""The live table of `beemon watch`: what it says, on wide and narrow screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from beemon.base.status import (
    DeviceState,
    DeviceStatus,
    InspectionStatus,
    ServiceStatus,
    TroubleStatus,
)
from beemon.cli import times
from beemon.cli.paper import Line, Paper, columns
from beemon.cli.watch_table import Lost, Seen, View, draw, short_span
from beemon.protocol.replies import DeviceConfig, JobFacts, ReadingFacts

NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
WIDE, NARROW = Paper(80, 24), Paper(40, 24)
GOOD = DeviceStatus(DeviceState.RESTING, 12.0, scheduled=True)
ILL = DeviceStatus(
    DeviceState.IN_TROUBLE, 7500.0, trouble="timeout: no answer within 5 s", scheduled=True
)


@pytest.fixture(autouse=True)
def summer() -> Iterator[None]:
    """The reader's clocks are two hours ahead of UTC."""
    times.prepare(usual=timezone(timedelta(hours=2)))
    yield
    times.prepare()


def status_of(devices: Mapping[str, DeviceStatus], **others: Any) -> ServiceStatus:
    """The status of a service with these devices."""
    is_ill = any(device.trouble for device in devices.values())
    usual: dict[str, Any] = {
        "state": "degraded" if is_ill else "healthy", "hive": "orchard", "version": "1",
        "uptime_seconds": 60.0, "heartbeat_age_seconds": 0.0, "running": {}, "waiting": 0,
        "troubles": (), "clock": "synchronised", "zone": "UTC", "archive": "/a",
    }
    return ServiceStatus(devices=devices, **{**usual, **others})


def reading(sensor: str, quantity: str, value: float | None, unit: str) -> ReadingFacts:
    """A latest reading."""
    return ReadingFacts(
        sensor, quantity, "2026-06-01T12:00:18Z", unit, value,
        reason=None if value is not None else "no-answer",
    )


def view_of(
    devices: Mapping[str, DeviceStatus], readings: tuple[ReadingFacts, ...] = (),
    jobs: tuple[JobFacts, ...] = (), passed: float = 0.0, lost: Lost | None = None,
    begun: Mapping[str, float] | None = None, **others: Any,
) -> View:
    """A view that was asked for ``passed`` seconds ago."""
    config = {name: DeviceConfig("simulated", 300.0, 125.0) for name in devices}
    seen = Seen(status_of(devices, **others), config, readings, jobs, NOW, 1000.0)
    return View(seen, lost, begun or {}, NOW, 1000.0 + passed)


def told(view: View, paper: Paper = WIDE) -> list[str]:
    """The texts of the lines, none of which is too wide."""
    lines = draw(view, paper)
    assert len(lines) == paper.height
    if lines[-1].text == "Press q to end.":
        lines = [*_without_end(lines[:-1])]
    assert all(columns(line.text) <= paper.width for line in lines), lines
    return [line.text for line in lines]


def _without_end(lines: list[Line]) -> list[Line]:
    """The lines up to the last one that has a text."""
    count = max((number for number, line in enumerate(lines, 1) if line.text), default=0)
    return lines[:count]


READINGS = (
    reading("sensor.brood", "humidity", 59.802, "%"),
    reading("sensor.brood", "outside_temperature", 18.43, "°C"),
    reading("sensor.brood", "temperature", 34.879, "°C"),
    reading("sensor.brood", "weight", 30243.918, "g"),
)


def test_a_wide_screen_has_the_state_the_values_the_age_and_the_next_use() -> None:
    assert told(view_of({"sensor.brood": GOOD, "camera.entrance": GOOD}, READINGS)) == [
        "orchard is working.                                              14:00:30 +02:00",
        "",
        "device           state    last value                                 age    next",
        "camera.entrance  resting                                            12 s   2 min",
        "sensor.brood     resting  30.244 kg, 34.88 °C, 59.80 %              12 s   2 min",
    ]


def test_the_news_of_the_colony_stand_below_the_state() -> None:
    view = view_of({"sensor.brood": GOOD}, READINGS)
    news = "At 12:15 1.3 kg left within 10 min: a swarm, or something was taken off. (beemon why 7)"
    view = view._replace(seen=view.seen._replace(news=news))
    for paper in (WIDE, NARROW):
        lines = told(view, paper)
        assert "At 12:15 1.3 kg left" in lines[1]
        assert "(beemon why 7)" in " ".join(" ".join(lines[1:5]).split())
    assert not any("1.3 kg left" in line for line in told(view, WIDE._replace(height=15)))
    lost = view._replace(lost=Lost("nothing answers", 1005.0))
    assert not any("1.3 kg left" in line for line in told(lost))


def test_a_narrow_screen_has_the_same_in_40_columns() -> None:
    assert told(view_of({"sensor.brood": GOOD, "camera.entrance": GOOD}, READINGS), NARROW) == [
        "orchard is working.      14:00:30 +02:00",
        "",
        "device       last value       age   next",
        "ca….entrance resting         12 s  2 min",
        "sensor.brood 30.244 kg       12 s  2 min",
    ]


def test_a_second_value_of_the_same_unit_has_its_name() -> None:
    [*_, row] = told(view_of({"sensor.brood": GOOD}, READINGS), Paper(120, 24))
    assert "30.244 kg, 34.88 °C, 59.80 %, outside_temperature 18.43 °C" in row


def test_values_that_do_not_fit_are_left_out_and_never_cut() -> None:
    [*_, row] = told(view_of({"sensor.brood": GOOD}, READINGS), Paper(63, 24))
    assert "30.244 kg, 34.88 °C " in row


def test_ages_and_times_count_on_between_two_looks() -> None:
    [*_, row] = told(view_of({"sensor.brood": GOOD}, READINGS, passed=30.0))
    assert row.split()[-4:] == ["42", "s", "2", "min"]
    [*_, row] = told(view_of({"sensor.brood": GOOD}, READINGS, passed=125.0))
    assert row.split()[-3:] == ["2", "min", "now"]


@pytest.mark.parametrize("paper", [WIDE, NARROW])
def test_no_devices_are_said_in_words(paper: Paper) -> None:
    assert told(view_of({}), paper)[2:] == ["The config names no device."]


@pytest.mark.parametrize("paper", [WIDE, NARROW, Paper(80, 8), Paper(20, 6), Paper(1, 1)])
def test_of_60_devices_those_in_trouble_are_shown_first(paper: Paper) -> None:
    devices = {f"sensor.number-{number}": GOOD for number in range(59)}
    lines = told(view_of({**devices, "sensor.z": ILL}), paper)
    if paper.height < 8:
        return
    assert any(line.startswith("sensor.z ") for line in lines)
    shown = sum(".number" in line or line.startswith("sensor.z ") for line in lines)
    assert f"and {60 - shown} more devices, for a taller window" in lines


def test_a_tall_screen_shows_60_devices_in_order() -> None:
    devices = {f"sensor.number-{number:02}": GOOD for number in range(60)}
    lines = told(view_of(devices), Paper(80, 70))
    assert [line.split()[0] for line in lines[3:]] == sorted(devices)


def test_a_device_in_trouble_has_its_reason_in_the_place_of_values_and_below() -> None:
    lines = draw(view_of({"sensor.brood": ILL, "sensor.ok": GOOD}, READINGS), WIDE)
    assert lines[0].text.startswith("orchard is working, with 1 problem.  ")
    assert lines[3] == Line(
        "sensor.brood  in-trouble  timeout: no answer within 5 s              2 h   2 min", True
    )
    assert lines[6:8] == [Line("Problem: sensor.brood: timeout: no answer within 5 s"), Line("")]
    assert lines[-1] == Line("Press q to end.")


def test_a_narrow_screen_shows_a_reason_that_fits() -> None:
    row = told(view_of({"sensor.brood": ILL}), NARROW)[4]
    assert row == "sensor.brood timeout: no…     2 h  2 min"


def test_a_device_that_is_held_back_or_tried_again_says_so_instead_of_the_next_use() -> None:
    devices = {
        "sensor.a": replace(GOOD, held_back="paused"),
        "sensor.b": replace(ILL, state=DeviceState.BACKING_OFF, retry_in_seconds=8),
        "sensor.c": replace(GOOD, scheduled=False),
        "output.fan": replace(GOOD, output="on", returns_in_seconds=90, scheduled=None),
    }
    rows = told(view_of(devices, passed=2.0))[3:7]
    assert [row.split()[-1] for row in rows] == ["-", "paused", "s", "-"]
    assert "  on, 1 min left  " in rows[0]
    assert rows[2].endswith(" 6 s")


def test_problems_of_the_service_have_their_remedies_in_few_lines() -> None:
    trouble = TroubleStatus("disk", "it is full " * 10, "delete something: rm -r / " * 10)
    lines = told(view_of({"sensor.a": GOOD}, troubles=(trouble,), state="degraded"), NARROW)
    begin = lines.index("Problem: disk: it is full it is full it")
    assert len(lines) == begin + 3
    assert lines[-1].endswith("…")


def test_problems_that_do_not_fit_are_in_the_status() -> None:
    troubles = tuple(TroubleStatus(str(number), "is wrong", "") for number in range(60))
    lines = told(view_of({"sensor.a": GOOD}, troubles=troubles, state="degraded"))
    assert lines[-1] == "More: beemon status"
    assert any(line.startswith("sensor.a ") for line in lines)


def test_a_job_at_work_has_its_progress() -> None:
    running = {"7": "record microphone.brood 30", "8": "read"}
    view = view_of(
        {"sensor.a": GOOD}, running=running, waiting=2, begun={"7": 988.0, "8": 995.0}, passed=3.0
    )
    assert told(view)[-4:] == [
        "",
        "job 7: record microphone.brood 30  [##########----------] 15 of 30 s",
        "job 8: read, 8 s",
        "2 more jobs",
    ]
    assert told(view, NARROW)[-4:-2] == [
        "job 7: record microphone.brood 30", "  [##########----------] 15 of 30 s"
    ]


def test_the_latest_failure_is_told_with_its_age() -> None:
    jobs = (
        JobFacts(9, "read", ended="2026-06-01T12:00:20Z", outcome="done"),
        JobFacts(8, "read sensor.a", ended="2026-06-01T12:00:10Z", outcome="failed",
                 reason="timeout", message="no answer"),
        JobFacts(7, "read", ended="2026-06-01T12:00:00Z", outcome="failed", reason="io"),
    )
    assert told(view_of({"sensor.a": GOOD}, jobs=jobs, passed=5.0))[-1] == \
        "Last failure, 25 s ago: job 8 (read sensor.a) failed (timeout): no answer"


@pytest.mark.parametrize("paper", [WIDE, NARROW])
def test_a_service_that_is_gone_is_said_with_the_time_and_its_values_are_old(paper: Paper) -> None:
    lost = Lost("nothing answers on 127.0.0.1 port 8080; see: systemctl status beemon", 1064.0)
    view = view_of({"sensor.brood": GOOD}, READINGS, passed=60.0, lost=lost,
                   running={"7": "read"})
    lines = told(view, paper)
    assert lines[0].startswith("orchard has not answered")
    assert "since 14:00:30, for 1 min." in " ".join(lines[:2])
    assert "OLD VALUES, from 14:00:30:" in lines
    assert any(line.startswith("Next attempt in 4 s. Last attempt:") for line in lines)
    assert lines[-1].split()[-3:] == ["1", "min", "?"]


def test_an_inspection_is_said_with_its_end() -> None:
    inspection = InspectionStatus("2026-06-01T11:50:00Z", 6600, "the queen was seen")
    assert told(view_of({}, inspection=inspection, passed=60.0))[1] == \
        "Inspection: the queen was seen; ends by itself in 1 h 49 min."


@pytest.mark.parametrize("paper", [WIDE, NARROW, Paper(12, 24), Paper(40, 24, "ascii")])
@pytest.mark.parametrize("name", [
    "Völkchen am Bienenstöckle", "蜂箱" * 20, "e\u0301" * 50, "\x1b[2J",
])
def test_names_of_all_kinds_fit_and_do_not_steer_the_terminal(paper: Paper, name: str) -> None:
    lines = told(view_of({"sensor.brood": GOOD}, READINGS, hive=name), paper)
    assert all(line.isprintable() for line in lines)
    "".join(lines).encode(paper.encoding)


def test_a_wide_character_takes_two_columns_and_a_combining_one_none() -> None:
    assert columns("蜂") == 2
    assert columns("e\u0301") == 1
    assert Paper(5, 1).cut("蜂蜂蜂") == "蜂蜂…"
    assert Paper(5, 1, "ascii").cut("abcdefg") == "ab..."


@pytest.mark.parametrize(("seconds", "text"), [
    (-3.0, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3569, "59 min"), (3570, "1 h"),
    (47.4 * 3600, "47 h"), (47.9 * 3600, "48 h"), (49 * 3600, "2 d"), (99 * 86400, "99 d"),
])
def test_a_short_span_has_one_unit(seconds: float, text: str) -> None:
    assert short_span(seconds) == text
