"""The driver picamera2 over the real libcamera and its virtual camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.grounds import virtual
from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.package import ask, install

pytestmark = [pytest.mark.ground("virtual"), pytest.mark.timeout(900)]


def test_a_camera(tmp_path: Path) -> None:
    with virtual.machine(tmp_path) as debian:
        print(virtual.check(debian, "check_camera.py", timeout=600))


@pytest.mark.long
def test_a_camera_in_the_hardened_service(tmp_path: Path) -> None:
    """As the package installs it: its own user, its own devices, no memory that can be executed."""
    with virtual.machine(tmp_path) as debian:
        install(debian, recommends=False)
        debian.put("/etc/systemd/system/beemon.service.d/camera.conf", virtual.drop_in())
        debian.put("/etc/beemon/conf.d/camera.toml", CAMERA)
        debian.run("systemctl", "daemon-reload")
        debian.run("systemctl", "restart", "beemon")
        number = ask(debian, "record camera.entrance 2")["job"]
        film = until(lambda: outcome(debian, number), "the film's end")
        assert film["outcome"] == "done", debian.journal("-u", "beemon")
        assert film["frames"] == pytest.approx(30, abs=3)
        number = ask(debian, "snapshot camera.entrance")["job"]
        picture = until(lambda: outcome(debian, number), "the picture's end")
        assert picture["outcome"] == "done", debian.journal("-u", "beemon")


def outcome(debian: Container, number: int) -> dict[str, Any] | None:
    job = ask(debian, f"job {number}")
    return job if "outcome" in job else None


CAMERA = """
[camera.entrance]
driver = "picamera2"
encoder = "software"
width = 640
height = 480
frame_rate = 15
"""
