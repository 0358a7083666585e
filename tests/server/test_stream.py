"""The Server and the stream of bytes: however it is cut, joined and ended, the replies stay.

The socket here is scripted: it hands out exactly the pieces that a test says, so that every cut is
one that the Server sees.
"""

from __future__ import annotations

import json
import queue
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beemon.config.settings import ArchiveSettings, DeviceSettings, Settings
from beemon.protocol.lines import ERRORS
from beemon.server import Server
from beemon.server.limits import Limits
from tests.corpus import DEVICES, LIMIT, MESSAGES, TERMINATORS, Message

CLIENT = ("127.0.0.1", 40000)
END, SILENCE = "end", "silence"

STRICT_READER = re.compile(
    r" *(record +(camera|microphone)\.[a-z]+( +[0-9]{1,6}(\.[0-9]{1,3})?)?"
    r"|snapshot +camera\.[a-z]+|read( +sensor\.[a-z]+)*"
    r"|(start|stop) +(all|(camera|microphone|sensor)\.[a-z]+)|cancel +([1-9][0-9]*|all)|reload"
    r"|uploaded +(-?[0-9]{1,15}|recordings/[^/ ]+/[^/ ]+) +[0-9a-fA-F]{64} +(hash|read-back)"
    r"|alerted +[a-z0-9][a-z0-9_-]{0,30} +(opened|closed|digest|test)"
    r" +(delivered|refused|unknown)"
    r"|forgotten +(-?[0-9]{1,15}|recordings/[^/ ]+/[^/ ]+)) *"
)


class ScriptedSocket:
    """Hands out the given pieces, then the end of the stream or silence."""

    def __init__(self, pieces: Sequence[bytes], ending: str = END) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._ending = ending
        self.sent = b""

    def settimeout(self, seconds: float | None) -> None:
        pass

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            if self._ending == SILENCE:
                raise TimeoutError
            return b""
        piece, self._pieces[0] = self._pieces[0][:size], self._pieces[0][size:]
        if not self._pieces[0]:
            del self._pieces[0]
        return piece

    def sendall(self, data: bytes) -> None:
        self.sent += data


@pytest.fixture
def config(tmp_path: Path) -> Settings:
    devices = {
        name: DeviceSettings(
            name=name, kind=name.split(".")[0], table={"driver": "simulated"}, lines={"": "here"}
        )
        for name in DEVICES
    }
    return Settings(archive=ArchiveSettings(path=tmp_path / "archive"), devices=devices)


class Door:
    """A Server to talk to over scripted sockets; it notes what was queued."""

    def __init__(self, config: Settings) -> None:
        self.commands: queue.Queue[Any] = queue.Queue()
        self.server = Server(
            receive_size_bytes=LIMIT, settings=config, command_queue=self.commands
        )

    def say(self, pieces: Sequence[bytes], ending: str = END) -> list[Any]:
        client = ScriptedSocket(pieces, ending)
        self.server.on_accept(client, CLIENT)  # type: ignore[arg-type]
        return [essence(line) for line in client.sent.decode().splitlines()]

    def close(self) -> None:
        self.server._archive.session.close()


def essence(line: str) -> tuple[str, Any]:
    """A reply without what may differ from one moment to the next."""
    word, rest = line.split(" ", 1)
    payload = json.loads(rest)
    return word, payload if word == "ERROR" else sorted(payload)


@pytest.fixture
def door(config: Settings) -> Iterator[Door]:
    door = Door(config)
    yield door
    door.close()


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_a_message_gets_the_same_reply_however_it_is_cut(door: Door, message: Message) -> None:
    (expected,) = door.say([message.sent + b"\n"])
    assert (expected[0] == "OK") == (message.code is None)
    for terminator in TERMINATORS:
        for pieces in message.pieces(terminator):
            door.server._intake._open_jobs.clear()  # what an Orchestrator would report as ended
            assert door.say(pieces) == [expected]


@pytest.mark.parametrize("message", [m for m in MESSAGES if m.sent], ids=str)
@pytest.mark.parametrize("ending", [END, SILENCE])
def test_the_end_of_the_stream_and_silence_end_a_message_too(
    door: Door, message: Message, ending: str
) -> None:
    (expected,) = door.say([message.sent + b"\n"])
    for at in range(0, len(message.sent), 7):
        door.server._intake._open_jobs.clear()
        assert door.say([message.sent[:at], message.sent[at:]], ending) == [expected]


def test_messages_joined_in_one_packet_get_their_replies_in_order(door: Door) -> None:
    staying = [message for message in MESSAGES if not message.closes]
    for first, second in zip(staying, staying[1:] + staying[:1], strict=True):
        door.server._intake._open_jobs.clear()
        expected = [door.say([message.sent + b"\n"])[0] for message in (first, second)]
        assert door.say([first.sent + b"\n" + second.sent + b"\r\n"]) == expected


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from([message.sent + b"\n" for message in MESSAGES]),
        ),
        max_size=6,
    ),
    ending=st.sampled_from([END, SILENCE]),
)
def test_whatever_comes_is_answered_and_only_commands_are_queued(
    door: Door, pieces: list[bytes], ending: str
) -> None:
    door.server._intake._open_jobs.clear()
    for word, payload in door.say(pieces, ending):
        assert word == "OK" or payload["code"] in ERRORS
    while not door.commands.empty():
        assert STRICT_READER.fullmatch(door.commands.get_nowait())


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=300))
def test_every_real_connection_is_ended_in_bounded_time(config: Settings, data: bytes) -> None:
    server = Server(
        None, None, 0.05, LIMIT,
        settings=config, command_queue=queue.Queue(),
        limits=Limits(idle_seconds=0.1, request_seconds=0.15),
    )
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=server.on_accept, args=(theirs, CLIENT), daemon=True)
    with ours, theirs:
        thread.start()
        ours.sendall(data)
        began = time.monotonic()
        thread.join(5)
        assert not thread.is_alive()
        assert time.monotonic() - began < 2
    server._archive.session.close()
