"""Server: takes requests over TCP, answers queries, and queues commands to the Orchestrator.

It executes nothing and touches no hardware. A client is served by a thread of its own, so a slow
one disturbs nobody.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import queue
import select
import socket
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from beemon.base import clock
from beemon.base.reports import Heartbeat, JobEnded, Replaced, Report, Trouble
from beemon.config import settings as config
from beemon.config.settings import ConfigError, Settings
from beemon.ledger import access, quarantine, starts
from beemon.ledger.identity import Memory
from beemon.ledger.session import ArchiveSession
from beemon.protocol import address, commands, unix
from beemon.protocol import lines as protocol
from beemon.protocol.address import AddressError
from beemon.protocol.lines import RequestError, RequestReader
from beemon.server.clients import Clients, Outbox, Places, RequestTimer
from beemon.server.door import Door
from beemon.server.in_force import ConfigInForce
from beemon.server.intake import MAX_OPEN_JOBS, RESERVE, CommandQueue, Intake
from beemon.server.latest import LatestState, Mail
from beemon.server.opening import Opening
from beemon.server.orchestrator_process import OrchestratorDiedError, OrchestratorProcess
from beemon.server.queries import STALE_SECONDS, Queries
from beemon.storage.lock import ArchiveBusyError
from beemon.system import service
from beemon.system.service import Notifier

log = logging.getLogger(__name__)

IPAddress = tuple[str, int]

MAX_CLIENTS = 500
MAX_WAITING, MAX_WAITING_EACH, MAX_WATCHING = 50, 40, 30
"""How many clients may wait or watch: in all, from one address or user, and watchers alone."""
_MAX_LOCAL = 100  # by the Unix socket, beside those by TCP
IDLE_SECONDS = 30.0
"""How long a connection may stay silent between requests."""
REQUEST_SECONDS = 10.0
"""How long a request may take from its first byte to its end."""

_WATCH_SECONDS = 10.0
_LOOK_SECONDS = 2.0  # between two looks whether a client that waits is still there
_MOST_UNREAD = 1000  # reports that a watcher may be behind
_OPENING_SECONDS = 3.0  # that a stop waits for an attempt to open the archive
_ADDRESS_SECONDS = 5.0  # that the start waits for the first attempt to listen
_ARCHIVE_SECONDS = 5.0  # between two looks whether the right archive is there again
_WELL_SECONDS = 60.0  # a service that has worked for so long does not fail at its start
_MOST_UNSENT = 8 << 20  # bytes of replies that clients have not taken
_MOST_ANSWERS = 4  # long ones that are made at the same time
_QUICK = ("ping", "version", "status", "devices", "help")


class Server:
    """The TCP server of one hive.

    The first four arguments take None for their default. ``settings`` is the config (default: no
    devices, the archive in ``$STATE_DIRECTORY`` or the user's state folder); ``token``, if set,
    must be said first by every client over TCP, and is in ``token_file`` where that is given;
    ``socket_path`` is a Unix socket, whose clients need no token; with ``keep_trying`` an address
    that cannot be used is tried again and again, and ends nothing;
    ``command_queue`` and ``ledger`` replace the real ones;
    ``stale_seconds`` is the age of a heartbeat from which on the Orchestrator counts as hung.
    Nothing on disk is touched before :meth:`start`, or the first accepted command.
    """

    def __init__(
        self,
        host_address: str | None = "127.0.0.1",
        listening_port: int | None = 8080,
        socket_timeout_seconds: float | None = 3,
        receive_size_bytes: int | None = 1024,
        *,
        settings: Settings | None = None,
        command_queue: Any = None,
        ledger: ArchiveSession | None = None,
        token: str | None = None,
        token_file: Path | None = None,
        socket_path: Path | None = None,
        keep_trying: bool = False,
        notifier: Notifier | None = None,
        max_clients: int = MAX_CLIENTS,
        idle_seconds: float = IDLE_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self.host_address = "127.0.0.1" if host_address is None else host_address
        self.listening_port = 8080 if listening_port is None else listening_port
        self.socket_timeout_seconds = (
            3 if socket_timeout_seconds is None else socket_timeout_seconds
        )
        self.receive_size_bytes = 1024 if receive_size_bytes is None else receive_size_bytes
        self._check_arguments(
            socket_timeout_seconds=self.socket_timeout_seconds,
            receive_size_bytes=self.receive_size_bytes,
            max_clients=max_clients,
            idle_seconds=idle_seconds,
            request_seconds=request_seconds,
            stale_seconds=stale_seconds,
        )
        settings = Settings() if settings is None else settings
        if command_queue is None:
            command_queue = multiprocessing.get_context("spawn").Queue(MAX_OPEN_JOBS + RESERVE + 1)
        self._ledger = _register(settings) if ledger is None else ledger
        self._token = token
        self._notifier = Notifier() if notifier is None else notifier
        self._idle_seconds, self._request_seconds = idle_seconds, request_seconds
        self._board = LatestState()
        self._config = ConfigInForce(settings, self._board)
        self._intake = Intake(
            command_queue, self._config, self._opened_ledger, self._board, self._notifier
        )
        self._link = OrchestratorProcess(
            command_queue,
            self._heard,
            self._orchestrator_died,
            lambda: self._board.heartbeat_age,
            lambda how: self._ledger.end_run(starts.HUNG, how),
            stale_seconds=stale_seconds,
            kill_hung=self._notifier.watchdog_seconds is None,
        )
        self._opening = Opening(
            self._open_archive, self._launch_late, self._link.wait, self._end_with,
            self._tell_archive, name="archive",
            meanwhile="no command is accepted",
        )
        self._queries = Queries(
            self._board, self._config.current, lambda: self._opened_ledger().reader,
            lambda: self._opening.trouble, lambda: self._ledger.starts,
        )
        self._stale_seconds = stale_seconds
        self._outbox = Outbox(_MOST_UNSENT)
        self._answering = threading.BoundedSemaphore(_MOST_ANSWERS)
        self._places = Places(MAX_WAITING, MAX_WAITING_EACH, MAX_WATCHING)
        self._token_file, self._keep_trying = token_file, keep_trying
        self._tcp = Door(self._crowd(max_clients), self.socket_timeout_seconds)
        self._address = Opening(
            self._open_address, self._tell_listening, lambda: self._once_started(self._accept_loop),
            self._end_with, lambda trouble: self._tell_trouble("address", trouble),
            name="address", meanwhile="no client can connect by TCP",
        )
        self._socket_path = socket_path
        local = self._crowd(min(max_clients, _MAX_LOCAL))
        self._unix = Door(local, self.socket_timeout_seconds, unix.accept)
        self._socket = Opening(
            self._open_socket, lambda: None, lambda: self._once_started(self._unix.admit_clients),
            self._end_with, lambda trouble: self._tell_trouble("socket", trouble),
            name="socket", meanwhile="clients can connect by TCP alone",
        )
        self._authorised: weakref.WeakSet[Any] = weakref.WeakSet()
        self._refused: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._serving, self._ended = threading.Event(), threading.Event()
        self._ready = self._stopping = False
        self._failure: Exception | None = None
        self._next_look = 0.0
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
            self._address.go_on()
            if self._socket_path is not None:
                self._socket.go_on()
            if opened:
                self._launch()
            else:
                self._opening.go_on()
            self._address.wait_for_attempt(_ADDRESS_SECONDS)
            if self._socket_path is not None:
                self._socket.wait_for_attempt(_ADDRESS_SECONDS)
            self._ready = True
            self._notifier.ready()
            self._serving.set()
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
            idle=self._idle_seconds,
            silence=self.socket_timeout_seconds,
            request=self._request_seconds,
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
            reply = self._answer(message, socket_connection, ip_address)
            self._refused.pop(socket_connection, None)
        except RequestError as error:
            _log_refusal(error, message, ip_address)
            self._count_refusal(error, socket_connection)
            reply = error.reply()
        except sqlite3.Error as error:
            self._ledger_failed(error)
            reply = RequestError("no-ledger", f"the database cannot be used now: {error}").reply()
        except (ConnectionError, TimeoutError):
            raise  # the client's: it has gone, or takes no answer
        except Exception as error:
            log.exception("not answered: %s", commands.shown(repr(message), 80))
            reply = _defect(error).reply()
        self._outbox.send(socket_connection, reply)

    def _crowd(self, most: int) -> Clients:
        return Clients(
            most,
            exempt=lambda: self._board.waiting,
            serve=lambda connection, who: self.on_accept(connection, who),
        )

    # Requests

    def _answer(
        self, message: bytes, socket_connection: socket.socket, ip_address: IPAddress
    ) -> bytes:
        text = protocol.decode(message, self.receive_size_bytes)
        if self._token is not None and not self._is_known(socket_connection, ip_address):
            return self._authorise(text, self._token, socket_connection)
        request = commands.parse(text, self._config.current().devices)
        if request.word.is_command:
            return protocol.ok({"job": self._intake.accept(request, *ip_address[:2])})
        if request.word.name == "wait":
            return protocol.ok(self._wait(request["JOB"], socket_connection, ip_address))
        if request.word.name == "watch":
            return self._watch(socket_connection, ip_address)
        if request.word.name == "auth":
            return protocol.ok({"authorised": True})
        if request.word.name in _QUICK:
            return protocol.ok(self._queries.answer(request))
        with self._answering:
            return protocol.ok(self._queries.answer(request))

    def _is_known(self, socket_connection: socket.socket, ip_address: IPAddress) -> bool:
        return unix.is_peer(ip_address) or socket_connection in self._authorised

    def _authorise(self, text: str, token: str, socket_connection: socket.socket) -> bytes:
        import hmac  # it brings OpenSSL; most hives set no token

        word, _, said = text.strip(" ").partition(" ")
        right = hmac.compare_digest(said.strip(" ").encode(), token.encode())
        if word != "auth" or not right:
            raise RequestError("not-authorised", "send `auth TOKEN` first, with the right token")
        self._authorised.add(socket_connection)
        return protocol.ok({"authorised": True})

    def _wait(
        self, job: int, socket_connection: socket.socket, ip_address: IPAddress
    ) -> dict[str, Any]:
        with self._waiting_place(ip_address, watches=False) as mail:
            found = self._queries.job(job)
            while not found.keys() & {"outcome", "damaged"} or self._intake.is_handing_over(job):
                try:
                    message = mail.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    _check_still_there(socket_connection)
                    continue
                if message is None:
                    raise RequestError("stopping", f"the service stopped before job {job} ended")
                if message.get("job") == job:
                    found = self._queries.job(job)
        return found

    def _watch(self, socket_connection: socket.socket, ip_address: IPAddress) -> bytes:
        with self._waiting_place(ip_address, watches=True) as mail:
            socket_connection.sendall(protocol.ok({"watching": True}))
            while True:
                try:
                    message = mail.get(timeout=_WATCH_SECONDS)
                except queue.Empty:  # a client that has gone is noticed by writing to it
                    message = {"report": "state", "state": self._queries.state()}
                if message is None:
                    raise RequestError("stopping", "the service is stopping")
                if mail.qsize() > _MOST_UNREAD:
                    raise TimeoutError("the client reads too slowly")
                socket_connection.sendall(protocol.ok(message))

    @contextlib.contextmanager
    def _waiting_place(self, ip_address: IPAddress, *, watches: bool) -> Iterator[Mail]:
        with (
            self._places.take(ip_address[0], watches=watches),
            self._board.subscription() as mail,
        ):
            yield mail

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
            if self._token is not None and not self._is_known(socket_connection, ip_address):
                return False
        return True

    def _count_refusal(self, error: RequestError, socket_connection: socket.socket) -> None:
        """Count the requests in a row that were not understood."""
        if error.code in protocol.NOT_UNDERSTOOD:
            before = self._refused.get(socket_connection, 0)
            self._refused[socket_connection] = before + 1

    def _reply_not_finished(self, socket_connection: socket.socket) -> None:
        error = RequestError(
            "not-finished", f"a request must be finished within {self._request_seconds:g} s"
        )
        with contextlib.suppress(OSError):
            socket_connection.sendall(error.reply())

    # The address

    def _listen(self) -> None:
        if self._token_file is not None:
            self._token = config.read_token(self._token_file)
        listener = address.listen(self.host_address, self.listening_port)
        self.listening_port = listener.getsockname()[1]
        self._tcp.open(listener)

    def _open_address(self) -> Trouble | None:
        where = f"{commands.shown(self.host_address, 60)} port {self.listening_port}"
        try:
            if not self._tcp.is_open:
                self._listen()
        except AddressError as error:
            return Trouble("address", f"it {error.strerror}", error.remedy)
        except ConfigError as error:  # never without the token that the config asks for
            return Trouble(
                "address", f"it does not listen on {where}: {error}",
                "correct the file, then it listens by itself; see token_file in: man beemon.toml",
            )
        return None

    def _tell_listening(self) -> None:
        log.info("listening on %s port %d", self.host_address, self.listening_port)

    def _open_socket(self) -> Trouble | None:
        assert self._socket_path is not None
        try:
            self._unix.open(unix.listen(self._socket_path))
        except AddressError as error:
            return Trouble("socket", f"it {error.strerror}", error.remedy)
        return None

    def _once_started(self, admit: Callable[[], None]) -> None:
        self._serving.wait()  # who came before waits in the backlog
        admit()

    def _tell_trouble(self, about: str, trouble: Trouble | None) -> None:
        if trouble is None:
            self._board.settle_trouble(about)
        else:
            self._board.note_trouble(trouble)
        self._notifier.status(self._queries.sentence())

    # The archive and the Orchestrator

    def _opened_ledger(self) -> ArchiveSession:
        """The ledger, where the start could open it. Raises :class:`RequestError`."""
        if self._opening.trouble:
            raise RequestError("no-ledger", str(self._opening.trouble))
        return self._ledger

    def _ledger_failed(self, error: sqlite3.Error) -> None:
        """A damaged ledger ends the service: the next start sets it aside and begins a new one."""
        log.error("the database failed: %s", error)
        try:
            is_given_up = self._ledger.give_up(error)
        except OSError as trouble:
            log.error("it is damaged and remains so: %s", trouble)
            return
        if is_given_up:
            self._end_with(OSError(f"the database is damaged: {error}; the service restarts"))

    def _launch(self) -> None:
        if stranger := self._ledger.stranger:
            self._tell_stranger(stranger)
        self._tell_aside()
        self._link.start(self._config.current(), self._ledger.run_number)
        self._well_from = clock.now().monotonic + _WELL_SECONDS
        config.keep_last_good(self._config.current())

    def _tell_stranger(self, stranger: str) -> None:
        path = self._config.current().archive_path
        trouble = Trouble(
            "archive", f"{stranger}, so this run is recorded in another archive",
            f"check that its disk is mounted: findmnt -T {path}; the service then continues in "
            f"it. If this is to be the archive from now on: sudo rm {config.memory_file()}, "
            "then: sudo systemctl restart beemon",
        )
        log.error("%s", trouble)
        self._board.note_trouble(trouble)

    def _tell_aside(self) -> None:
        """Tell of ledgers that were damaged: what they hold is not in use."""
        names = self._ledger.lost_sight_of
        if not names:
            return
        path = self._config.current().archive_path
        are = "1 damaged database is" if len(names) == 1 else f"{len(names)} damaged databases are"
        doubt = "; the card may be dying: replace it soon" if len(names) >= quarantine.MANY else ""
        self._board.note_trouble(Trouble(
            "ledgers-aside",
            f"{are} in {path}, and their content is not in use{doubt}",
            "recover the readable rows: sudo systemctl stop beemon; "
            "sudo -u beemon beemon archive rebuild; sudo systemctl start beemon",
        ))

    def _look_for_archive(self, now: float) -> None:
        """Begin again in the right archive as soon as its disk is there, or there again."""
        beat = self._board.heartbeat
        is_lost = self._ledger.stranger or (beat and beat.trouble("ledger"))
        if is_lost and now >= self._next_look:
            self._next_look = now + _ARCHIVE_SECONDS
            if self._ledger.is_known_back:
                self._end_with(OSError(
                    f"{self._config.current().archive_path} holds the right archive again; "
                    "the service restarts in it"
                ))

    def _open_archive(self) -> Trouble | None:
        try:
            self._ledger.open()
        except ArchiveBusyError:
            raise
        except (OSError, sqlite3.Error) as error:
            return access.trouble(error, self._config.current().archive_path)
        return None

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
            self._ledger.saw(report.job)
            self._intake.end_job(report)
        self._board.post(report)  # after the switch: who waits for a reload may rely on it
        if isinstance(report, Heartbeat):
            if clock.now().monotonic - report.monotonic < self._stale_seconds:
                self._notifier.alive()
            self._notifier.status(self._queries.sentence())
            self._look_for_archive(clock.now().monotonic)
            if clock.now().monotonic >= self._well_from:
                self._well_from = math.inf
                self._ledger.note_well()

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

    def _check_arguments(self, **above_zero: float) -> None:
        for name, value in above_zero.items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")
        if not 0 <= self.listening_port <= 65535:
            raise ValueError(
                f"listening_port must be between 1 and 65535 (0 lets the system choose), "
                f"not {self.listening_port!r}"
            )

    def _shut_down(self) -> None:
        self._stopping = True
        self._intake.close()
        if self._ready:
            self._notifier.stopping()
            log.info("stopping")
        for door in (self._tcp, self._unix):
            door.close()
        self._serving.set()
        self._address.give_up(0)
        self._socket.give_up(0)
        self._config.watch.stop()
        self._opening.give_up(_OPENING_SECONDS)
        self._link.stop()
        self._board.close()
        for door in (self._tcp, self._unix):
            door.dismiss_clients()
        if self._socket_path is not None and not self._socket.trouble:
            with contextlib.suppress(OSError):  # the next start replaces it
                unix.remove(self._socket_path)
        # A config that was refused gives way to the last good one: nothing failed.
        is_failure = not isinstance(self._failure, ConfigError | None)
        self._ledger.end_run(
            starts.FAILED if is_failure else starts.STOPPED,
            str(self._failure) if self._failure else None,
        )
        foreseen = isinstance(self._failure, OSError | ConfigError | OrchestratorDiedError | None)
        if self._link.ended_by_defect or not foreseen:
            self._ledger.note_failed()
        elif self._failure is None:
            self._ledger.note_well()
        self._ledger.close()
        if self._ready:
            log.info("stopped")


def _register(settings: Settings) -> ArchiveSession:
    """The archive that the config names; one that no config names need not be known again."""
    path, memory = settings.archive_path, None
    if settings.source:
        with contextlib.suppress(OSError):  # a user without a folder has no place to remember it
            memory = Memory(config.memory_file(), path)
    return ArchiveSession(path, memory=memory, result=service.last_result)


def _check_still_there(socket_connection: socket.socket) -> None:
    """Raise where nothing can be sent any more; one who only ended their requests still listens."""
    look = select.poll()
    look.register(socket_connection, 0)
    if look.poll(0):
        raise ConnectionAbortedError("the client has gone")


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


