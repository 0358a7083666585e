"""Style and types are held to like any other behaviour."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def complaints(*tool: str) -> str:
    """What a tool has to say, or nothing where it is content."""
    command = [sys.executable, "-m", *tool]
    said = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False)
    return said.stdout if said.returncode else ""


def test_ruff_has_no_complaint() -> None:
    assert not complaints("ruff", "check", ".")


def test_mypy_has_no_complaint() -> None:
    assert not complaints("mypy", "-p", "beemon", "-p", "tests.grounds")
