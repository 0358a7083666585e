"""Unusual hives behind the API: one without a device, and one with sixty sensors."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.protocol.client import Client
from beemon.web.roles import Role
from tests.hive import Hive
from tests.web.asking import Answer, ask, options_for, send
from tests.web.test_data import ALL, address

pytestmark = pytest.mark.process

CAMERA = """
[camera.a]
driver = "simulated"
"""
SIXTY = "".join(
    f'[sensor.s{number}]\ndriver = "simulated"\nquantities = ["weight", "bees_in", "bees_out"]\n'
    for number in range(60)
)


def answers(hive: Hive, folder: Path, *paths: str) -> list[Answer]:
    folder.mkdir(exist_ok=True)
    return ask(options_for(hive.archive, folder, lambda: Client(port=hive.port)), *paths)


def test_a_hive_without_a_device_is_told_as_it_is(tmp_path):
    with Hive(tmp_path, "") as hive:
        found = answers(hive, tmp_path / "page", *map(address, ALL))
        status, readings, calendar = answers(
            hive, tmp_path / "page", "/api/status", "/api/readings", "/api/calendar")
    assert {one.status for one in found} == {200, 404}
    assert (status.json["reached"], status.json["status"]["devices"]) == (True, {})
    assert readings.json == {"readings": []}
    assert len(calendar.json["days"]) == 91


def test_sixty_sensors_are_told_completely(tmp_path):
    with Hive(tmp_path, SIXTY) as hive:
        hive.do("read")
        readings, status, metrics, devices, traffic = answers(
            hive, tmp_path / "page", "/api/readings", "/api/status", "/metrics", "/api/devices",
            "/api/traffic?device=sensor.s59&since=today")
        options = options_for(hive.archive, tmp_path / "page", lambda: Client(port=hive.port))
        sent = send(options, "/api/commands", '{"command": "read sensor.s7"}')
        refused = send(options, "/api/commands", '{"command": "read sensor.s77"}')
        viewer = send(options, "/api/commands", '{"command": "read"}', Role.VIEWER)
    assert len({one["sensor"] for one in readings.json["readings"]}) == 60
    assert len(status.json["status"]["devices"]) == len(devices.json["devices"]) == 60
    assert metrics.body.count(b"\nbeemon_reading_grams{") == 60
    assert (traffic.status, len(traffic.json["in"][0])) == (200, 24)
    assert (sent.status, set(sent.json)) == (202, {"job"})
    assert (refused.status, refused.json["code"]) == (404, "unknown-device")
    assert viewer.status == 403


def test_a_live_view_can_be_cancelled_and_no_other_job(tmp_path):
    with Hive(tmp_path, CAMERA) as hive:
        (tmp_path / "page").mkdir()
        options = options_for(hive.archive, tmp_path / "page", lambda: Client(port=hive.port))

        def cancel(job: int | str) -> tuple[int, str | None]:
            told = send(options, "/api/commands", f'{{"command": "cancel {job}"}}')
            return told.status, told.json.get("code")

        live = hive.ask("live camera.a")["job"]
        video = hive.ask("record camera.a 60")["job"]
        assert cancel(video) == (400, "bad-parameter")
        assert cancel(999) == (404, "unknown-job")
        assert cancel("") == cancel("all") == cancel(f"{live} {video}") == (400, "bad-argument")
        assert cancel(live) == (202, None)
        ended = hive.wait(live)
        assert (ended["outcome"], ended["reason"]) == ("interrupted", "cancelled")
        assert "outcome" not in hive.ask(f"job {video}")
