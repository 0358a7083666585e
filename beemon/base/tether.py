"""Tether: kills a program when the process that started it ends, in whatever way that ends.

Only the starting process has the write end of a pipe, so the kernel closes that end. It then sends
the program a signal, because the program owns the read end (F_SETOWN and F_SETSIG, fcntl(2)).
Nothing has to run between fork and exec, which would be unsafe beside other threads
(``preexec_fn``). The program needs no permission either: setpriv(1) calls capset(2), and the
sandbox refuses that.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: int | IO[bytes],
    errors: int | IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start a program that has no input, and that Ctrl-C on a terminal does not reach.

    ``output`` and ``errors`` are as for :class:`subprocess.Popen`. Raises ``OSError``.
    """
    end = os.open(f"/proc/self/fd/{_read_end()}", os.O_RDONLY)  # each program owns one
    try:
        fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(end, fcntl.F_SETFL, os.O_ASYNC)
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment,
            start_new_session=True, pass_fds=(end,),
        )
        fcntl.fcntl(end, fcntl.F_SETOWN, child.pid)
    finally:
        os.close(end)
    return child


@cache
def _read_end() -> int:
    """The read end of a pipe whose write end stays open as long as this process lives."""
    read_end, _ = os.pipe()
    return read_end
