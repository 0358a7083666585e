"""Clients that mean harm, or whose machine died: the Server gets over them, and others notice
nothing."""

from __future__ import annotations

import contextlib
import queue
import random
import resource
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.config.settings import ArchiveSettings, Settings
from beemon.protocol.replies import JobFacts
from beemon.protocol.reports import JobEnded
from beemon.server import Server, answers
from beemon.server.answers import MAX_WAITING
from beemon.server.limits import Limits
from tests.hive import Hive, until

MICROPHONE = '[microphone.brood]\ndriver = "simulated"\n'
CLIENT = ("127.0.0.1", 40000)


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    with Hive(tmp_path_factory.mktemp("abuse"), MICROPHONE) as hive:
        hive.do("start all")  # from here on the queue's thread runs, and the ledger is open
        yield hive


@pytest.fixture
def quiet(hive: Hive) -> Iterator[Hive]:
    """The service, which must hold as many descriptors and threads after the test as before."""
    before = held(hive)
    yield hive
    until(lambda: all(now <= then for now, then in zip(held(hive), before, strict=True)))
    assert hive.answers()


def held(hive: Hive) -> tuple[int, int]:
    """How many descriptors and threads the Server has."""
    assert hive.process is not None
    process = Path("/proc", str(hive.process.pid))
    descriptors, threads = (len(list((process / kind).iterdir())) for kind in ("fd", "task"))
    return descriptors, threads


def connect(hive: Hive) -> socket.socket:
    return socket.create_connection(("127.0.0.1", hive.port), timeout=10)


def reset(connection: socket.socket) -> None:
    """Close with an RST, as the kernel does for a client that crashed with unread replies."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_random_bytes_on_real_connections(quiet: Hive) -> None:
    dice = random.Random(7)
    endings: list[Callable[[socket.socket], None]] = [
        reset, socket.socket.close, lambda s: s.shutdown(socket.SHUT_WR),
    ]
    left_open = []
    for _ in range(200):
        connection = connect(quiet)
        with contextlib.suppress(ConnectionError):  # HTTP's likeness is hung up on
            connection.sendall(dice.randbytes(dice.randrange(1, 4000)))
            dice.choice(endings)(connection)
        left_open.append(connection)
    assert quiet.ask("ping")
    for connection in left_open:
        connection.close()


def test_a_reset_in_the_middle_of_a_request(quiet: Hive) -> None:
    for _ in range(100):
        connection = connect(quiet)
        connection.sendall(b"record microphone.br")
        reset(connection)
    assert [job["command"] for job in quiet.ask("jobs")["jobs"]] == ["start all"]


def test_ten_thousand_requests_at_once_are_answered_in_order(quiet: Hive) -> None:
    with connect(quiet) as connection:
        sender = threading.Thread(
            target=connection.sendall, args=(b"ping\nversion\n" * 5_000,), daemon=True
        )
        sender.start()
        lines = connection.makefile("rb")
        kinds = [b"pong" in lines.readline() for _ in range(10_000)]
        sender.join()
    assert kinds == [True, False] * 5_000


def test_a_client_that_reads_nothing_holds_up_only_itself(quiet: Hive) -> None:
    with connect(quiet) as mute:
        mute.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # all buffers are full, on both sides
            while True:
                mute.send(b"help\n" * 100)
        assert quiet.ask("ping")
        reset(mute)


def test_a_client_that_reads_nothing_is_given_up(tmp_path: Path) -> None:
    server = Server(
        settings=_settings(tmp_path), command_queue=queue.Queue(), limits=Limits(idle_seconds=0.3)
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=server.on_accept, args=(theirs, CLIENT), daemon=True)
        thread.start()
        ours.settimeout(0.2)
        with contextlib.suppress(OSError):
            while True:
                ours.sendall(b"help\n" * 100)
        thread.join(10)
        assert not thread.is_alive()


def test_a_request_that_ends_with_the_stream_may_still_wait_for_its_job(quiet: Hive) -> None:
    job = quiet.ask("record microphone.brood 600")["job"]
    with connect(quiet) as connection:
        connection.sendall(f"wait {job}\n".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(answers._LOOK_SECONDS + 0.5)
        with pytest.raises(TimeoutError):  # it was looked at, and found to be listening
            connection.recv(1)
        quiet.ask(f"cancel {job}")
        assert b'"outcome": "interrupted"' in connection.makefile("rb").readline()


def test_clients_that_wait_and_vanish_give_their_places_back(quiet: Hive) -> None:
    job = quiet.ask("record microphone.brood 600")["job"]
    waiting = [connect(quiet) for _ in range(MAX_WAITING)]
    for connection in waiting:
        connection.sendall(f"wait {job}\n".encode())
    until(lambda: _code(quiet, f"wait {job}") == "too-many-waiting")
    for connection in waiting:
        reset(connection)

    def place_found() -> bool:
        with quiet.client(timeout=0.3) as client:
            try:
                return client.request("watch").ok
            except OSError:
                return False

    until(place_found)
    quiet.ask(f"cancel {job}")


def _code(hive: Hive, text: str) -> str | None:
    """The error's code; None where there is no answer yet."""
    with hive.client(timeout=0.2) as client:
        try:
            code: str | None = client.request(text).payload.get("code")
        except OSError:
            return None
        return code


def test_without_a_free_descriptor_clients_wait_and_the_log_says_so_once(quiet: Hive) -> None:
    assert quiet.process is not None
    pid = quiet.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as clients:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (held(quiet)[0] + 5, before[1]))
        try:
            connections = [clients.enter_context(connect(quiet)) for _ in range(20)]
            until(lambda: "no client can be accepted" in quiet.said())
            connections[0].sendall(b"ping\n")
            assert connections[0].recv(100).startswith(b"OK")
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        connections[-1].sendall(b"ping\n")
        assert connections[-1].recv(100).startswith(b"OK")
    until(lambda: "clients are accepted again" in quiet.said())
    assert quiet.said().count("no client can be accepted") == 1


def test_a_watcher_that_falls_behind_is_let_go(tmp_path: Path) -> None:
    server = Server(settings=_settings(tmp_path), command_queue=queue.Queue())

    class Slow:
        def sendall(self, _: bytes) -> None:
            for job in range(answers._MOST_UNREAD + 2):
                server._board.post(JobEnded(JobFacts(job, outcome="done")))

    with pytest.raises(TimeoutError):
        server.on_receive(b"watch", Slow(), CLIENT)  # type: ignore[arg-type]
    assert server._board.waiting == 0


def _settings(tmp_path: Path) -> Settings:
    return Settings(archive=ArchiveSettings(path=tmp_path / "archive"))
