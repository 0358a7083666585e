"""What must be covered whole: the code that reads what strangers send."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parent.parent


@pytest.mark.timeout(600)
@pytest.mark.parametrize("module", ["lines", "commands"])
def test_every_branch_is_taken(module: str, tmp_path: Path) -> None:
    pytest.importorskip("coverage")
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}

    def coverage(command: str, *arguments: str) -> None:
        only = f"--include=beemon/protocol/{module}.py"
        ran = subprocess.run(
            [sys.executable, "-m", "coverage", command, only, *arguments],
            cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    coverage("run", "--branch", "-m", "pytest", "-q", f"tests/protocol/test_{module}.py")
    coverage("report", "--fail-under=100", "--show-missing")
