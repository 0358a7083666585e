"""The route of the metrics."""

from __future__ import annotations

from beemon.web.roles import Role
from tests.web.asking import ask, options_for


def test_a_recorder_that_is_silent_is_down_and_the_archive_still_told(archive, tmp_path):
    [answer] = ask(options_for(archive, tmp_path), "/metrics", role=Role.VIEWER)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\nbeemon_up 0\n" in answer.body
    labels = b'{device="sensor.brood",quantity="temperature"}'
    assert b"beemon_reading_celsius" + labels + b" 35.25\n" in answer.body


def test_without_an_archive_there_are_few_metrics_and_no_error(tmp_path):
    [answer] = ask(options_for(tmp_path / "none", tmp_path), "/metrics")
    assert (answer.status, answer.body.splitlines()[-1]) == (200, b"beemon_up 0")
