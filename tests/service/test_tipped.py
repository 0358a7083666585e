"""A hive that fell over, by the real service: from an accelerometer's buffer to the alert."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import readings
from beemon.ledger.ledger import Ledger
from beemon.uplink.destinations.alerts.defaults import rules_for
from beemon.uplink.destinations.alerts.rules import FindingRule
from tests.grounds.sysfs import Sysfs
from tests.hive import Hive, until

pytestmark = pytest.mark.timeout(1200)

PATIENCE_SECONDS = 500.0
"""The look has idle priority."""
DEVICES = """
[sensor.comb]
driver = "accelerometer"
device = "adxl345"
rate = 25
seconds = "1s"
sysfs = "{root}/sys"
dev = "{root}/dev"
[sensor.comb.schedule]
interval = "5s"
"""
LYING = (248, 0, 60)
"""The axes of a chip that lies at 76°, in steps of 0.0383 m/s²: 256 are 1 g."""


class Lying:
    """An accelerometer in a hive that lies on its side: sysfs, and a pipe for its buffer."""

    def __init__(self, root: Path) -> None:
        folder = Sysfs(root / "sys").iio(
            0, "adxl345", "1-0053", in_accel_scale=0.0383, sampling_frequency=25,
            sampling_frequency_available="25", in_accel_x_raw=0,
        )
        for name, files in {
            "buffer": {"enable": "0", "length": "0"},
            "scan_elements": {
                f"in_accel_{axis}_{part}": str(value) for index, axis in enumerate("xyz")
                for part, value in (("en", 0), ("index", index), ("type", "le:s13/16>>0"))
            },
        }.items():
            (folder / name).mkdir()
            for file, text in files.items():
                (folder / name / file).write_text(f"{text}\n")
        (root / "dev").mkdir()
        os.mkfifo(root / "dev/iio:device0")
        self._pipe = os.open(root / "dev/iio:device0", os.O_RDWR | os.O_NONBLOCK)
        self._is_over = threading.Event()
        self._feeding = threading.Thread(target=self._feed)

    def _feed(self) -> None:
        """Keep the pipe full; a real buffer is only filled while it is read."""
        number = 0
        while not self._is_over.wait(0.02):
            with contextlib.suppress(BlockingIOError):
                for number in range(number, number + 50):  # noqa: B020
                    noise = number % 3 - 1
                    os.write(self._pipe, struct.pack("<hhh", *(each + noise for each in LYING)))

    def __enter__(self) -> None:
        self._feeding.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._feeding.join()
        os.close(self._pipe)


@pytest.fixture
def fallen(tmp_path: Path) -> Iterator[Hive]:
    """A service whose hive stood upright until an hour ago, and fell while it was stopped."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "clock-is-synchronised").touch()
    hive = Hive(tmp_path, DEVICES.format(root=tmp_path), RUNTIME_DIRECTORY=str(runtime))
    hive.start()
    assert hive.stop() == 0
    with Lying(tmp_path):
        ledger = Ledger(hive.archive)
        now_us = time.time_ns() // 1000
        with ledger.transaction():
            ledger.begin_run()
            readings.keep(ledger, 1, [
                Reading("sensor.comb", "tilt", "°", 2.0 + number % 3 / 10, None, Stamp(
                    now_us - (3 * 3600 - number * 60) * 1_000_000, 1.0, Quality.SYNCHRONISED
                )) for number in range(120)
            ])
        ledger.close()
        yield hive


def tipped(hive: Hive) -> list[dict[str, Any]]:
    found = hive.ask("events 2d finding")["events"]
    return [each for each in found if each["facts"]["kind"] == "tipped"]


@pytest.mark.process
def test_a_hive_that_fell_while_the_service_was_stopped_is_reported(fallen: Hive) -> None:
    with fallen:
        [event] = until(lambda: tipped(fallen), PATIENCE_SECONDS)
        assert "had fallen over: it leans by 76°, and stood at 2°." in event["message"]
        assert event["facts"]["device"] == "sensor.comb"
        said = subprocess.run(
            [sys.executable, "-m", "beemon", "status", "--config", str(fallen.config)],
            capture_output=True, text=True, check=False,
        ).stdout
        assert "had fallen over" in said


@pytest.mark.long
@pytest.mark.process
def test_it_is_not_reported_again_at_the_next_start(fallen: Hive) -> None:
    with fallen:
        found = until(lambda: tipped(fallen), PATIENCE_SECONDS)
        assert fallen.stop() == 0
    with fallen:
        time.sleep(150)  # the first minute of the run, and its look
        assert tipped(fallen) == found


def test_the_alerts_have_a_rule_for_it() -> None:
    rule = rules_for(None)["tipped"]
    assert isinstance(rule, FindingRule)
    assert rule.urgent
    assert rule.takes("tipped", "sensor.comb")
