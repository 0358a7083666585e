"""What a process of beemon asks of the machine's limits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from beemon.system import processes

pytestmark = pytest.mark.process

USE = """
import resource, sys
from beemon.system import processes
resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]), int(sys.argv[3])))
processes.use_limits()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def use_limits(name: str, soft: int, hard: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", USE, name, str(soft), str(hard)],
        capture_output=True, text=True, check=False,
    )


def test_as_many_files_are_used_as_are_allowed() -> None:
    assert use_limits("RLIMIT_NOFILE", 70, 900).stdout == "900\n"


@pytest.mark.parametrize(("name", "least", "words"), [
    ("RLIMIT_NOFILE", 63, "only 63 files may be open at once, but beemon needs 64; raise `ulimit"),
    ("RLIMIT_AS", 120 << 20, "only 120 MB of memory are allowed for each process, but beemon"),
])
def test_a_limit_that_is_too_low_is_named(name: str, least: int, words: str) -> None:
    used = use_limits(name, least, least)
    assert used.returncode == 1
    assert words in used.stderr


def test_an_idle_action_leaves_the_policy_of_its_caller_as_it_was() -> None:
    before = os.sched_getscheduler(0)
    assert processes.run_idle(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == before


def test_an_error_in_an_idle_action_reaches_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        processes.run_idle((tmp_path / "none").read_bytes)
