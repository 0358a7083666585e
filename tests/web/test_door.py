"""Clients that ask slowly, never, or too much at once: none of them keeps others out."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import resource
import socket
import time
from pathlib import Path

import pytest

from beemon.web.door import Door
from beemon.web.roles import Role
from beemon.web.site import MOST_REQUESTS
from tests.web.attacker import Attacker, attack, heard, request
from tests.web.site import options_in

ASK = request("/api/session")


def test_a_client_that_never_ends_its_head_is_cut_off(tmp_path: Path) -> None:
    async def wait(attacker: Attacker) -> None:
        reader, writer = await attacker.connect()
        writer.write(ASK[:-2])
        assert await heard(reader) == b""
        assert await attacker.status(ASK) == 200

    attack(options_in(tmp_path), wait, Door(asking_seconds=0.2))


def test_idle_connections_make_room_for_new_ones(tmp_path: Path) -> None:
    async def crowd(attacker: Attacker) -> None:
        for _ in range(60):
            await attacker.connect()
            assert attacker.site.door.count <= 20
        assert await attacker.status(ASK) == 200

    attack(options_in(tmp_path), crowd, Door(most=20))


def test_a_body_may_take_longer_than_a_head(tmp_path: Path) -> None:
    async def post(attacker: Attacker) -> None:
        slow = request("/api/session", "POST", b'{"password": "some guess"}')
        reader, writer = await attacker.connect()
        writer.write(slow[:-1])
        await asyncio.sleep(0.5)
        writer.write(slow[-1:])
        assert (await heard(reader)).startswith(b"HTTP/1.1 409 ")

    attack(options_in(tmp_path), post, Door(asking_seconds=0.2))


def test_requests_sent_at_once_are_answered_one_after_the_other(tmp_path: Path) -> None:
    guess = request("/api/session", "POST", b'{"password": "a guess"}', Connection="keep-alive")
    page = request("/", Connection="keep-alive")

    async def ask(attacker: Attacker) -> None:
        told = await attacker.say(guess + page + guess + page + ASK)
        replies = told.split(b"HTTP/1.1 ")[1:]
        assert [reply[:3] for reply in replies] == [b"409", b"200", b"409", b"200", b"200"]

    attack(options_in(tmp_path), ask)


def test_a_body_without_a_length_is_refused(tmp_path: Path) -> None:
    async def post(attacker: Attacker) -> None:
        chunked = request("/api/session", "POST", Transfer_Encoding="chunked")
        assert await attacker.status(chunked + b"2\r\n{}\r\n0\r\n\r\n") == 411

    attack(options_in(tmp_path), post)


def test_a_client_for_whom_there_is_no_place_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def crowd(attacker: Attacker) -> None:
        _, secret = attacker.site.access.tokens.make("a test", Role.VIEWER)
        stream, writer = await attacker.connect()
        writer.write(request("/api/changes", Authorization=f"Bearer {secret}"))
        await stream.readuntil(b"\n\n")
        assert await attacker.say(ASK) == b""
        gc.collect()  # tells of tasks whose error nobody took

    attack(options_in(tmp_path), crowd, Door(most=1))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_clients_that_read_no_reply_make_room_for_a_newcomer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def crowd(attacker: Attacker) -> None:
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", attacker.port))
            await attacker.keep(client, request("/static/charts.js", Connection="keep-alive") * 400)
        assert await attacker.status(ASK) == 200
        assert attacker.site.door.count <= 8

    attack(options_in(tmp_path), crowd, Door(most=8))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def ask_and_read_nothing(attacker: Attacker) -> None:
    """Ask for more than a client with a small buffer takes."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", attacker.port))
    await attacker.keep(client, request("/static/charts.js", Connection="keep-alive") * 300)


def test_a_reply_on_its_way_is_no_idle_time(tmp_path: Path) -> None:
    async def read_slowly(attacker: Attacker) -> None:
        await ask_and_read_nothing(attacker)
        async with asyncio.timeout(15):
            while attacker.site.busy or not attacker.site.door.is_busy:
                await asyncio.sleep(0.05)
        later = time.monotonic() + 1000
        assert attacker.site.idle_seconds(later) == 0
        attacker.leave()
        await attacker.empty()
        assert attacker.site.idle_seconds(later + 1) > 0

    attack(options_in(tmp_path), read_slowly)


def test_slow_bodies_take_no_place_of_others_but_streams_keep_theirs(tmp_path: Path) -> None:
    async def crowd(attacker: Attacker) -> None:
        _, secret = attacker.site.access.tokens.make("a test", Role.VIEWER)
        stream, writer = await attacker.connect()
        writer.write(request("/api/changes", Authorization=f"Bearer {secret}"))
        await stream.readuntil(b"\n\n")
        for _ in range(MOST_REQUESTS + 20):
            _, writer = await attacker.connect()
            writer.write(request("/api/session", "POST", b"x" * 100)[:-1])
        assert await attacker.status(ASK) == 200
        assert attacker.site.hive.changes.count == 1

    attack(options_in(tmp_path), crowd, Door(most=MOST_REQUESTS + 10))


def test_a_body_that_never_ends_is_refused(tmp_path: Path) -> None:
    async def wait(attacker: Attacker) -> None:
        reader, writer = await attacker.connect()
        writer.write(request("/api/session", "POST", b"x" * 100)[:-1])
        head = await asyncio.wait_for(reader.readline(), 10)
        assert head.startswith(b"HTTP/1.1 408 ")

    attack(options_in(tmp_path), wait, Door(body_seconds=0.2))


def test_what_is_sent_without_end_is_not_kept(tmp_path: Path) -> None:
    async def flood(attacker: Attacker) -> None:
        for head in (request("/", "POST", Transfer_Encoding="chunked"), b"GET / HTTP/1.1\r\nX: "):
            reader, writer = await attacker.connect()
            writer.write(head + b"100000\r\n" + bytes(1 << 22))
            assert len(await heard(reader)) < 10_000
        assert await attacker.status(ASK) == 200

    attack(options_in(tmp_path), flood)


def test_a_packed_body_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(60 << 20), 9)[:16_000]

    async def post(attacker: Attacker) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert await attacker.status(request("/api/session", "POST", bomb, Content_Encoding="gzip"))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10

    attack(options_in(tmp_path), post)


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"hello\r\n\r\n",
                 b"GET / HTTP/9\r\n\r\n", "CONNECT /é HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
                 b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
)
def test_nonsense_writes_no_stack_to_the_log(
    tmp_path: Path, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def say(attacker: Attacker) -> None:
        assert b"Traceback" not in await attacker.say(nonsense)
        assert await attacker.status(ASK) == 200

    attack(options_in(tmp_path), say)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_defect_is_logged_once_and_tells_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(attacker: Attacker) -> None:
        _, secret = attacker.site.access.tokens.make("a test", Role.VIEWER)
        told = await attacker.say(request("/api/devices", Authorization=f"Bearer {secret}"))
        assert told.startswith(b"HTTP/1.1 500 ")
        assert b"division" not in told
        assert b"Content-Security-Policy" in told

    attack(options_in(tmp_path, connect=lambda: 1 // 0), ask)
    defects = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(defects) == 1
    assert defects[0].exc_info


def test_a_client_that_leaves_its_event_stream_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave(attacker: Attacker) -> None:
        _, secret = attacker.site.access.tokens.make("a test", Role.VIEWER)
        stream = request("/api/changes", Authorization=f"Bearer {secret}")
        for _ in range(5):
            reader, writer = await attacker.connect()
            writer.write(stream)
            await reader.readuntil(b"\n\n")
            writer.transport.abort()
        while attacker.site.hive.changes.count:
            await asyncio.sleep(0.1)

    attack(options_in(tmp_path), leave)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_client_that_reads_no_reply_is_cut_off(tmp_path: Path) -> None:
    async def wait(attacker: Attacker) -> None:
        await ask_and_read_nothing(attacker)
        async with asyncio.timeout(15):
            while not attacker.site.door.count:
                await asyncio.sleep(0.05)
        await attacker.empty()

    attack(options_in(tmp_path), wait, Door(reading_seconds=1))
