"""The unit of the uplink: its sandbox leaves what the process reads."""

from __future__ import annotations

from pathlib import Path

from beemon.base import clock

UNIT = Path(__file__).parents[2] / "systemd/beemon-uplink.service"


def test_the_sandbox_lets_recordings_go_to_a_disk_beside_the_archive() -> None:
    """`remote` may be a folder of another disk; they are mounted there, also for the recorder."""
    line = "ReadWritePaths=-/media -/mnt -/srv"
    assert line in UNIT.read_text().splitlines()
    assert line.partition("=")[2] in UNIT.with_name("beemon.service").read_text()


def test_the_sandbox_shows_the_boots_id() -> None:
    """ProcSubset=pid hides all of /proc but the processes."""
    assert clock._BOOT_ID.is_relative_to("/proc")
    lines = UNIT.read_text().splitlines()
    assert "ProtectProc=invisible" in lines
    assert not [line for line in lines if line.startswith("ProcSubset=")]
