"""One connection to a Server: what comes back, and what is said when nothing proper does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from beemon.base import clock
from beemon.protocol import unix
from beemon.protocol.client import (
    Client,
    NotAdmittedError,
    NotPermittedError,
    Reply,
    ServiceUnreachableError,
    reach,
)
from beemon.protocol.lines import RequestError
from tests.hive import free_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def serve(listener: socket.socket, *replies: bytes, port: int | None = None) -> int:
    """Give one client these replies, one for each line of its, then hang up; return the port."""

    def run() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in replies:
                lines.readline()
                connection.sendall(reply)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1] if port is None else port


def test_a_reply_is_whether_it_was_ok_and_its_object(listener):
    port = serve(listener, b'OK {"pong": true}\n', b'ERROR {"code": "empty", "message": "x"}\n')
    with Client(port=port) as client:
        assert client.request("ping") == Reply(True, {"pong": True})
        assert client.request("") == Reply(False, {"code": "empty", "message": "x"})


@pytest.mark.parametrize(
    "text", ["inspection begin note\nstop all", "ping\r", "p\0ing", "\x1b[2J", "read \udcff"]
)
def test_nothing_that_does_not_print_is_sent(listener, text):
    port = serve(listener, b'OK {"pong": true}\n')
    with Client(port=port) as client:
        with pytest.raises(RequestError, match="only printable"):
            client.request(text)
        assert client.request("ping") == Reply(True, {"pong": True})


def test_a_watch_ends_when_the_server_is_silent(listener):
    port = serve(listener, b'OK {"watching": true}\n', b"")
    with Client(port=port) as client:
        reports = client.watch(patience=0.1)
        assert next(reports).payload == {"watching": True}
        with pytest.raises(ServiceUnreachableError, match="no answer"):
            next(reports)


def test_a_watch_goes_on_until_the_connection_ends(listener):
    port = serve(listener, b'OK {"watching": true}\nOK {"report": "state"}\n')
    with Client(port=port) as client:
        reports = client.watch()
        assert [next(reports).payload for _ in range(2)] == [
            {"watching": True}, {"report": "state"}
        ]
        with pytest.raises(ServiceUnreachableError, match="closed the connection"):
            next(reports)


def test_where_nobody_listens_it_says_what_to_look_at():
    with pytest.raises(ServiceUnreachableError, match=r"Connection refused.*systemctl status"):
        Client(port=free_port())


def test_who_answers_and_is_not_beemon_is_told(listener):
    port = serve(listener, b"SSH-2.0-OpenSSH\r\n")
    with Client(port=port) as client, pytest.raises(ServiceUnreachableError) as told:
        client.request("ping")
    assert str(told.value).startswith(
        f"a program that is not beemon answers on 127.0.0.1 port {port}: it said "
        f'"SSH-2.0-OpenSSH"; find that program: sudo ss -ltnp \'sport = :{port}\'; '
    )


def test_who_does_not_answer_is_told(listener):
    with Client(port=listener.getsockname()[1], timeout=0.1) as client, pytest.raises(
        ServiceUnreachableError, match="no answer from"
    ):
        client.request("ping")


def test_a_wrong_token_is_told_at_once(listener):
    refusal = b'ERROR {"code": "not-authorised", "message": "send `auth TOKEN` first"}\n'
    port = serve(listener, refusal)
    with pytest.raises(NotAdmittedError, match="send `auth TOKEN` first"):
        Client(port=port, token="wrong")


def test_a_server_that_hung_up_is_an_error_and_not_an_end(listener):
    port = serve(listener)
    with Client(port=port) as client:
        for _ in range(3):
            with pytest.raises(ServiceUnreachableError):
                client.request("ping")


BOOT = f'OK {{"boot_id": "{clock.boot_id()}"}}\n'.encode()
ELSEWHERE = b'OK {"boot_id": "5b7cbd3b-6b6e-4e8e-9c7e-0123456789ab"}\n'


def test_the_socket_comes_first_and_needs_no_token(tmp_path):
    with unix.listen(tmp_path / "s") as listener:
        serve(listener, b'OK {"pong": true}\n', port=0)
        sockets = [tmp_path / "none", tmp_path / "s"]
        with reach(sockets, "127.0.0.1", free_port(), lambda: pytest.fail("asked")) as client:
            assert client.request("ping").payload == {"pong": True}


def test_without_a_socket_the_beemon_of_this_machine_is_reached_by_tcp(listener, tmp_path):
    port = serve(listener, BOOT, b'OK {"pong": true}\n')
    with reach([tmp_path / "none"], "127.0.0.1", port, lambda: None) as client:
        assert client.request("ping").ok


def test_an_older_beemon_that_does_not_tell_its_boot_is_reached(listener):
    port = serve(listener, b'OK {"version": "0.1.0"}\n')
    reach([], "127.0.0.1", port, lambda: None).close()


def test_the_beemon_of_another_machine_is_not_taken_for_this_ones(listener):
    port = serve(listener, ELSEWHERE)
    with pytest.raises(ServiceUnreachableError, match=rf"another machine .* add: --port {port}"):
        reach([], "127.0.0.1", port, lambda: None)


@pytest.mark.parametrize("code", ["not-authorised", "too-many-clients"])
def test_who_is_not_admitted_is_told_why(listener, code):
    port = serve(listener, f'ERROR {{"code": "{code}", "message": "say why"}}\n'.encode())
    with pytest.raises(NotAdmittedError, match="say why"):
        reach([], "127.0.0.1", port, lambda: None)


def test_where_nothing_is_there_every_place_that_was_tried_is_named(tmp_path):
    port = free_port()
    with pytest.raises(ServiceUnreachableError) as told:
        reach([tmp_path / "s"], "127.0.0.1", port, lambda: None)
    assert f"nothing answers on 127.0.0.1 port {port} (Connection refused)" in str(told.value)
    assert f"(no socket either: {tmp_path}/s)" in str(told.value)


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A socket that this user may not use. Root may use all, so that the kernel is spoken for."""
    def connect(self, address):
        if str(address).endswith("beemon.sock"):
            raise PermissionError(13, "Permission denied")
        real(self, address)

    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", connect)
    return tmp_path / "beemon.sock"


def test_who_may_not_use_the_socket_is_told_how_to_be_let_in(closed):
    with pytest.raises(NotPermittedError, match=r"sudo adduser \$USER beemon, then log out and in"):
        Client(socket_path=closed)
    with pytest.raises(ServiceUnreachableError, match=r"systemctl status.*sudo adduser"):
        reach([closed], "127.0.0.1", free_port(), lambda: None)


def test_who_may_not_use_the_socket_still_has_tcp(closed, listener):
    port = serve(listener, BOOT)
    reach([closed], "127.0.0.1", port, lambda: None).close()


@pytest.mark.parametrize("host", ["a\0b", "ß" * 70, "hive.invalid"])
def test_a_host_that_is_none_is_told(host):
    with pytest.raises(ServiceUnreachableError, match="nothing answers on"):
        Client(host)
