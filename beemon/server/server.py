"""Server: takes requests over TCP, answers queries, and queues commands to the Orchestrator.

It executes nothing and touches no hardware. A client is served by a thread of its own, so a slow
one disturbs nobody.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import socket
import sqlite3
import threading
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beemon.base import clock
from beemon.base.reports import Heartbeat, JobEnded, Replaced, Report, Trouble
from beemon.config import settings as config
from beemon.config.settings import ConfigError, Settings
from beemon.ledger import starts
from beemon.ledger.identity import Memory
from beemon.ledger.session import ArchiveSession
from beemon.protocol import address, commands, unix
from beemon.protocol import lines as protocol
from beemon.protocol.address import IPAddress
from beemon.protocol.lines import RequestError, RequestReader
from beemon.server.answers import Answers
from beemon.server.archive import ArchiveInUse
from beemon.server.clients import Clients, Outbox, RequestTimer
from beemon.server.door import Door
from beemon.server.entrance import Entrance
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import MAX_OPEN_JOBS, RESERVE, CommandQueue, Intake
from beemon.server.latest import LatestState
from beemon.server.opening import Opening
from beemon.server.orchestrator_process import OrchestratorDiedError, OrchestratorProcess
from beemon.server.queries import STALE_SECONDS, Queries
from beemon.system import service
from beemon.system.service import Notifier

log = logging.getLogger(__name__)

MAX_CLIENTS = 500
_MAX_LOCAL = 100  # by the Unix socket, beside those by TCP
_OPENING_SECONDS = 3.0  # that a stop waits for an attempt to open the archive
_ADDRESS_SECONDS = 5.0  # that the start waits for the first attempt to listen
_WELL_SECONDS = 60.0  # a service that has worked for so long does not fail at its start
_MOST_UNSENT = 8 << 20  # bytes of replies that clients have not taken


@dataclass(frozen=True)
class Limits:
    """How many clients there may be by TCP, and for how many seconds they are waited for.

    ``idle_seconds`` is how long a connection may stay silent between requests, ``request_seconds``
    how long a request may take from its first byte to its end, and ``stale_seconds`` the age of a
    heartbeat from which on the Orchestrator counts as hung.
    """

    max_clients: int = MAX_CLIENTS
    idle_seconds: float = 30.0
    request_seconds: float = 10.0
    stale_seconds: float = STALE_SECONDS

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for what is not above 0."""
        for name, value in asdict(self).items():
            _check_above_zero(name, value)


class Server:
    """The TCP server of one hive.

    The first four arguments take None for their default. ``settings`` is the config (default: no
    devices, the archive in ``$STATE_DIRECTORY`` or the user's state folder); ``token``, if set,
    must be said first by every client over TCP, and is in ``token_file`` where that is given;
    ``socket_path`` is a Unix socket, whose clients need no token; with ``keep_trying`` an address
    that cannot be used is tried again and again, and ends nothing;
    ``command_queue`` and ``ledger`` replace the real ones.
    Nothing on disk is touched before :meth:`start`, or the first accepted command.
    """

    def __init__(
        self, host_address: str | None = "127.0.0.1", listening_port: int | None = 8080,
        socket_timeout_seconds: float | None = 3, receive_size_bytes: int | None = 1024, *,
        settings: Settings | None = None, command_queue: CommandQueue | None = None,
        ledger: ArchiveSession | None = None, token: str | None = None,
        token_file: Path | None = None, socket_path: Path | None = None, keep_trying: bool = False,
        notifier: Notifier | None = None, limits: Limits | None = None,
    ) -> None:
        self._take_numbers(listening_port, socket_timeout_seconds, receive_size_bytes)
        self.host_address = "127.0.0.1" if host_address is None else host_address
        self._limits = limits or Limits()
        self._token_file, self._socket_path = token_file, socket_path
        self._keep_trying = keep_trying
        self._notifier = notifier or Notifier()
        self._board, settings = LatestState(), settings or Settings()
        self._config = ConfigInForce(settings, self._board)
        self._archive = ArchiveInUse(ledger or _session(settings), self._config, self._board)
        archive, board, in_force = self._archive, self._board, self._config.current
        jobs = _new_queue() if command_queue is None else command_queue
        self._intake = Intake(jobs, self._config, archive.opened, board, self._notifier)
        self._queries = Queries(board, in_force, archive.reader, archive.why_shut, archive.starts)
        self._answers = Answers(
            self.receive_size_bytes, token, self._config, self._intake, self._queries, board
        )
        self._build_process()
        self._build_entrances()
        self._begin()

    def _take_numbers(
        self, port: int | None, timeout_seconds: float | None, receive_bytes: int | None
    ) -> None:
        self.listening_port = 8080 if port is None else port
        self.socket_timeout_seconds = 3 if timeout_seconds is None else timeout_seconds
        self.receive_size_bytes = 1024 if receive_bytes is None else receive_bytes
        _check_above_zero("socket_timeout_seconds", self.socket_timeout_seconds)
        _check_above_zero("receive_size_bytes", self.receive_size_bytes)
        if not 0 <= self.listening_port <= 65535:
            raise ValueError(
                f"listening_port must be between 1 and 65535 (0 lets the system choose), "
                f"not {self.listening_port!r}"
            )

    def _build_process(self) -> None:
        board = self._board
        self._link = OrchestratorProcess(
            self.command_queue, self._heard, self._orchestrator_died, lambda: board.heartbeat_age,
            self._archive.note_hung, stale_seconds=self._limits.stale_seconds,
            kill_hung=self._notifier.watchdog_seconds is None,
        )
        self._opening = Opening(
            self._archive.open, self._launch_late, self._link.wait, self._end_with,
            self._tell_archive, name="archive", meanwhile="no command is accepted",
        )

    def _build_entrances(self) -> None:
        board, most = self._board, self._limits.max_clients
        remote = Clients(most, lambda: board.waiting, self.on_accept)
        local = Clients(min(most, _MAX_LOCAL), lambda: board.waiting, self.on_accept)
        self._tcp = Door(remote, self.socket_timeout_seconds)
        self._unix = Door(local, self.socket_timeout_seconds, unix.accept)
        self._address = Entrance(
            "address", self._tcp, self._where, self._listen, self._tell_listening,
            self._accept_loop, self._end_with, self._tell_trouble,
            meanwhile="no client can connect by TCP",
        )
        self._socket = Entrance(
            "socket", self._unix, self._where, self._listen_locally, _do_nothing,
            self._unix.admit_clients, self._end_with, self._tell_trouble,
            meanwhile="clients can connect by TCP alone",
        )

    def _begin(self) -> None:
        self._outbox = Outbox(_MOST_UNSENT)
        self._refused: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._ended = threading.Event()
        self._ready = self._stopping = False
        self._failure: Exception | None = None
        self._well_from = math.inf

    # The contract

    @property
    def command_queue(self) -> CommandQueue:
        """What commands are put on, as str."""
        return self._intake.queue

    @command_queue.setter
    def command_queue(self, commands: CommandQueue) -> None:
        self._intake.queue = commands

    def start(self) -> None:
        """Listen, start the Orchestrator, then serve until :meth:`stop`.

        While the archive's disk does not let it be opened, no command is accepted. Raises
        ``OSError`` where the address cannot be bound (but with ``keep_trying``) or another beemon
        has the archive, :class:`~beemon.config.ConfigError` where a driver refuses its options,
        and :class:`~beemon.server.orchestrator_process.OrchestratorDiedError`.
        """
        if self._stopping:
            return
        try:
            if not self._keep_trying:
                self._listen()
            self._config.watch.start()
            opened = self._opening.at_once()
            self._address.opening.go_on()
            if self._socket_path is not None:
                self._socket.opening.go_on()
            if opened:
                self._launch()
            else:
                self._opening.go_on()
            self._address.opening.wait_for_attempt(_ADDRESS_SECONDS)
            if self._socket_path is not None:
                self._socket.opening.wait_for_attempt(_ADDRESS_SECONDS)
            self._ready = True
            self._notifier.ready()
            self._begin_to_serve()
            self._ended.wait()
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._shut_down()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        """End the service; harmless from any thread, a second time, and before the start."""
        self._stopping = True
        self._intake.close()
        for door in (self._tcp, self._unix):
            door.close()
        self._ended.set()

    def _accept_loop(self) -> None:
        """Accept clients by TCP until the end; each is served by :meth:`on_accept`."""
        self._tcp.admit_clients()

    def on_accept(self, socket_connection: socket.socket, ip_address: IPAddress) -> None:
        """Serve one client until it hangs up, falls silent, or breaks the rules."""
        reader = RequestReader(self.receive_size_bytes)
        patience = RequestTimer(
            socket_connection,
            idle=self._limits.idle_seconds,
            silence=self.socket_timeout_seconds,
            request=self._limits.request_seconds,
        )
        data = b"x"
        while data and not patience.is_at_end:
            try:
                data = socket_connection.recv(self.receive_size_bytes)
            except (TimeoutError, BlockingIOError):  # silence ends a request
                if patience.is_at_end:
                    break
                data = b""
            except OSError:
                return  # the client is gone
            requests = reader.feed(data) if data else reader.finish()
            if not self._take(requests, socket_connection, ip_address) or reader.is_foreign:
                return
            patience.after(pending=reader.pending, anew=bool(requests))
        if patience.is_at_end:
            self._reply_not_finished(socket_connection)

    def on_receive(
        self, message: bytes, socket_connection: socket.socket, ip_address: IPAddress
    ) -> None:
        """Answer one request, given without its terminator; a known command goes on the queue."""
        try:
            reply = self._answers.answer(message, socket_connection, ip_address)
            self._refused.pop(socket_connection, None)
        except RequestError as error:
            _log_refusal(error, message, ip_address)
            self._count_refusal(error, socket_connection)
            reply = error.reply()
        except sqlite3.Error as error:
            if self._archive.give_up(error):
                self._end_with(OSError(f"the database is damaged: {error}; the service restarts"))
            reply = RequestError("no-ledger", f"the database cannot be used now: {error}").reply()
        except (ConnectionError, TimeoutError):
            raise  # the client's: it has gone, or takes no answer
        except Exception as error:
            log.exception("not answered: %s", commands.shown(repr(message), 80))
            reply = _defect(error).reply()
        self._outbox.send(socket_connection, reply)

    # Clients

    def _take(
        self, requests: list[bytes], socket_connection: socket.socket, ip_address: IPAddress
    ) -> bool:
        """Answer requests in their order; False when the connection is to end."""
        for request in requests:
            try:
                self.on_receive(request, socket_connection, ip_address)
            except OSError:
                return False  # the client is gone, or takes no answer
            if protocol.is_foreign(request, self.receive_size_bytes):
                return False
            if self._refused.get(socket_connection, 0) >= protocol.MAX_REFUSED:
                return False
            if not self._answers.is_known(socket_connection, ip_address):
                return False
        return True

    def _count_refusal(self, error: RequestError, socket_connection: socket.socket) -> None:
        """Count the requests in a row that were not understood."""
        if error.code in protocol.NOT_UNDERSTOOD:
            before = self._refused.get(socket_connection, 0)
            self._refused[socket_connection] = before + 1

    def _reply_not_finished(self, socket_connection: socket.socket) -> None:
        error = RequestError(
            "not-finished", f"a request must be finished within {self._limits.request_seconds:g} s"
        )
        with contextlib.suppress(OSError):
            socket_connection.sendall(error.reply())

    # The address

    def _listen(self) -> None:
        if self._token_file is not None:
            self._answers.token = config.read_token(self._token_file)
        listener = address.listen(self.host_address, self.listening_port)
        self.listening_port = listener.getsockname()[1]
        self._tcp.open(listener)

    def _where(self) -> str:
        return f"{commands.shown(self.host_address, 60)} port {self.listening_port}"

    def _listen_locally(self) -> None:
        assert self._socket_path is not None
        self._unix.open(unix.listen(self._socket_path))

    def _tell_listening(self) -> None:
        log.info("listening on %s port %d", self.host_address, self.listening_port)

    def _tell_trouble(self, about: str, trouble: Trouble | None) -> None:
        if trouble is None:
            self._board.settle_trouble(about)
        else:
            self._board.note_trouble(trouble)
        self._notifier.status(self._queries.sentence())

    # The archive and the Orchestrator

    def _launch(self) -> None:
        self._archive.tell_oddities()
        self._link.start(self._config.current(), self._archive.session.run_number)
        self._well_from = clock.now().monotonic + _WELL_SECONDS
        config.keep_last_good(self._config.current())

    def _launch_late(self) -> None:
        log.info("the archive can be used again")
        try:
            self._launch()
        except (ConfigError, OrchestratorDiedError, OSError) as error:
            self._end_with(error)

    def _tell_archive(self, trouble: Trouble | None) -> None:
        """The archive's disk was asked: a service that does so again and again is alive."""
        if trouble is not None:
            self._notifier.alive()
            self._notifier.status(self._queries.sentence())

    def _end_with(self, failure: Exception) -> None:
        self._failure = failure
        self.stop()

    def _heard(self, report: Report) -> None:
        if isinstance(report, Replaced) and not self._stopping:
            log.warning("another version of beemon was installed; it takes over from this one")
            self.stop()
        if isinstance(report, JobEnded):
            self._archive.session.saw(report.job)
            self._intake.end_job(report)
        self._board.post(report)  # after the switch: who waits for a reload may rely on it
        if isinstance(report, Heartbeat):
            if clock.now().monotonic - report.monotonic < self._limits.stale_seconds:
                self._notifier.alive()
            self._notifier.status(self._queries.sentence())
            if self._archive.is_known_back(clock.now().monotonic):
                self._end_with(OSError(
                    f"{self._config.current().archive_path} holds the right archive again; "
                    "the service restarts in it"
                ))
            if clock.now().monotonic >= self._well_from:
                self._well_from = math.inf
                self._archive.session.note_well()

    def reload(self) -> None:
        """Take over the config on disk, as the `reload` command does; for a signal handler."""
        threading.Thread(target=self._reload, name="reload", daemon=True).start()

    def _reload(self) -> None:
        try:
            self._intake.accept(commands.parse("reload", ()), "", 0)
        except (RequestError, sqlite3.Error) as error:
            log.error("the config was not reloaded: %s", error)

    def _orchestrator_died(self, how: str) -> None:
        log.critical("%s; the service ends and restarts", how)
        self._end_with(OrchestratorDiedError(how))

    # Start and end

    def _begin_to_serve(self) -> None:
        for entrance in (self._address, self._socket):
            entrance.begin_to_serve()

    def _shut_down(self) -> None:
        self._stopping = True
        self._intake.close()
        if self._ready:
            self._notifier.stopping()
            log.info("stopping")
        for door in (self._tcp, self._unix):
            door.close()
        self._begin_to_serve()
        for entrance in (self._address, self._socket):
            entrance.opening.give_up(0)
        self._config.watch.stop()
        self._opening.give_up(_OPENING_SECONDS)
        self._link.stop()
        self._board.close()
        for door in (self._tcp, self._unix):
            door.dismiss_clients()
        if self._socket_path is not None and not self._socket.opening.trouble:
            with contextlib.suppress(OSError):  # the next start replaces it
                unix.remove(self._socket_path)
        self._end_run()
        if self._ready:
            log.info("stopped")

    def _end_run(self) -> None:
        # A config that was refused gives way to the last good one: nothing failed.
        is_failure = not isinstance(self._failure, ConfigError | None)
        self._archive.session.end_run(
            starts.FAILED if is_failure else starts.STOPPED,
            str(self._failure) if self._failure else None,
        )
        foreseen = isinstance(self._failure, OSError | ConfigError | OrchestratorDiedError | None)
        if self._link.ended_by_defect or not foreseen:
            self._archive.session.note_failed()
        elif self._failure is None:
            self._archive.session.note_well()
        self._archive.session.close()


def _session(settings: Settings) -> ArchiveSession:
    """The archive that the config names; one that no config names need not be known again."""
    path, memory = settings.archive_path, None
    if settings.source:
        with contextlib.suppress(OSError):  # a user without a folder has no place to remember it
            memory = Memory(config.memory_file(), path)
    return ArchiveSession(path, memory=memory, result=service.last_result)


def _new_queue() -> CommandQueue:
    return multiprocessing.get_context("spawn").Queue(MAX_OPEN_JOBS + RESERVE + 1)


def _check_above_zero(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be above 0, not {value!r}")


def _do_nothing() -> None:
    """What follows where nothing has to."""


def _defect(error: Exception) -> RequestError:
    said = f"{type(error).__name__}: {error}"
    return RequestError(
        "defect", f"it could not be answered ({said}); see: sudo journalctl -u beemon -p err; "
        "beemon archive check",
    )


def _log_refusal(error: RequestError, message: bytes, ip_address: IPAddress) -> None:
    if error.code == "not-authorised":
        log.warning("%s was refused: %s", ip_address[0], error)
    elif error.code == "http":
        log.warning("%s speaks HTTP to this port and was refused", ip_address[0])
    else:
        said = commands.shown(message.decode("utf-8", "replace"), 80)
        log.debug("%s said %s: %s", ip_address[0], said, error.code)


