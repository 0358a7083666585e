"""`beemon setup` with real kernel devices: a sound card, a camera and a chip, none configured."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from tests.guest.i2c import Chip, bus, swapped
from tests.hive import Hive, until

RATE = 48_000
CARD = "Loopback"


@contextlib.contextmanager
def playing(folder: Path) -> Iterator[None]:
    """Let the card hear noise."""
    file = folder / "noise.wav"
    noise = np.random.default_rng(1).normal(0, 0.05, 600 * RATE)
    soundfile.write(file, noise, RATE, subtype="PCM_16")
    player = subprocess.Popen(["aplay", "-q", "-D", f"hw:CARD={CARD},DEV=1", file])
    try:
        yield
    finally:
        player.kill()
        player.wait()


def beemon(*words: str) -> str:
    """What the command says."""
    ran = subprocess.run(
        [sys.executable, "-m", "beemon", *words], capture_output=True, text=True, check=False,
    )
    print(ran.stdout, ran.stderr)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_card_the_camera_and_the_chip_are_found_and_deliver(tmp_path: Path) -> None:
    lm75 = Chip("lm75", 0x48)
    lm75.set({0: swapped(0x1980)}, "w")
    lm75.bind()
    until(lambda: list(Path("/dev/v4l/by-path").glob("*-video-index0")))
    with Hive(tmp_path, devices="") as hive, playing(tmp_path):
        config = ["--config", str(hive.config)]
        found = json.loads(beemon("find", "--json", *config))
        assert [one["name"] for one in found["new"]] == [
            "camera.entrance", "microphone.brood", "sensor.brood"
        ]
        [address] = [one for one in found["obstacles"] if "0x76" in one["what"]]
        assert address["what"] == \
            f"I2C address 0x76 of bus {bus()}, usually a BME280, BMP280 or BME680"
        told = beemon("setup", "--yes", *config)
        for words in (
            "  sensor.brood: temperature 25.5 °C", "  microphone.brood: 5.0 s, level -26 dBFS",
            "  camera.entrance: a picture of 1280 x 720",
        ):
            assert words in told
        recordings = {job["command"].split()[0] for job in hive.ask("jobs")["jobs"]
                      if job.get("outcome") == "done" and "recording" in job}
        assert recordings == {"record", "snapshot"}
