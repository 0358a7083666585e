"""The unit of the uplink: its sandbox leaves what the process reads."""

from __future__ import annotations

from pathlib import Path

from beemon.base import clock

UNIT = Path(__file__).parents[2] / "systemd/beemon-uplink.service"


def test_the_sandbox_shows_the_boots_id() -> None:
    """ProcSubset=pid hides all of /proc but the processes."""
    assert clock._BOOT_ID.is_relative_to("/proc")
    lines = UNIT.read_text().splitlines()
    assert "ProtectProc=invisible" in lines
    assert not [line for line in lines if line.startswith("ProcSubset=")]
