"""Server: takes requests over TCP, answers queries, and queues commands to the Orchestrator.

It executes nothing and touches no hardware. A client is served by a thread of its own, so a slow
one disturbs nobody.

Its life, as :meth:`Server.start` leads it:

1. Bind: an address that cannot be used ends the start, or is tried again (``entrance``).
2. Open the archive; if its disk does not allow that, try again and again (``opening``).
3. Launch: let the Orchestrator begin in the archive (``launch``), then take its reports
   (``hearing``). Its process has loaded its modules since the service started. Meanwhile clients
   that connect wait in the backlog.
4. READY: tell systemd (``status_line``), and admit the clients (``door``).
5. Serve: each client has a conversation (``conversation``). A query is answered from the archive
   and the latest reports (``answers``), a command is entered in the ledger and queued (``intake``).
6. Stop: any thread may begin the end (``ending``): :meth:`Server.stop`, or a part that failed. The
   doors close, the Orchestrator ends its work, then every connection ends, and the archive closes
   with the verdict of the run.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sqlite3
import threading
from pathlib import Path

from beemon.config import settings as config
from beemon.config.settings import Settings
from beemon.ledger.identity import Memory
from beemon.ledger.session import ArchiveSession
from beemon.orchestrator.orchestrator import LoadedOrchestrator, new_queue
from beemon.protocol import commands
from beemon.protocol.address import IPAddress
from beemon.protocol.lines import RequestError
from beemon.server.answers import Answers
from beemon.server.archive import ArchiveInUse
from beemon.server.conversation import Conversations
from beemon.server.door import Door, Doors
from beemon.server.ending import Ending
from beemon.server.entrance import Entrance, Entrances, TcpAddress, UnixAddress
from beemon.server.hearing import Hearing
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import CommandQueue, Intake
from beemon.server.latest import LatestState
from beemon.server.launch import Launch
from beemon.server.limits import Limits
from beemon.server.queries import Queries
from beemon.server.status_line import StatusLine
from beemon.system import service
from beemon.system.service import Notifier

log = logging.getLogger(__name__)

_OPENING_SECONDS = 3.0  # that a stop waits for an attempt to open the archive
_ADDRESS_SECONDS = 5.0  # that the start waits for the first attempt to listen


class Server:
    """The TCP server of one hive.

    The first four arguments may be None for their default. ``settings`` is the config (default: no
    devices, and the archive in ``$STATE_DIRECTORY`` or the user's state folder). Every TCP client
    must send ``token`` first if it is set; ``token_file`` is its file, if any. Clients of the Unix
    socket ``socket_path`` need no token. With ``keep_trying``, an address that cannot be used is
    retried. ``command_queue`` and ``ledger`` replace the real ones. ``orchestrator`` is one that is
    loading already; it has a queue. Nothing on disk is changed before :meth:`start`, or before the
    first accepted command.
    """

    def __init__(
        self, host_address: str | None = "127.0.0.1", listening_port: int | None = 8080,
        socket_timeout_seconds: float | None = 3, receive_size_bytes: int | None = 1024, *,
        settings: Settings | None = None, command_queue: CommandQueue | None = None,
        ledger: ArchiveSession | None = None, token: str | None = None,
        token_file: Path | None = None, socket_path: Path | None = None, keep_trying: bool = False,
        notifier: Notifier | None = None, limits: Limits | None = None,
        orchestrator: LoadedOrchestrator | None = None,
    ) -> None:
        limits = (limits or Limits()).replaced(socket_timeout_seconds, receive_size_bytes)
        self.socket_timeout_seconds = limits.socket_timeout_seconds
        self.receive_size_bytes = limits.receive_size_bytes
        self._keep_trying, self._ready, self._notifier = keep_trying, False, notifier or Notifier()
        self._board = board = LatestState()
        self._config = in_force = ConfigInForce(settings or Settings(), board)
        self._archive = archive = ArchiveInUse(ledger or _session(in_force), in_force, board)
        jobs = _queue_of(orchestrator) if command_queue is None else command_queue
        self._intake = Intake(jobs, in_force, archive, board, self._notifier)
        queries = Queries(board, in_force.current, archive.reader, archive.why_shut, archive.starts)
        answers = Answers(limits.receive_size_bytes, token, in_force, self._intake, queries, board)
        line = StatusLine(board, queries, self._notifier)
        self._address = TcpAddress(host_address, listening_port, token_file, answers)
        self._doors = Doors(limits, board, self.on_accept)
        self._ending = ending = Ending(self._intake, self._doors)
        self._conversations = Conversations(answers, archive, ending, limits)
        self._hearing = hearing = Hearing(archive, self._intake, board, line, ending, limits)
        self._launch = Launch(archive, in_force, jobs, hearing, line, ending, orchestrator)
        by_tcp = Entrance(self._address, self._doors.tcp, self._accept_loop, line)
        others = _local_entrances(socket_path, self._doors.unix, line)
        self._entrances = Entrances([by_tcp, *others], self._ending)

    # The contract

    @property
    def host_address(self) -> str:
        """The address or name that clients connect to by TCP."""
        return self._address.host

    @property
    def listening_port(self) -> int:
        """The port that clients connect to; once it listens, the one that the system chose."""
        return self._address.port

    @property
    def command_queue(self) -> CommandQueue:
        """The queue of accepted commands, as str."""
        return self._intake.queue

    @command_queue.setter
    def command_queue(self, commands: CommandQueue) -> None:
        self._intake.queue = commands

    def start(self) -> None:
        """Listen, start the Orchestrator, then serve until :meth:`stop`.

        While the archive's disk prevents opening it, no command is accepted. Raises ``OSError`` if
        the address cannot be bound (unless ``keep_trying``), or if another beemon uses the archive.
        Raises :class:`~beemon.config.settings.ConfigError` if a driver refuses its options, and
        :class:`~beemon.server.orchestrator_process.OrchestratorDiedError`.
        """
        if self._ending.has_begun:
            return
        try:
            self._begin()
            self._ending.wait()
        except Exception as error:
            self._ending.failure = error
            raise
        finally:
            self._shut_down()
        if self._ending.failure:
            raise self._ending.failure

    def stop(self) -> None:
        """End the service; harmless from any thread, a second time, and before the start."""
        self._ending.begin()

    def _accept_loop(self) -> None:
        """Accept clients by TCP until the end; each is served by :meth:`on_accept`."""
        self._doors.tcp.admit_clients()

    def on_accept(self, socket_connection: socket.socket, ip_address: IPAddress) -> None:
        """Serve one client until it hangs up, falls silent, or breaks the rules."""
        self._conversations.hold(socket_connection, ip_address, self.on_receive)

    def on_receive(
        self, message: bytes, socket_connection: socket.socket, ip_address: IPAddress
    ) -> None:
        """Answer one request, given without its terminator; a known command goes on the queue."""
        self._conversations.reply_to(message, socket_connection, ip_address)

    # Start, reload and end

    def _begin(self) -> None:
        """Do all that comes before clients are served."""
        if not self._keep_trying:
            self._entrances.listen()
        self._config.watch.start()
        self._launch.load()
        is_open = self._launch.opening.at_once()
        self._entrances.open()
        if is_open:
            self._launch.start()
        else:
            self._launch.opening.go_on()
        self._entrances.wait_for_attempts(_ADDRESS_SECONDS)
        self._ready = True
        self._notifier.ready()
        self._entrances.begin_to_serve()

    def reload(self) -> None:
        """Take over the config on disk, as the `reload` command does; for a signal handler."""
        threading.Thread(target=self._reload, name="reload", daemon=True).start()

    def _reload(self) -> None:
        try:
            self._intake.accept(commands.parse("reload", ()), "", 0)
        except (RequestError, sqlite3.Error) as error:
            log.error("the config was not reloaded: %s", error)
        self._intake.tell_accepted()

    def _shut_down(self) -> None:
        self._ending.begin()
        if self._ready:
            self._notifier.stopping()
            log.info("stopping")
        self._entrances.give_up()
        self._config.watch.stop()
        self._launch.opening.give_up(_OPENING_SECONDS)
        self._launch.process.stop()
        self._board.close()
        self._doors.dismiss_clients()
        self._entrances.leave()
        self._archive.close(
            self._ending.failure, is_defect=self._launch.process.ended_by_defect
        )
        if self._ready:
            log.info("stopped")


def _session(in_force: ConfigInForce) -> ArchiveSession:
    """The archive of the config; only that of a config file is remembered by its identity."""
    settings = in_force.current()
    path, memory = settings.archive_path, None
    if settings.source:
        with contextlib.suppress(OSError):  # a user without a folder has no place to remember it
            memory = Memory(config.memory_file(), path)
    return ArchiveSession(path, memory=memory, result=service.last_result)


def _queue_of(orchestrator: LoadedOrchestrator | None) -> CommandQueue:
    return orchestrator.commands if orchestrator else new_queue()


def _local_entrances(path: Path | None, door: Door, line: StatusLine) -> list[Entrance]:
    return [] if path is None else [Entrance(UnixAddress(path), door, door.admit_clients, line)]
