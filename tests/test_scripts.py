"""scripts/test: what it asks of the machine, and what it asks pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parents[1]
BY_FILE = "<-n><4><--dist><loadfile><--no-loadscope-reorder>"
BESIDE = "<-o><timeout=600><-o><cache_dir=.pytest_cache/unit>"
"""What is asked besides of the part that has to leave the time to the other."""


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

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [self.folder / "scripts/test", *options], capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": path, "TMPDIR": "/tmp"},
        )

    def calls(self, *options: str) -> list[str]:
        """How it called pytest, in no order."""
        self.run(*options)
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return sorted(line for line in lines if "<pytest>" in line)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_it_runs_what_starts_no_process_beside_all_else(script):
    assert script.calls("-k", "a server") == [
        f"<-m><pytest><-m><(ground or process)>{BY_FILE}<-k><a server>",
        f"<-m><pytest><-m><(not ground and not process)><-n><2><-k><a server>{BESIDE}",
    ]


def test_the_quick_run_is_the_first_part_alone(script):
    assert script.calls("--quick", "-x") == [
        "<-m><pytest><-m><(not ground and not process)><-n><2><-x>"
    ]


@pytest.mark.parametrize("options", [("-m", "not long or slow"), ("-mnot long or slow",)])
def test_a_users_marks_narrow_each_part(script, options):
    assert script.calls(*options, "tests/ledger") == [
        f"<-m><pytest><-m><(ground or process) and (not long or slow)>{BY_FILE}<tests/ledger>",
        "<-m><pytest><-m><(not ground and not process) and (not long or slow)><-n><2>"
        f"<tests/ledger>{BESIDE}",
    ]


@pytest.mark.parametrize("failed", ["ground or process", "not ground and not process"])
def test_a_failure_of_either_part_is_its_own(script, failed):
    script.program(".venv/bin/python", f'case "$*" in *"({failed})"*) echo bad; exit 3; esac')
    ended = script.run()
    assert (ended.returncode, ended.stdout) == (3, "bad\n")


def test_an_option_that_leaves_nothing_of_a_part_is_no_failure(script):
    script.program(".venv/bin/python", 'case "$*" in *"not ground"*) exit 5; esac')
    assert script.run("-k", "container").returncode == 0


def test_what_starts_no_process_leaves_the_time_to_the_others(script):
    script.program(".venv/bin/python", 'case "$*" in *pytest*) echo "$* is $(nice)"; esac')
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    said = script.run().stdout.splitlines()
    nice = {line.partition("(")[2].partition(")")[0]: int(line.split()[-1]) for line in said}
    assert nice == {"ground or process": mine, "not ground and not process": min(mine + 10, 19)}


def test_where_too_little_space_is_free_it_says_so_and_does_nothing(script):
    script.free(499)
    assert "the tests need 500 MB, and /tmp has only 499 MB free: try TMPDIR=/var/tmp " \
        in script.run().stderr
    assert script.calls() == []
