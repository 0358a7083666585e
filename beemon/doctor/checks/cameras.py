"""Cameras on the ribbon cable of a Raspberry Pi: whether libcamera finds one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, unknown
from beemon.doctor.machine import Machine

_PROGRAMS = ("rpicam-hello", "libcamera-hello")


def check(machine: Machine) -> Iterator[Finding]:
    """Ask libcamera for its list."""
    wanted = [device.name for device in machine.devices.values()
              if device.config.driver == "picamera2"]
    if not wanted:
        yield skipped("the config names no camera on a ribbon cable")
        return
    ran = next((ran for program in _PROGRAMS if (ran := machine.run(program, "--list-cameras"))),
               None)
    if ran is None:
        yield unknown("libcamera cannot be asked for its cameras", "sudo apt install rpicam-apps")
        return
    found = re.findall(r"(?m)^\s*\d+ : (\S+)", ran.text)
    if len(found) < len(wanted):
        yield problem(
            f"libcamera finds {len(found)} cameras, but the config names {', '.join(wanted)}",
            "Its recordings fail.",
            "switch the machine off and push the ribbon cable in on both ends; "
            "camera_auto_detect=1 must be in config.txt",
        )
    else:
        yield ok(f"libcamera finds {', '.join(found)}")
