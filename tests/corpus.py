"""Messages of every kind, good and bad, with what each must get: for the protocol's tests, which
open no socket, and for the Server's, which do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LIMIT = 64
"""``receive_size_bytes`` for these messages: small, so that every split of a long one is tried."""

DEVICES = ("camera.entrance", "microphone.brood", "sensor.climate", "sensor.scale")
"""The devices of the config that these messages are meant for."""

TERMINATORS = (b"\n", b"\r\n")


@dataclass(frozen=True)
class Message:
    """One request without its terminator, and the error ``code`` it gets; None where it is OK.

    ``closes``: the connection ends after the reply.
    """

    sent: bytes
    code: str | None = None
    closes: bool = False

    def __str__(self) -> str:
        return f"{self.sent[:30]!r}"

    def pieces(self, terminator: bytes = b"\n") -> Iterator[tuple[bytes, bytes]]:
        """The terminated message cut in two at every byte position."""
        whole = self.sent + terminator
        return ((whole[:at], whole[at:]) for at in range(len(whole) + 1))


def _all(code: str | None, *sent: str | bytes, closes: bool = False) -> list[Message]:
    encoded = [text.encode() if isinstance(text, str) else text for text in sent]
    return [Message(text, code, closes) for text in encoded]


COMMANDS = _all(
    None,
    "record microphone.brood",
    "record microphone.brood 30",
    "record camera.entrance 0.5",
    "  record   camera.entrance   3600  ",
    "snapshot camera.entrance",
    "read",
    "read sensor.climate sensor.scale",
    "start all",
    "stop microphone.brood",
    "cancel 1",
    "cancel all",
    "forgotten 17",
    "forgotten -3",
    "alerted weight-loss closed unknown",
    "forgotten recordings/2026-06-01/a.flac",
)

QUERIES = _all(
    None,
    "ping",
    " ping ",
    "version",
    "status",
    "devices",
    "help",
    "help record",
    "jobs",
    "jobs 5",
    "readings",
    "readings sensor.scale",
    "auth a-token-that-nobody-asked-for",
    "as mqtt",
    "ping" + " " * (LIMIT - 4),
)

REFUSED = [
    *_all("empty", "", " ", "     "),
    *_all(
        "too-long",
        "ping" + " " * (LIMIT - 3),
        "x" * (LIMIT + 1),
        "x" * (LIMIT + 2),
        "x" * 3 * LIMIT,
        "ż" * 3 * LIMIT,
        "record microphone.brood " + "9" * LIMIT,
    ),
    *_all(
        "too-long",
        b"\xff" * 2 * LIMIT,
        b"\0" * 2 * LIMIT,
        b"x" * 2 * LIMIT + b"\0",
        closes=True,
    ),
    *_all(
        "not-utf8",
        b"\xff",
        b"ping \xff",
        b"\xc3",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"r\xe9cord",
        closes=True,
    ),
    *_all(
        "control-character",
        "\0",
        "ping\0",
        "ping\tping",
        "\rping",
        "pi\rng",
        "\x1b[2J",
        "\x7f",
        "ping\x85",
        "ping\u2028status",
        "ping\u00a0",
        "\u202egnip",
        "\ufeffping",
        closes=True,
    ),
    *_all(
        "unknown-command",
        "make coffee",
        "Ping",
        "RECORD microphone.brood",
        "recordmicrophone.brood",
        "ｐｉｎｇ",
        "żądło",
        "🐝",
        "ping; status",
        "GET",
    ),
    *_all(
        "unknown-command",
        "__class__",
        "/bin/sh",
        '{"command": "ping"}',
        "*1",
        "  $8",
        "220 smtp.example.org",
        "<?xml?>",
        closes=True,
    ),
    *_all(
        "bad-argument",
        "record",
        "record microphone.brood soon",
        "record microphone.brood 0",
        "record microphone.brood -1",
        "record microphone.brood +1",
        "record microphone.brood 1e3",
        "record microphone.brood 1_0",
        "record microphone.brood ٣",
        "record microphone.brood nan",
        "record microphone.brood .5",
        "record microphone.brood 3600.001",
        "record microphone.brood 30 30",
        "record sensor.climate",
        "snapshot",
        "snapshot microphone.brood",
        "read camera.entrance",
        "start",
        "stop all now",
        "cancel",
        "cancel 0",
        "cancel 01",
        "cancel -1",
        "cancel 1.0",
        "cancel 1000000000000000000",
        "uploaded 17",
        "uploaded 17 5e",
        "alerted weight opened",
        "alerted Weight opened delivered",
        "alerted weight broken delivered",
        "as Home Assistant",
        "forgotten",
        "forgotten 17 18",
        "forgotten a.flac",
        "forgotten recordings/../a.flac",
        "forgotten recordings/2026-06-01/../a.flac",
        "ping pong",
        "jobs many",
        "jobs 0",
        "piece 17",
        "piece x 0",
        "piece 17 -1",
        "piece 17 1e3",
        "piece 17 0 0",
        "help me",
        "auth",
        "auth two words",
    ),
    *_all(
        "unknown-device",
        "record microphone.brod",
        "record brood",
        "record all",
        "record ../../etc/passwd",
        "snapshot camera.Entrance",
        "read sensor.climate sensor.roof",
        "start everything",
        "readings sensor.*",
    ),
    *_all(
        "http",
        "GET / HTTP/1.1",
        "POST /record HTTP/1.1",
        "GET ",
        "OPTIONS * HTTP/1.1",
        "PRI * HTTP/2.0",
        "Host: 127.0.0.1:8080",
        "content-type: text/plain",
        "X1: x",
        "_x.y: x",
        "X-A: " + "x" * 3 * LIMIT,
        b"Cookie: \xff",
        closes=True,
    ),
]

MESSAGES = [*COMMANDS, *QUERIES, *REFUSED]
