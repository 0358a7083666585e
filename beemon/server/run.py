"""A run of the service: the config, the Server, the signals, and the exit status."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from pathlib import Path
from types import FrameType

from beemon.config import settings as config
from beemon.config.settings import ConfigError, Settings
from beemon.orchestrator import LoadedOrchestrator
from beemon.protocol import unix
from beemon.server import Server
from beemon.server.orchestrator_process import OrchestratorDiedError
from beemon.system import service
from beemon.system.service import Notifier

log = logging.getLogger(__name__)

EXIT_BAD_CONFIG = 78


def run(path: Path, notifier: Notifier, orchestrator: LoadedOrchestrator) -> int:
    """Run the service with the config at ``path`` until a signal stops it; its exit status.

    A config that is wrong at the start gives way to the last good one, if there is one.
    """
    try:
        return _serve_or_fall_back(path, notifier, orchestrator)
    except ConfigError as error:
        for problem in error.problems:
            log.critical("%s", problem)
        notifier.status("The config is wrong and there is no earlier good one; see the journal")
        return EXIT_BAD_CONFIG
    except (OSError, OrchestratorDiedError) as error:
        return service.fail(error)
    finally:
        orchestrator.give_up()


def _serve_or_fall_back(
    path: Path, notifier: Notifier, orchestrator: LoadedOrchestrator
) -> int:
    try:
        return _serve(config.load_at_start(path), notifier, orchestrator)
    except ConfigError as error:
        settings = config.load_last_good(path, error)
        for problem in error.problems:
            log.error("%s", problem)
        log.error("the config is wrong, so the last good one is used; fix it, then reload")
        return _serve(settings, notifier, orchestrator if orchestrator.is_waiting else None)


def _serve(
    settings: Settings, notifier: Notifier, orchestrator: LoadedOrchestrator | None
) -> int:
    given = settings.server
    server = Server(
        given.host_address,
        given.listening_port,
        given.socket_timeout_seconds,
        given.receive_size_bytes,
        settings=settings,
        token_file=given.token_file,
        socket_path=unix.path_for(settings.archive_path),
        keep_trying=True,
        notifier=notifier,
        orchestrator=orchestrator,
    )
    _obey_signals(server)
    server.start()
    return 0


def _obey_signals(server: Server) -> None:
    """Have a thread act on signals.

    A signal handler runs only in the main thread, between two of its steps. If the signal came just
    before a wait for a client, the handler would run only after the wait.
    """
    actions = {
        signal.SIGTERM: server.stop, signal.SIGINT: server.stop, signal.SIGHUP: server.reload,
    }
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    for number in actions:
        signal.signal(number, _be_told)
    signal.set_wakeup_fd(waking.fileno())

    def act() -> None:
        with waking:  # kept open for as long as the thread lives
            while True:
                for number in woken.recv(16):
                    actions[signal.Signals(number)]()

    threading.Thread(target=act, name="signals", daemon=True).start()


def _be_told(_number: int, _frame: FrameType | None) -> None:
    """Stand in for the default, which ends the process."""
