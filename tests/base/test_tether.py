"""A program dies with the process that started it, and only with that."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading

import pytest

from beemon.base import tether

pytestmark = pytest.mark.process

SECONDS = 60.0
STUCK = """
import os, signal, subprocess, sys
from beemon.base import tether
child = tether.start(["sleep", "600"], os.environ, subprocess.DEVNULL, subprocess.DEVNULL)
os.kill(child.pid, signal.SIGSTOP)
print(child.pid, flush=True)
sys.stdin.read()
"""
"""It starts a program that is stuck, as one that waits for a dead card."""
WAITS = ["sh", "-c", "kill -STOP $$; echo it lives"]


@pytest.mark.parametrize("kills", [True, False])
def test_a_stuck_program_dies_with_the_process_that_started_it(kills: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        program = os.pidfd_open(int(starter.stdout.readline()))
        assert not has_ended(program, 0.0)
        if kills:
            starter.kill()
    assert has_ended(program, SECONDS)
    os.close(program)


def has_ended(program: int, seconds: float) -> bool:
    return bool(select.select([program], [], [], seconds)[0])


def test_a_program_outlives_the_thread_that_started_it() -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        started.append(tether.start(WAITS, os.environ, subprocess.PIPE, subprocess.DEVNULL))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with started.pop() as program:
        os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        program.send_signal(signal.SIGCONT)
        assert program.stdout
        assert program.stdout.read() == b"it lives\n"


def test_a_program_that_is_missing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        tether.start(["no-such-program"], {}, subprocess.DEVNULL, subprocess.DEVNULL)


def test_each_program_has_a_tether_of_its_own() -> None:
    """The end of one does not cost another its life."""
    with tether.start(WAITS, os.environ, subprocess.PIPE, subprocess.DEVNULL) as lasting:
        with tether.start(["true"], os.environ, subprocess.PIPE, subprocess.DEVNULL) as short:
            assert short.wait(SECONDS) == 0
        os.waitid(os.P_PID, lasting.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        lasting.send_signal(signal.SIGCONT)
        assert lasting.stdout
        assert lasting.stdout.read() == b"it lives\n"
