"""The driver picamera2 over the real libcamera and its virtual camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grounds import virtual

pytestmark = [pytest.mark.ground("virtual"), pytest.mark.timeout(900)]


def test_a_camera(tmp_path: Path) -> None:
    with virtual.machine(tmp_path) as debian:
        print(virtual.check(debian, "check_camera.py"))
