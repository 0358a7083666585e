"""How long a client is waited for, on a real pair of sockets; and how many may wait."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from beemon.protocol.lines import RequestError
from beemon.server.clients import Outbox, Places, RequestTimer, wait_at_most

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def seconds_until_given_up(connection: socket.socket) -> float:
    began = time.monotonic()
    with pytest.raises(BlockingIOError):
        connection.recv(1)
    return time.monotonic() - began


def test_a_client_that_says_nothing_is_waited_for_as_long_as_said(pair: Pair) -> None:
    wait_at_most(pair[0], 0.15)
    assert 0.14 <= seconds_until_given_up(pair[0]) < 2


def test_a_client_that_takes_nothing_is_waited_for_as_long_as_said(pair: Pair) -> None:
    wait_at_most(pair[0], 0.05)
    with pytest.raises(BlockingIOError):
        pair[0].sendall(bytes(10_000_000))


def test_within_a_request_patience_is_short_and_between_them_long(pair: Pair) -> None:
    patience = RequestTimer(pair[0], idle=1, silence=0.05, request=5)
    patience.after(pending=True, anew=False)
    assert seconds_until_given_up(pair[0]) < 0.9
    patience.after(pending=False, anew=True)
    assert seconds_until_given_up(pair[0]) >= 0.99


def test_a_request_has_one_time_limit_however_many_bytes_come(pair: Pair) -> None:
    patience = RequestTimer(pair[0], idle=5, silence=5, request=0.1)
    patience.after(pending=True, anew=False)
    assert not patience.is_at_end
    seconds_until_given_up(pair[0])
    patience.after(pending=True, anew=False)
    assert patience.is_at_end


def test_the_next_request_has_a_time_limit_of_its_own(pair: Pair) -> None:
    patience = RequestTimer(pair[0], idle=5, silence=5, request=0.1)
    patience.after(pending=True, anew=False)
    seconds_until_given_up(pair[0])
    patience.after(pending=True, anew=True)
    assert not patience.is_at_end


def test_one_client_that_waits_or_watches_leaves_places_for_others() -> None:
    places = Places(most=5, each=3, watching=2)
    with contextlib.ExitStack() as taken:
        for watches in (True, True, False):
            taken.enter_context(places.take("a", watches=watches))
        for client, watches, problem in [
            ("a", False, "3 connections from a are waiting or watching already"),
            ("b", True, "2 clients are watching already"),
        ]:
            with pytest.raises(RequestError, match=problem), places.take(client, watches=watches):
                pass
        taken.enter_context(places.take("b", watches=False))
        taken.enter_context(places.take("c", watches=False))
        with pytest.raises(RequestError, match="5 clients are waiting or watching already"):
            taken.enter_context(places.take("d", watches=False))
    with places.take("a", watches=True), places.take("a", watches=True):
        pass


def test_who_takes_nothing_is_let_go_when_others_replies_would_be_too_much() -> None:
    outbox, ended = Outbox(most=5_000_000), threading.Event()
    mute, served = socket.socketpair()
    reader, other = socket.socketpair()

    def send() -> None:
        with pytest.raises(OSError):
            outbox.send(served, bytes(4_000_000))
        ended.set()

    with mute, served, reader, other:
        threading.Thread(target=send, daemon=True).start()
        assert len(mute.recv(1)) == 1  # it has begun
        taker = threading.Thread(target=_take_all, args=(reader, 4_000_000), daemon=True)
        taker.start()
        outbox.send(other, bytes(4_000_000))
        taker.join(20)
        assert ended.wait(20)


def test_a_reply_of_any_size_is_sent_where_nobody_else_waits() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        taker = threading.Thread(target=_take_all, args=(ours, 1_000_000), daemon=True)
        taker.start()
        Outbox(most=10).send(theirs, bytes(1_000_000))
        taker.join(20)


def _take_all(connection: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(connection.recv(1 << 16))
