"""The cameras of a Raspberry Pi, as libcamera lists them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from beemon.base.facts import JsonObject
from beemon.setup.candidates import VIDEO, Candidate, Obstacle
from beemon.setup.machine import Machine

SECONDS = 20.0
LISTING = (sys.executable, "-m", "beemon.devices.cameras._listing")
"""The program that lists them. It may hang with the camera, so it is a process of its own."""


def find(machine: Machine, seconds: float = SECONDS) -> Iterator[Candidate | Obstacle]:
    """Each camera at a ribbon cable; those at USB ports have a driver of their own."""
    what = "a Raspberry Pi's camera"
    try:
        listed = subprocess.run(
            LISTING, capture_output=True, text=True, timeout=seconds, check=False,
        )
        told = json.loads(listed.stdout)
    except subprocess.TimeoutExpired:
        yield Obstacle(what, f"libcamera did not answer within {seconds:g} s",
                       "Restart the computer, and check the ribbon cable.")
    except ValueError:
        yield Obstacle(what, f"libcamera failed: {listed.stderr.strip()[-200:]}",
                       "rpicam-hello --list-cameras")
    else:
        yield from _cameras(told) if isinstance(told, list) else _no_library(machine, str(told))


def _cameras(told: list[JsonObject]) -> Iterator[Candidate]:
    for camera in told:
        if "usb" not in str(camera.get("Id", "")).lower():
            number = camera.get("Num", 0)
            yield Candidate(
                name="camera.entrance",
                what=f"camera {number} of the Raspberry Pi, model {camera.get('Model')}",
                options={"driver": "picamera2", "camera": number},
                schedule=VIDEO,
                aliases=frozenset({str(number)}),
            )


def _no_library(machine: Machine, error: str) -> Iterator[Obstacle]:
    """Tell that the library is missing, unless no camera could be there."""
    if machine.is_pi:
        why = error.partition("; apt install")[0]
        yield Obstacle("a Raspberry Pi's camera, if there is one", why,
                       "sudo apt install python3-picamera2")
