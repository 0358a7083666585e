"""The line protocol as bytes: what a request is, however it comes in, and what a reply is."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.recording import RecordingFacts
from beemon.protocol.lines import (
    ERRORS,
    RequestError,
    RequestReader,
    decode,
    is_foreign,
    is_http,
    ok,
    parse_reply,
)
from beemon.protocol.replies import Accepted, JobFacts, ReadingFacts
from tests.corpus import LIMIT, MESSAGES, TERMINATORS, Message


def read(*pieces: bytes, limit: int = LIMIT) -> list[bytes]:
    """The requests in a stream that came in these pieces and then ended."""
    reader = RequestReader(limit)
    requests = [request for piece in pieces for request in reader.feed(piece)]
    return requests + reader.finish()


def ends_after(sent: bytes) -> bool:
    """Whether nothing that follows these bytes is obeyed."""
    reader = RequestReader(LIMIT)
    [request] = reader.feed(sent)
    return reader.is_foreign or is_foreign(request, LIMIT)


def code_of(message: bytes, limit: int = LIMIT) -> str | None:
    try:
        decode(message, limit)
    except RequestError as error:
        return error.code
    return None


# Where a request begins and ends

@pytest.mark.parametrize("terminator", TERMINATORS)
@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_a_request_may_arrive_in_any_pieces(message: Message, terminator: bytes):
    whole = read(message.sent + terminator)
    assert len(whole) == 1
    assert ends_after(message.sent + terminator) == message.closes
    assert all(read(*pieces) == whole for pieces in message.pieces(terminator))
    assert read(*(bytes([byte]) for byte in message.sent + terminator)) == whole


@pytest.mark.parametrize("terminator", TERMINATORS)
@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_a_request_is_the_same_between_neighbours(message: Message, terminator: bytes):
    alone = read(message.sent + terminator)
    if message.closes:
        return
    for other in (other for other in MESSAGES if not other.closes):
        neighbour = other.sent + terminator
        joined = read(neighbour + message.sent + terminator + neighbour)
        assert joined == read(neighbour) + alone + read(neighbour)


@pytest.mark.parametrize("message", [m for m in MESSAGES if m.sent], ids=str)
def test_the_end_of_the_stream_or_a_silence_ends_a_request(message: Message):
    assert read(message.sent) == read(message.sent + b"\n")


def test_a_carriage_return_is_part_of_the_end_wherever_the_pieces_part():
    assert read(b"ping\r", b"\n") == read(b"ping\r") == [b"ping"]
    assert read(b"p" * LIMIT + b"\r", b"\n") == read(b"p" * LIMIT + b"\r") == [b"p" * LIMIT]


def test_only_one_carriage_return_is_part_of_the_end():
    assert read(b"ping\r\r\n") == [b"ping\r"]


def test_several_requests_may_share_a_packet():
    assert read(b"ping\nstatus\r\nversion") == [b"ping", b"status", b"version"]


def test_an_empty_line_is_a_request_and_an_empty_stream_is_none():
    assert read(b"\n\r\n") == [b"", b""]
    assert read() == read(b"") == []


def test_a_request_that_is_too_long_comes_out_at_once_and_once():
    reader = RequestReader(LIMIT)
    assert reader.feed(b"x" * (LIMIT + 2)) == [b"x" * (LIMIT + 1)]
    assert reader.feed(b"x" * 10_000) == []
    assert reader.feed(b"x\nping\n") == [b"ping"]


def test_what_is_left_of_a_request_that_was_too_long_is_no_request():
    assert read(b"x" * 3 * LIMIT, b"and more") == [b"x" * (LIMIT + 1)]


def test_one_byte_over_the_limit_may_still_be_a_carriage_return():
    reader = RequestReader(LIMIT)
    assert reader.feed(b"x" * LIMIT + b"\r") == []
    assert reader.feed(b"\n") == [b"x" * LIMIT]


def test_a_reader_tells_whether_a_request_has_begun():
    reader = RequestReader(LIMIT)
    assert not reader.pending
    reader.feed(b"pi")
    assert reader.pending
    reader.feed(b"ng\n")
    assert not reader.pending
    reader.feed(b"x" * 2 * LIMIT)
    assert reader.pending
    reader.finish()
    assert not reader.pending


def test_a_reader_may_go_on_after_a_silence():
    reader = RequestReader(LIMIT)
    reader.feed(b"x" * 2 * LIMIT)
    assert reader.finish() == []
    assert reader.feed(b"ping\n") == [b"ping"]


STREAMS = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r\n", b"\r", b"ping", b"record microphone.brood 30", b"\0"]),
        st.binary(max_size=12),
        st.integers(0, 40).map(lambda length: b"x" * length),
    ),
    max_size=12,
).map(b"".join)


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 200)), limit=st.integers(1, 20))
def test_reading_in_any_pieces_equals_reading_in_one(stream: bytes, cuts: list[int], limit: int):
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert read(*pieces, limit=limit) == read(stream, limit=limit)


@given(stream=STREAMS, limit=st.integers(1, 20))
def test_every_line_is_one_request_of_bounded_length(stream: bytes, limit: int):
    reader = RequestReader(limit)
    requests = reader.feed(stream) + reader.finish()
    lines = stream.split(b"\n")
    assert len(requests) == len(lines) - (lines[-1] == b"") or reader.is_foreign
    assert all(len(request) <= limit + 1 for request in requests)


@given(stream=STREAMS, limit=st.integers(1, 20))
def test_a_reader_never_holds_much(stream: bytes, limit: int):
    reader = RequestReader(limit)
    for byte in stream:
        reader.feed(bytes([byte]))
        assert len(reader._buffer) <= limit + 1


# What a request may hold

@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_every_kind_of_bad_message_has_a_code_of_its_own(message: Message):
    later = ("empty", "unknown-command", "bad-argument", "unknown-device")  # the vocabulary's
    expected = None if message.code in later else message.code
    [request] = read(message.sent + b"\n")
    assert code_of(request) == expected


def test_what_is_good_comes_out_verbatim():
    assert decode(b"  record   microphone.brood 30 ", LIMIT) == "  record   microphone.brood 30 "
    assert decode("żądło 🐝".encode(), LIMIT) == "żądło 🐝"


def test_the_limit_counts_bytes_and_is_allowed_itself():
    assert decode("ż".encode() * (LIMIT // 2), LIMIT) == "ż" * (LIMIT // 2)
    assert code_of("ż".encode() * (LIMIT // 2) + b"x") == "too-long"


def test_an_error_says_where_the_trouble_is():
    with pytest.raises(RequestError, match="byte 6 is not UTF-8"):
        decode(b"ping \xff", LIMIT)
    with pytest.raises(RequestError, match=r"character 5 is U\+0000"):
        decode(b"ping\0", LIMIT)
    with pytest.raises(RequestError, match="at most 64 bytes"):
        decode(b"x" * 65, LIMIT)


def test_http_is_told_by_its_first_line_or_a_header():
    assert is_http(b"GET / HTTP/1.1")
    assert is_http(b"Host: hive")
    assert not is_http(b"get /")
    assert not is_http(b"record microphone.brood")
    assert not is_http(b"")


@given(message=st.one_of(st.binary(max_size=80), st.text(max_size=40).map(str.encode)))
def test_any_bytes_give_printable_text_or_a_request_error(message: bytes):
    if code := code_of(message):
        assert code in ERRORS
    else:
        assert decode(message, LIMIT).encode() == message
        assert decode(message, LIMIT).isprintable()
        assert len(message) <= LIMIT


# Replies

def test_a_reply_is_one_line_of_ascii():
    assert ok(Accepted(17)) == b'OK {"job": 17}\n'
    assert RequestError("empty", "nothing\nat all").reply() == (
        b'ERROR {"code": "empty", "message": "nothing\\nat all", '
        b'"remedy": "Send a word: `beemon help` lists them."}\n'
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(more=st.dictionaries(st.text().filter(lambda name: name != "job"), JSON, max_size=3))
def test_a_reply_is_read_back_as_it_was_written(more: dict):
    line = ok(JobFacts(17, result=RecordingFacts(more=more)))
    assert line.isascii()
    assert line.find(b"\n") == len(line) - 1
    assert parse_reply(line) == (True, {"job": 17, **more})


def test_an_error_is_read_back_with_its_code():
    fine, payload = parse_reply(RequestError("queue-full", "later").reply())
    assert not fine
    assert payload == {
        "code": "queue-full", "message": "later", "remedy": ERRORS["queue-full"].remedy,
    }


def test_a_number_that_json_does_not_know_is_never_sent():
    with pytest.raises(ValueError):
        ok(ReadingFacts("sensor.a", "mass", "", "kg", value=float("nan")))


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"HTTP/1.1 200 OK\n", b"OK\n", b"OK 3\n", b"ERROR []\n", b"OK {\n",
             b"ok {}\n", b"\xff\n", b"OK \xff\n"],
)
def test_what_is_no_reply_of_beemon_is_told_apart(line: bytes):
    with pytest.raises(ValueError):
        parse_reply(line)


def test_every_error_code_is_one_word_with_a_meaning():
    for code, (meaning, _) in ERRORS.items():
        assert code == code.strip().lower().replace(" ", "-")
        assert meaning
        assert json.loads(RequestError(code, meaning).reply().split(b" ", 1)[1])["code"] == code
