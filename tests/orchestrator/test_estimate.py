"""What the config asks for, in bytes a day."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from beemon import devices
from beemon.config import settings as config
from beemon.devices.ask import resolve_devices
from beemon.orchestrator import estimate

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONFIG = """
[microphone.brood]
driver = "alsa"
card = "CARD=Device"
[microphone.brood.schedule]
interval = "5m"
duration = "60s"
[camera.entrance]
driver = "simulated"
bitrate = 800000
[camera.entrance.schedule]
window = ["06:00", "18:00"]
interval = "1h"
duration = "30s"
[camera.yard]
driver = "simulated"
width = 1000
height = 800
[camera.yard.schedule]
interval = "10m"
[camera.idle]
driver = "simulated"
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "1m"
"""


def planned(folder, text):
    (folder / "beemon.toml").write_text(text)
    return estimate.bytes_a_day(resolve_devices(config.load(folder / "beemon.toml").devices)[0], AT)


def test_slots_times_what_the_driver_says(tmp_path):
    assert planned(tmp_path, CONFIG) == pytest.approx({
        "microphone.brood": 288 * 60 * 48000 * 2 * 0.7,
        "camera.entrance": 12 * 30 * 100_000,
        "camera.yard": 144 * 1000 * 800 * 0.15,
        "ledger": (288 + 12 + 144) * 1500 + 1440 * 500,
    })


def test_without_a_schedule_nothing_is_planned(tmp_path):
    assert planned(tmp_path, '[camera.idle]\ndriver = "simulated"\n') == {}


@pytest.mark.parametrize(
    ("kind", "options"),
    [("microphone", {"rate": 16000}), ("microphone", {"rate": 48000}), ("camera", {})],
)
def test_what_a_driver_says_is_about_what_it_writes(tmp_path, kind, options):
    table = {"driver": "simulated", "speed": 10_000.0, **options}
    device = devices.load(kind, f"{kind}.x", table)
    device.open()
    device.record(tmp_path / "x", 10, threading.Event(), follows=False)
    written = (tmp_path / "x").stat().st_size / 10
    assert device.settings.bytes_a_second == pytest.approx(written, rel=0.3)
