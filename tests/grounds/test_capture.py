"""Recordings back to back: what `scripts/bench-capture` counts, in a run of seconds.

It runs the real service with a camera at 30 frames a second, a microphone that ALSA feeds in real
time, and ten sensors. What it measures is left to a quiet machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grounds.tree import PROJECT

pytest.importorskip("av")
pytestmark = [
    pytest.mark.ground("alsa"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("flac"), reason="needs flac"),
]


def test_no_frame_and_no_sample_is_lost_between_recordings(tmp_path: Path) -> None:
    command = [sys.executable, PROJECT / "scripts/bench/capture.py"]
    done = subprocess.run(
        [*command, "--seconds", "12", "--folder", tmp_path], check=False, text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert any("frames lost at 3 boundaries" in line and "of 360" in line for line in said)
    assert any("samples lost at 3 boundaries" in line and "of 576000" in line for line in said)
