"""The weather beside the other sensors: a source that does not answer costs its own reading."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.hive import PATIENCE_SECONDS, Hive

SILENT = """
[sensor.weather]
driver = "weather"
source = "http://127.0.0.1:{port}/"
wait = "5m"
timeout = "6m"
fields = {{ temperature = "t" }}

[sensor.brood]
driver = "simulated"
"""


@pytest.mark.process
def test_a_silent_source_keeps_no_other_sensor_waiting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, \
            Hive(tmp_path, SILENT.format(port=silent.getsockname()[1])) as hive:
        weather = hive.ask("read sensor.weather")["job"]
        silent.settimeout(PATIENCE_SECONDS)
        connection, _ = silent.accept()
        with connection:
            assert hive.do("read sensor.brood")["outcome"] == "done"
            assert "outcome" not in hive.ask(f"job {weather}")
        outcome = hive.wait(weather)
    assert (outcome["outcome"], outcome["reason"]) == ("failed", "no-answer")
    assert "does not answer" in outcome["message"]
