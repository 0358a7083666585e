"""The Server by itself: the contract, the replies, and how a conversation goes."""

from __future__ import annotations

import inspect
import json
import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from beemon.config import settings as config
from beemon.config.settings import ArchiveSettings, ServerSettings, Settings
from beemon.ledger.reader import ArchiveReader
from beemon.ledger.session import ArchiveSession
from beemon.protocol.replies import JobFacts
from beemon.protocol.reports import Heartbeat, JobEnded, Trouble
from beemon.server import Server
from beemon.server.intake import MAX_CLIENT_JOBS, MAX_DEVICE_JOBS, MAX_OPEN_JOBS, OpenJob
from beemon.server.limits import Limits
from tests.corpus import MESSAGES, Message
from tests.hive import SIMULATED

CLIENT = ("127.0.0.1", 40000)
COMMAND = b"record microphone.brood 30"


class FakeSocket:
    """The least that a socket needs to be for ``on_receive``."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    @property
    def replies(self) -> list[tuple[str, dict[str, Any]]]:
        lines = self.sent.decode().splitlines()
        return [(word, json.loads(rest)) for word, rest in (x.split(" ", 1) for x in lines)]

    @property
    def reply(self) -> tuple[str, dict[str, Any]]:
        (only,) = self.replies
        return only


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "beemon.toml"
    path.write_text(f'[archive]\npath = "{tmp_path / "archive"}"\n{SIMULATED}')
    return config.load(path)


@pytest.fixture
def commands() -> queue.Queue[Any]:
    return queue.Queue()


@pytest.fixture
def server(settings: Settings, commands: queue.Queue[Any]) -> Iterator[Server]:
    server = Server(settings=settings, command_queue=commands)
    yield server
    server._archive.session.close()


def fill(server: Server, count: int, host: str) -> None:
    """Have jobs open that wait for no device of this config."""
    for _ in range(count):
        jobs = server._intake._open_jobs
        jobs[1000 + len(jobs)] = OpenJob(host, {"sensor.gone"})


def refused(server: Server, message: bytes, host: str) -> tuple[str, str]:
    client = FakeSocket()
    server.on_receive(message, client, (host, 40000))  # type: ignore[arg-type]
    _, payload = client.reply
    return payload["code"], payload["message"]


class BrokenReader(ArchiveReader):
    """A reader with a defect behind one of its questions."""

    def jobs(self, count: int, begin_us: int | None = None) -> list[dict[str, Any]]:
        raise TypeError("a defect")


class BrokenRegister(ArchiveSession):
    """An archive whose reader has a defect."""

    @property
    def reader(self) -> ArchiveReader:
        self.open()
        return BrokenReader(self._archive)


def ask(server: Server, message: bytes) -> tuple[str, dict[str, Any]]:
    client = FakeSocket()
    server.on_receive(message, client, CLIENT)  # type: ignore[arg-type]
    return client.reply


@pytest.mark.process
def test_a_defect_in_an_answer_is_told_in_one_line_and_disturbs_no_other(
    settings: Settings, commands: queue.Queue[Any], caplog: pytest.LogCaptureFixture
) -> None:
    register = BrokenRegister(settings.archive_path)
    with closing(register):
        server = Server(settings=settings, command_queue=commands, ledger=register)
        word, payload = ask(server, b"jobs")
        assert (word, payload["code"]) == ("ERROR", "defect")
        assert "TypeError: a defect" in caplog.text
        assert ask(server, b"readings")[0] == "OK"


class TestContract:
    def test_four_optional_arguments_with_these_defaults_come_first(self) -> None:
        parameters = list(inspect.signature(Server).parameters.values())
        assert [(p.name, p.default) for p in parameters[:4]] == [
            ("host_address", "127.0.0.1"),
            ("listening_port", 8080),
            ("socket_timeout_seconds", 3),
            ("receive_size_bytes", 1024),
        ]

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("start", []), ("stop", []), ("_accept_loop", []),
            ("on_accept", ["socket_connection", "ip_address"]),
            ("on_receive", ["message", "socket_connection", "ip_address"]),
        ],
    )
    def test_its_five_methods_have_their_names_and_parameters(
        self, name: str, parameters: list[str]
    ) -> None:
        takes = list(inspect.signature(getattr(Server, name)).parameters)
        assert takes == ["self", *parameters]

    def test_the_accept_loop_ignores_time_outs_serves_each_client_and_ends_with_stop(
        self, settings: Settings, commands: queue.Queue[Any]
    ) -> None:
        server = Server(None, 0, 0.05, settings=settings, command_queue=commands)
        server._entrances.listen()
        loop = threading.Thread(target=server._accept_loop)
        loop.start()
        time.sleep(0.2)  # some of its time-outs
        with socket.create_connection(("127.0.0.1", server.listening_port), timeout=10) as client:
            client.sendall(b"ping\n")
            assert client.makefile().readline() == 'OK {"pong": true}\n'
        server.stop()
        loop.join(10)
        assert not loop.is_alive()
        server._doors.dismiss_clients()

    def test_everything_else_is_keyword_only_with_a_default(self) -> None:
        for parameter in list(inspect.signature(Server).parameters.values())[4:]:
            assert parameter.kind is parameter.KEYWORD_ONLY
            assert parameter.default is not parameter.empty

    def test_none_means_the_default(self) -> None:
        server = Server(None, None, None, None)
        assert (server.host_address, server.listening_port) == ("127.0.0.1", 8080)
        assert (server.socket_timeout_seconds, server.receive_size_bytes) == (3, 1024)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"listening_port": -1},
            {"listening_port": 65536},
            {"socket_timeout_seconds": 0},
            {"socket_timeout_seconds": -3},
            {"receive_size_bytes": 0},
            {"receive_size_bytes": -1},
        ],
    )
    def test_impossible_arguments_are_refused_by_name(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            Server(**arguments)

    @pytest.mark.parametrize(
        "limits",
        [{"max_clients": 0}, {"idle_seconds": 0}, {"request_seconds": -1}, {"stale_seconds": 0}],
    )
    def test_impossible_limits_are_refused_by_name(self, limits: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(limits))):
            Limits(**limits)

    def test_the_constructor_touches_no_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
        Server()
        assert list(tmp_path.iterdir()) == []

    def test_methods_have_the_given_parameters(self) -> None:
        assert list(inspect.signature(Server.on_accept).parameters) == [
            "self", "socket_connection", "ip_address",
        ]
        assert list(inspect.signature(Server.on_receive).parameters) == [
            "self", "message", "socket_connection", "ip_address",
        ]

    def test_start_raises_oserror_that_names_who_holds_the_port(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            server = Server(listening_port=other.getsockname()[1])
            with pytest.raises(OSError, match=r"in use by process \d+ \("):
                server.start()

    def test_start_raises_oserror_for_an_address_of_another_machine(self) -> None:
        with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1"):
            Server("192.0.2.1", 0).start()

    def test_stop_works_twice_and_before_start(self, server: Server) -> None:
        server.stop()
        server.stop()
        server.start()


class TestCommands:
    def test_a_known_command_goes_on_the_queue_unchanged(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        word, payload = ask(server, COMMAND)
        queued = commands.get_nowait()
        assert (word, queued) == ("OK", COMMAND.decode())
        assert queued.job == payload["job"]

    def test_spaces_stay_as_the_client_wrote_them(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        ask(server, b" record  microphone.brood   30 ")
        assert commands.get_nowait() == " record  microphone.brood   30 "

    def test_a_command_is_in_the_ledger_before_the_client_hears_of_it(
        self, server: Server, settings: Settings
    ) -> None:
        _, payload = ask(server, COMMAND)
        rows = sqlite3.connect(settings.archive_path / "ledger.db").execute(
            "SELECT job, command, origin, outcome FROM jobs"
        )
        assert rows.fetchall() == [(payload["job"], COMMAND.decode(), "127.0.0.1:40000", None)]

    def test_a_command_is_logged_also_if_its_client_has_gone(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        ours, theirs = socket.socketpair()
        theirs.close()
        with ours, pytest.raises(OSError, match="pipe"):
            server.on_receive(COMMAND, ours, ("127.0.0.1", 40000))
        assert f"job 1 accepted: {COMMAND.decode()} (127.0.0.1:40000)" in caplog.messages

    def test_an_unknown_command_gets_an_error_and_is_not_queued(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        word, payload = ask(server, b"make coffee")
        assert (word, payload["code"]) == ("ERROR", "unknown-command")
        assert commands.empty()

    def test_a_query_is_answered_and_not_queued(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        assert ask(server, b"ping") == ("OK", {"pong": True})
        assert commands.empty()

    def test_when_the_queue_is_full_nothing_is_accepted(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        server = Server(settings=settings, command_queue=queue.Queue(maxsize=1))
        assert ask(server, b"read")[0] == "OK"
        word, payload = ask(server, b"read")
        assert (word, payload["code"]) == ("ERROR", "queue-full")
        assert len(server._archive.session.reader.jobs(10)) == 1
        server._archive.session.close()

    def test_stop_still_passes_when_too_many_jobs_are_open(self, server: Server) -> None:
        fill(server, MAX_CLIENT_JOBS, "192.0.2.7")
        fill(server, MAX_OPEN_JOBS - MAX_CLIENT_JOBS, "192.0.2.8")
        code, message = refused(server, b"read", "192.0.2.9")
        assert (code, message) == (
            "queue-full", f"{MAX_OPEN_JOBS} commands are waiting already; to end them: beemon "
                          "cancel all"
        )
        for urgent in (b"stop all", b"reload", b"inspection begin", b"cancel all", b"clock right"):
            assert ask(server, urgent)[0] == "OK"

    def test_the_backlog_of_one_device_leaves_the_others_their_places(self, server: Server) -> None:
        accepted = [ask(server, b"record microphone.brood 3600")[0] for _ in range(100)]
        assert accepted == ["OK"] * MAX_DEVICE_JOBS + ["ERROR"] * (100 - MAX_DEVICE_JOBS)
        assert refused(server, COMMAND, "192.0.2.9") == (
            "queue-full",
            f"{MAX_DEVICE_JOBS} commands are waiting for microphone.brood; "
            "to end them: beemon cancel microphone.brood",
        )
        for other in (b"read", b"snapshot camera.entrance", b"reload", b"inspection begin"):
            assert ask(server, other)[0] == "OK"

    def test_one_client_leaves_places_for_others(self, server: Server) -> None:
        fill(server, MAX_CLIENT_JOBS, "192.0.2.9")
        assert refused(server, COMMAND, "192.0.2.9") == (
            "queue-full",
            f"{MAX_CLIENT_JOBS} commands of 192.0.2.9 are waiting already; "
            "to end them: beemon cancel all",
        )
        assert ask(server, b"read")[0] == "OK"

    def test_a_place_is_free_again_when_the_job_has_ended(self, server: Server) -> None:
        jobs = [ask(server, COMMAND)[1]["job"] for _ in range(MAX_DEVICE_JOBS)]
        server._hearing.hear(JobEnded(JobFacts(jobs[0], outcome="done")))
        assert ask(server, COMMAND)[0] == "OK"
        assert ask(server, COMMAND)[1]["code"] == "queue-full"

    def test_a_command_the_queue_did_not_take_is_closed_as_failed(
        self, server: Server, settings: Settings
    ) -> None:
        class ClosedQueue(queue.Queue[Any]):
            def put_nowait(self, item: Any) -> None:
                raise ValueError("Queue is closed")

        server.command_queue = ClosedQueue()
        assert ask(server, COMMAND)[1]["code"] == "queue-full"
        (job,) = server._archive.session.reader.jobs(1)
        assert (job.outcome, job.reason) == ("failed", "not-queued")

    def test_a_reload_that_could_not_be_queued_is_not_waited_for(self, settings: Settings) -> None:
        class ClosedQueue(queue.Queue[Any]):
            def put_nowait(self, item: Any) -> None:
                raise ValueError("the queue is closed")

        server = Server(settings=settings, command_queue=ClosedQueue())
        assert ask(server, b"reload")[1]["code"] == "queue-full"
        assert ask(server, b"wait 1")[1]["reason"] == "not-queued"
        server._archive.session.close()

    def test_a_ledger_that_cannot_be_written_is_an_error_and_nothing_is_queued(
        self, server: Server, settings: Settings, commands: queue.Queue[Any]
    ) -> None:
        ask(server, b"read")
        commands.get_nowait()
        database = sqlite3.connect(settings.archive_path / "ledger.db")
        database.execute("DROP TABLE jobs")
        assert ask(server, COMMAND)[1]["code"] == "no-ledger"
        assert commands.empty()

    def test_while_no_outcome_can_be_entered_nothing_is_accepted(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        trouble = Trouble("ledger", "the database cannot be written: disk full")
        server._board.post(Heartbeat(0.0, troubles=(trouble,)))
        code, reply = ask(server, COMMAND)
        assert (code, reply["code"]) == ("ERROR", "no-ledger")
        assert "disk full" in reply["message"]
        assert commands.empty()
        server._board.post(Heartbeat(0.0))
        assert ask(server, COMMAND)[0] == "OK"

    def test_a_second_server_on_the_same_archive_is_told_who_has_it(
        self, server: Server, settings: Settings
    ) -> None:
        ask(server, b"read")
        second = Server("127.0.0.1", 0, settings=settings)
        with pytest.raises(BlockingIOError, match=r"in use by another beemon \(process \d+\)"):
            second.start()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"x" * 1025, "too-long"),
        (b"caf\xe9", "not-utf8"),
        (b"ping\x00", "control-character"),
        (b"pi\tng", "control-character"),
        (b"ping\r\nread", "control-character"),
        ("ping\u202e".encode(), "control-character"),
        (b"make coffee", "unknown-command"),
        (b"Record microphone.brood", "unknown-command"),
        (b"record", "bad-argument"),
        (b"record sensor.brood", "bad-argument"),
        (b"record microphone.brood ten", "bad-argument"),
        (b"record microphone.brood 0", "bad-argument"),
        (b"record microphone.brood 1e3", "bad-argument"),
        (b"record microphone.brood 3 3", "bad-argument"),
        (b"ping pong", "bad-argument"),
        (b"wait 0.5", "bad-argument"),
        (b"record microphone.brod", "unknown-device"),
        (b"snapshot camera.roof", "unknown-device"),
        (b"job 4711", "unknown-job"),
        (b"wait 4711", "unknown-job"),
        (b"GET / HTTP/1.1", "http"),
        (b"Host: example.org", "http"),
        (b"reload", "bad-config"),
    ],
)
def test_each_kind_of_bad_input_has_its_code_and_is_not_queued(
    tmp_path: Path, message: bytes, code: str
) -> None:
    loaded = config.load(_written(tmp_path))
    settings = Settings(archive=loaded.archive, devices=loaded.devices)  # from no file on disk
    commands: queue.Queue[Any] = queue.Queue()
    server = Server(settings=settings, command_queue=commands)
    word, payload = ask(server, message)
    server._archive.session.close()
    assert (word, payload["code"]) == ("ERROR", code)
    assert payload["message"]
    assert commands.empty()


def _written(folder: Path) -> Path:
    path = folder / "beemon.toml"
    path.write_text(f'[archive]\npath = "{folder / "archive"}"\n{SIMULATED}')
    return path


class Conversation:
    """A client at the other end of ``on_accept``."""

    def __init__(self, server: Server) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(5)
        self.lines = self.socket.makefile("rb")
        self.thread = threading.Thread(target=self._serve, args=(server, theirs), daemon=True)
        self.thread.start()

    def _serve(self, server: Server, theirs: socket.socket) -> None:
        with theirs:
            server.on_accept(theirs, CLIENT)

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def hear(self) -> tuple[str, dict[str, Any]]:
        word, rest = self.lines.readline().decode().split(" ", 1)
        return word, json.loads(rest)

    def ended(self) -> bool:
        try:
            return self.lines.readline() == b""
        except ConnectionResetError:  # it was closed with a byte of the client's still unread
            return True


@pytest.fixture
def patient(settings: Settings, commands: queue.Queue[Any]) -> Iterator[Server]:
    server = Server(
        None, None, 0.1, None,
        settings=settings, command_queue=commands,
        limits=Limits(idle_seconds=0.3, request_seconds=0.4),
    )
    yield server
    server._archive.session.close()


@pytest.fixture
def calm(settings: Settings, commands: queue.Queue[Any]) -> Iterator[Server]:
    """A server for clients that pause: however slow this machine is, they are not silent."""
    server = Server(
        None, None, 20, None, settings=settings, command_queue=commands,
        limits=Limits(request_seconds=0.4),
    )
    yield server
    server._archive.session.close()


class TestConversations:
    def test_several_requests_may_share_a_packet_and_are_answered_in_order(
        self, server: Server
    ) -> None:
        client = Conversation(server)
        client.say(b"ping\nversion\r\nmake coffee\nping\n")
        assert [client.hear()[0] for _ in range(4)] == ["OK", "OK", "ERROR", "OK"]

    def test_a_request_may_end_with_the_stream(self, server: Server) -> None:
        client = Conversation(server)
        client.say(b"ping")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.hear() == ("OK", {"pong": True})
        assert client.ended()

    def test_a_silence_ends_a_request_and_the_connection(self, patient: Server) -> None:
        client = Conversation(patient)
        client.say(b"ping")
        assert client.hear() == ("OK", {"pong": True})
        assert client.ended()

    def test_a_short_pause_does_not_end_a_request(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        client = Conversation(server)
        client.say(b"record microphone.brood 3")
        time.sleep(0.05)
        client.say(b"00\n")
        assert client.hear()[0] == "OK"
        assert commands.get(timeout=1) == "record microphone.brood 300"

    def test_a_silent_client_is_let_go(self, patient: Server) -> None:
        client = Conversation(patient)
        assert client.ended()

    def test_a_request_that_never_ends_is_given_up(self, calm: Server) -> None:
        client = Conversation(calm)
        with pytest.raises(OSError):  # noqa: PT012  the Server ends it at some byte
            for _ in range(500):
                client.say(b"x")
                time.sleep(0.02)
        assert client.hear()[1]["code"] == "not-finished"
        assert client.ended()

    def test_http_gets_one_line_and_the_end(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        client = Conversation(server)
        client.say(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nread\n")
        assert client.hear()[1]["code"] == "http"
        assert client.ended()
        assert commands.empty()

    def test_a_bad_request_does_not_end_the_connection(self, server: Server) -> None:
        client = Conversation(server)
        client.say(b"make coffee\n" + b"y" * 5000 + b"\nping\n")
        assert client.hear()[1]["code"] == "unknown-command"
        assert client.hear()[1]["code"] == "too-long"
        assert client.hear() == ("OK", {"pong": True})

    @pytest.mark.parametrize("message", [m for m in MESSAGES if m.closes], ids=str)
    def test_nothing_is_obeyed_after_a_line_of_another_protocol(
        self, server: Server, commands: queue.Queue[Any], message: Message
    ) -> None:
        client = Conversation(server)
        client.say(message.sent + b"\nstop all\n")
        assert client.hear()[0] == "ERROR"
        assert client.ended()
        assert commands.empty()

    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"r" * 32 + b" \nstop all\n" + b"\0" * 9,
            b"\0\x01\0\x08\x21\x12\xa4\x42twelve bytes\nstop all\n",
            b"*1\r\n$8\r\nstop all\r\n",
            b"X1: x\r\nstop all\r\n",
            b"y" * 5000 + b"\0\0\nstop all\n",
        ],
        ids=["TLS", "STUN", "RESP", "header", "long"],
    )
    def test_a_line_inside_another_protocol_is_not_obeyed(
        self, server: Server, commands: queue.Queue[Any], sent: bytes
    ) -> None:
        client = Conversation(server)
        client.say(sent)
        assert client.hear()[0] == "ERROR"
        assert client.ended()
        assert commands.empty()

    def test_five_requests_in_a_row_that_are_not_understood_end_the_connection(
        self, server: Server, commands: queue.Queue[Any]
    ) -> None:
        client = Conversation(server)
        client.say(b"make coffee\n" * 4 + b"ping\n" + b"make coffee\n" * 5 + b"stop all\n")
        assert [client.hear()[0] for _ in range(10)] == ["ERROR"] * 4 + ["OK"] + ["ERROR"] * 5
        assert client.ended()
        assert commands.empty()


@pytest.mark.parametrize(
    "message",
    [
        b"ping\nNov 22 12:00:00 hive beemon[1]: all is well",
        b"\x1b[2J\x1b[1;1Hread",
        "ping\u2028job 1 done".encode(),
        b"\xff\x00\r\nroot",
        b"read sensor." + b"x" * 900,
    ],
)
def test_what_a_client_says_cannot_forge_a_line_of_the_log(
    server: Server, caplog: pytest.LogCaptureFixture, message: bytes
) -> None:
    caplog.set_level("DEBUG")
    ask(server, message)
    (line,) = [r.getMessage() for r in caplog.records if r.name == "beemon.server.conversation"]
    assert line.isprintable()
    assert len(line) < 200


class TestToken:
    TOKEN = "correct-horse-battery"

    @pytest.fixture
    def guarded(self, settings: Settings, commands: queue.Queue[Any]) -> Server:
        return Server(settings=settings, command_queue=commands, token=self.TOKEN)

    def test_the_right_token_opens_the_door(self, guarded: Server) -> None:
        client = Conversation(guarded)
        client.say(f"auth {self.TOKEN}\nping\n".encode())
        assert client.hear() == ("OK", {"authorised": True})
        assert client.hear() == ("OK", {"pong": True})

    @pytest.mark.parametrize("first", [b"auth wrong", b"auth", b"ping", b"read", b"auth \xc3\xa9"])
    def test_anything_else_is_refused_and_the_connection_ended(
        self, guarded: Server, commands: queue.Queue[Any], first: bytes
    ) -> None:
        client = Conversation(guarded)
        client.say(first + b"\nread\n")
        assert client.hear()[1]["code"] == "not-authorised"
        assert client.ended()
        assert commands.empty()

    def test_the_token_is_never_logged(
        self, guarded: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        client = Conversation(guarded)
        client.say(f"auth {self.TOKEN}x\n".encode())
        client.hear()
        assert self.TOKEN not in caplog.text


def test_server_settings_have_the_constructors_names_and_defaults() -> None:
    given = ServerSettings()
    signature = inspect.signature(Server).parameters
    for name in ("host_address", "listening_port", "socket_timeout_seconds", "receive_size_bytes"):
        assert getattr(given, name) == signature[name].default


def test_a_bare_server_keeps_its_archive_in_the_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert Settings(archive=ArchiveSettings()).archive_path == tmp_path
