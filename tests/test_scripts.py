"""scripts/test: what it asks of the machine, and what it asks pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parents[1]
BY_FILE = "<-n><3><--dist><loadfile><--no-loadscope-reorder>"


class Script:
    """A copy of it, on a machine whose programs only note how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("scripts/test", "scripts/environment", "pyproject.toml"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
        self.program(".venv/bin/pip", "")
        self.program(".venv/bin/python", f'(printf "<%s>" "$@"; echo) >>{folder}/calls')
        self.program("bin/id", "echo 1000")
        self.free(500)

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def free(self, megabytes: int) -> None:
        self.program("bin/df", f"echo Avail; echo {megabytes}MB")

    def run(self, *options: str) -> tuple[str, list[str]]:
        """What it said, and how it called pytest."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        ended = subprocess.run(
            [self.folder / "scripts/test", *options], capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": path, "TMPDIR": "/tmp"},
        )
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return ended.stderr, [line for line in lines if "<pytest>" in line]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_it_runs_what_starts_no_process_then_what_does_and_then_the_grounds(script):
    assert script.run("-k", "a server")[1] == [
        "<-m><pytest><-m><not ground and not process><-n><2><-k><a server>",
        "<-m><pytest><-m><process and not ground><-n><4><-k><a server>",
        f"<-m><pytest><-m><ground>{BY_FILE}<-k><a server>",
    ]


def test_the_quick_run_is_the_first_part_alone(script):
    assert script.run("--quick", "-x")[1] == [
        "<-m><pytest><-m><not ground and not process><-n><2><-x>"
    ]


@pytest.mark.parametrize("options", [("-m", "not long or slow"), ("-mnot long or slow",)])
def test_a_users_marks_narrow_each_part(script, options):
    assert script.run(*options, "tests/ledger")[1] == [
        "<-m><pytest><-m><not ground and not process and (not long or slow)><-n><2>"
        "<tests/ledger>",
        "<-m><pytest><-m><process and not ground and (not long or slow)><-n><4><tests/ledger>",
        f"<-m><pytest><-m><ground and (not long or slow)>{BY_FILE}<tests/ledger>",
    ]


def test_where_too_little_space_is_free_it_says_so_and_does_nothing(script):
    script.free(499)
    said, calls = script.run()
    assert "the tests need 500 MB, and /tmp has only 499 MB free: try TMPDIR=/var/tmp " in said
    assert calls == []
