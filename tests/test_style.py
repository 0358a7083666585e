"""Style and types, as tests: what they find is printed whole."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent


MOST_LINES = {ast.FunctionDef: 45, ast.ClassDef: 300}
MOST_LINES_TO_BUILD = 30
"""How many lines a constructor may have: what takes more has a part that can be built by itself."""
MOST_NAMES = 26
"""How many modules, packages and other files a reader of ``beemon/`` has to choose from."""


def long_ones() -> Iterator[str]:
    for file in sorted((PROJECT / "beemon").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            is_constructor = getattr(node, "name", "") == "__init__"
            most = MOST_LINES_TO_BUILD if is_constructor else MOST_LINES.get(type(node))
            if most and node.end_lineno - node.lineno + 1 > most:
                yield f"{file.relative_to(PROJECT)}: {node.name}"


def test_no_function_and_no_class_is_longer_than_a_reader_can_hold() -> None:
    assert list(long_ones()) == []


def test_the_floor_plan_is_seen_at_a_glance() -> None:
    names = {path.name for path in (PROJECT / "beemon").iterdir()} - {"__pycache__"}
    assert len(names) <= MOST_NAMES


@pytest.mark.timeout(600)
@pytest.mark.process
@pytest.mark.parametrize("tool", [("ruff", "check", "--no-fix"), ("mypy",)], ids=lambda t: t[0])
def test_the_source_passes(tool: tuple[str, ...]) -> None:
    pytest.importorskip(tool[0])
    found = subprocess.run(
        [sys.executable, "-m", *tool], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
