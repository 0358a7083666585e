"""The intake: a request is given only after the one before has been answered, and within bounds."""

from __future__ import annotations

import pytest

from beemon.web.intake import MOST_BYTES, MOST_HEAD, MOST_LINES, Intake, RefusedError

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n"
BODY = b"\r\n\r\nxy"


class Reader:
    """An intake, and what it gives in the place of aiohttp."""

    def __init__(self) -> None:
        self._given: list[bytes] = []
        self.intake = Intake(self._given.append)
        self.intake.expect_head()

    def taken(self) -> bytes:
        """What was given since the last look."""
        told = b"".join(self._given)
        self._given.clear()
        return told


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_each_request_is_given_when_the_one_before_is_answered(size: int) -> None:
    reader, text = Reader(), POST + BODY + b"\r\n" + GET + GET
    for at in range(0, len(text), size):
        reader.intake.take(text[at : at + size])
    assert (reader.taken(), reader.intake.is_full) == (POST, True)
    reader.intake.expect_body(len(BODY))
    assert reader.taken() == BODY
    for _ in range(2):
        assert reader.intake.is_full
        reader.intake.expect_head()
        assert reader.taken() == GET
    assert not reader.intake.is_full


def test_a_body_is_given_as_it_comes() -> None:
    reader = Reader()
    reader.intake.take(POST + BODY[:2])
    reader.intake.expect_body(len(BODY))
    assert reader.taken() == POST + BODY[:2]
    reader.intake.take(BODY[2:])
    assert reader.taken() == BODY[2:]


def test_the_rest_of_a_refused_body_is_no_request() -> None:
    reader = Reader()
    reader.intake.take(POST)
    reader.intake.expect_body(len(BODY))
    reader.intake.expect_head()
    reader.intake.take(BODY)
    assert reader.taken() == POST + BODY
    reader.intake.take(GET)
    assert reader.taken() == GET


@pytest.mark.parametrize("text", [
    b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEAD, b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * MOST_LINES,
    b"CONNECT x HTTP/1.1\r\n", GET + b"x" * MOST_BYTES,
])
@pytest.mark.parametrize("size", [5, 4096])
def test_too_much_and_tunnels_are_refused(text: bytes, size: int) -> None:
    reader = Reader()

    def take_all() -> None:
        for at in range(0, len(text), size):
            reader.intake.take(text[at : at + size])

    with pytest.raises(RefusedError):
        take_all()
    assert len(reader.taken()) <= MOST_HEAD


def test_a_tunnel_behind_a_request_is_refused_in_its_turn() -> None:
    reader = Reader()
    reader.intake.take(GET + b"CONNECT x HTTP/1.1\r\n\r\n")
    assert reader.taken() == GET
    with pytest.raises(RefusedError):
        reader.intake.expect_head()
