"""The web client against servers that are slow, wrong or hostile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest

from beemon.base.options import BadOptionError
from beemon.base.web_client import web_address
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.web_client import check_answer, send
from tests.uplink.servers import Said

LIMIT = 0.5


@contextmanager
def answering(answer: Callable[[socket.socket], None]):
    """The address of a server that reads one request, and answers it as the test says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    asked = b""
                    while not asked.endswith(b"body"):
                        asked += connection.recv(65536)
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def dripping(head: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """An answer that goes on for ever, each piece within the time limit of one read."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(LIMIT / 10)

    return answer


@pytest.mark.parametrize(("head", "drop"), [
    (b"HTTP/1.1 204 No Content\r\nX-Slow: ", b"x"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
])
def test_an_answer_that_does_not_end_is_given_up(head, drop):
    with answering(dripping(head, drop)) as url:
        began = time.monotonic()
        with pytest.raises(NotDeliveredError, match="does not answer"):
            send("POST", url, b"body", seconds=LIMIT)
        assert time.monotonic() - began < 20 * LIMIT


def test_an_answer_in_pieces_is_read_as_one():
    def answer(connection: socket.socket) -> None:
        for piece in (b"HTTP/1.1 100 Continue\r\n\r\nHTT", b"P/1.1 201 Crea", b"ted\r\n",
                      b"Connection: close\r\nRetry-After: 7\r\n\r\nsa", b"ved"):
            connection.sendall(piece)
            time.sleep(0.01)

    with answering(answer) as url:
        assert send("POST", url, b"body", seconds=30) == (201, b"saved", 7.0)


@pytest.mark.parametrize("said", [
    b"", b"\0" * 500, b"HTTP/1.1 nothing\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A" * 99999,
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
])
def test_a_damaged_answer_is_no_proof(said):
    with answering(lambda connection: connection.sendall(said)) as url, \
            pytest.raises(NotDeliveredError):
        check_answer(send("POST", url, b"body", seconds=30), url, (204,))


def test_a_redirection_is_not_followed(server):
    server.answer = lambda _: Said(307, b"", {"Location": f"{server.url}/elsewhere"})
    answer = send("POST", server.url, b"body", {"Authorization": "Token secret"})
    with pytest.raises(NotDeliveredError, match="307"):
        check_answer(answer, server.url, (204,))
    assert len(server.asked) == 1


def test_a_server_that_repeats_the_secret_does_not_bring_it_into_the_log(server):
    server.answer = lambda asked: Said(401, asked.headers["Authorization"].encode())
    answer = send("POST", server.url, b"", {"Authorization": "Token the-secret"})
    with pytest.raises(NotDeliveredError) as caught:
        check_answer(answer, server.url, (204,), "the-secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("secret", ["pass€word", "pass\x00\nword", "pass\rword"])
def test_a_secret_that_http_cannot_carry_is_trouble_and_does_not_show(server, secret):
    with pytest.raises(NotDeliveredError) as caught:
        send("POST", server.url, b"", {"Authorization": f"Token {secret}"})
    assert "pass" not in str(caught.value).replace("password or token", "")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [
    "http://[::1", "http://hive.example:99999/", "http://hive.example:port/", "http://hive/é",
    "http://hïve.example/", "http://hive/a b", "http://hive/\x00", f"http://{'a' * 64}.example",
    "http://hive:0/", "ftp://hive", "hive", "", 5, None, "http://user:word@hive/",
])
def test_an_address_that_cannot_work_is_found_in_the_config(value):
    with pytest.raises(BadOptionError):
        web_address(value)


@pytest.mark.parametrize("value", ["http://[::1]:8086/write?db=hives", "https://hive.example"])
def test_an_address_stays_as_it_is(value):
    assert web_address(value) == value
