"""Daemon: the first steps of ``beemon serve``.

The Orchestrator takes longest to load its modules. Its process is therefore started before the
modules of the Server are loaded, and both load at the same time.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from beemon import __version__
from beemon.orchestrator import LoadedOrchestrator
from beemon.system import processes, service
from beemon.system.service import Notifier

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""The time after which a thread that computes lets another one go on. Python's own 5 ms are added
to a client's `status` two or three times, while another client asks for a year."""


def serve(path: Path, *, verbose: bool = False) -> int:
    """Run the service with the config at ``path`` until a signal stops it; its exit status."""
    notifier = Notifier()
    service.start_log(verbose=verbose)
    processes.show_stacks_when_aborted()
    sys.setswitchinterval(SWITCH_SECONDS)
    log.info("beemon %s is starting", __version__)
    try:
        processes.use_limits()
        orchestrator = LoadedOrchestrator()
    except OSError as error:
        return service.fail(error)
    processes.give_memory_back()
    with processes.loading():
        from beemon.server import run
    return run.run(path, notifier, orchestrator)
