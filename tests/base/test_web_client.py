"""The web client against servers that are slow, and addresses that are wrong."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest

from beemon.base.options import BadOptionError
from beemon.base.web_client import NoAnswerError, send, web_address

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
        with pytest.raises(NoAnswerError, match="does not answer"):
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


def test_a_body_is_cut_to_the_longest():
    with answering(lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nlong body")
    ) as url:
        assert send("POST", url, b"body", seconds=30, longest=4).body == b"long"
