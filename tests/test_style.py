"""Style and types, as tests: what they find is printed whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize("tool", [("ruff", "check", "--no-fix"), ("mypy",)], ids=lambda t: t[0])
def test_the_source_passes(tool: tuple[str, ...]) -> None:
    pytest.importorskip(tool[0])
    found = subprocess.run(
        [sys.executable, "-m", *tool], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
