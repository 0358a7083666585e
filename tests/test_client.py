"""One connection to a Server: what comes back, and what is said when nothing proper does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from beemon.client import Client, NotAdmittedError, Reply, ServiceUnreachableError
from beemon.protocol import RequestError
from tests.hive import free_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def serve(listener: socket.socket, *replies: bytes) -> int:
    """Give one client these replies, one for each line of its, then hang up; return the port."""

    def run() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for reply in replies:
                lines.readline()
                connection.sendall(reply)

    threading.Thread(target=run, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


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


def test_a_watch_goes_on_until_the_connection_ends(listener):
    port = serve(listener, b'OK {"watching": true}\nOK {"report": "state"}\n')
    with Client(port=port) as client:
        reports = client.watch()
        assert [next(reports).payload for _ in range(2)] == [
            {"watching": True}, {"report": "state"}
        ]
        with pytest.raises(ServiceUnreachableError, match="ended the connection"):
            next(reports)


def test_where_nobody_listens_it_says_what_to_look_at():
    with pytest.raises(ServiceUnreachableError, match=r"Connection refused.*systemctl status"):
        Client(port=free_port())


def test_who_answers_and_is_not_beemon_is_told(listener):
    port = serve(listener, b"SSH-2.0-OpenSSH\r\n")
    with Client(port=port) as client, pytest.raises(
        ServiceUnreachableError, match=f"what answers on 127.0.0.1 port {port} is not beemon"
    ):
        client.request("ping")


def test_who_does_not_answer_is_told(listener):
    with Client(port=listener.getsockname()[1], timeout=0.1) as client, pytest.raises(
        ServiceUnreachableError, match="no answer from"
    ):
        client.request("ping")


def test_a_wrong_token_is_told_at_once(listener):
    refusal = b'ERROR {"code": "not-authorised", "message": "say `auth TOKEN` first"}\n'
    port = serve(listener, refusal)
    with pytest.raises(NotAdmittedError, match="say `auth TOKEN` first"):
        Client(port=port, token="wrong")


def test_a_server_that_hung_up_is_an_error_and_not_an_end(listener):
    port = serve(listener)
    with Client(port=port) as client:
        for _ in range(3):
            with pytest.raises(ServiceUnreachableError):
                client.request("ping")
