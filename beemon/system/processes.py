"""The first steps of every process of beemon."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_SET_NAME = 15

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # <malloc.h>
_KEPT = 4 << 20  # a picture of 1080p: another one comes at once
_MEMORY = {_M_MMAP_THRESHOLD: _KEPT, _M_TRIM_THRESHOLD: _KEPT, _M_ARENA_MAX: 1}

_LEAST_FILES = 64
_LEAST_MEMORY = 384 << 20  # of addresses: a process of Python's with four threads takes half


def begin_child(name: str, parent: int) -> None:
    """Die with the parent, leave signals to it, show every thread's stack when aborted.

    ``name`` is what `ps` and `top` show, cut to 15 bytes.

    SIGINT and SIGTERM reach the whole group or cgroup; only the Server acts on them, so that
    its children can finish what they record.
    """
    import ctypes

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NAME, name.encode())
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    give_memory_back()
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
    show_stacks_when_aborted()


def give_memory_back() -> None:
    """Give freed memory back to the system; call it before any thread runs.

    From each large block, such as a picture, glibc would learn to keep up to 64 MB. It would also
    have a heap for each thread (mallopt(3)).
    """
    import ctypes  # a client does without

    libc = ctypes.CDLL(None)
    for option, number in _MEMORY.items():
        libc.mallopt(option, number)


def give_rest_back() -> None:
    """Give back also what is free between blocks in use: call it after work with large ones."""
    import ctypes

    ctypes.CDLL(None).malloc_trim(0)


def run_idle(action: Callable[[], T]) -> T:
    """The result of an action that gets the CPU and the disk only if nobody else wants them.

    It runs in a thread of its own, because a thread without privileges cannot leave the policy
    SCHED_IDLE (sched(7)). Raises the errors of the action.
    """
    from concurrent.futures import ThreadPoolExecutor  # most processes do without

    with ThreadPoolExecutor(1, "idle", be_idle) as idle:
        return idle.submit(action).result()


def be_idle() -> None:
    """Let this thread, and the programs that it starts, run when nothing else wants to.

    The kernel derives its priority at the disk from this one.
    """
    with contextlib.suppress(PermissionError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def show_stacks_when_aborted() -> None:
    """On SIGABRT write all stacks to standard error; keep core files off the card."""
    if not faulthandler.is_enabled() and sys.stderr is not None:
        faulthandler.enable(all_threads=True)
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def use_limits() -> None:
    """Use all that this machine's limits allow. Raises ``OSError`` that names one which is too low
    for the service to work."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if not _allows(files, _LEAST_FILES):
        raise OSError(f"only {files} files may be open at once, but beemon needs {_LEAST_FILES}; "
                      "raise `ulimit -n`, or LimitNOFILE= in beemon.service")
    memory, _ = resource.getrlimit(resource.RLIMIT_AS)
    if not _allows(memory, _LEAST_MEMORY):
        raise OSError(f"only {memory >> 20} MB of memory are allowed for each process, but beemon "
                      f"needs {_LEAST_MEMORY >> 20} MB; raise `ulimit -v`, or LimitAS= in "
                      "beemon.service")


def _allows(limit: int, least: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= least


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Search for no garbage while modules are loaded, nor ever in what they hold."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def crash_with_any_thread() -> None:
    """A thread that ends by an unforeseen error takes its process along, after its traceback."""

    def crash(failure: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(failure)
        os._exit(70)  # EX_SOFTWARE of <sysexits.h>

    threading.excepthook = crash
