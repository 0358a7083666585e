"""A small MQTT broker for tests: MQTT 3.1.1 and 5, QoS 0 and 1, retained messages, wills.

It can be told to misbehave: to refuse a client, to acknowledge nothing, to refuse a topic.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 12, 13, 14


class Published(NamedTuple):
    """A message as the broker received it."""

    topic: str
    payload: bytes
    retain: bool


class Broker:
    """Listens on the loopback until :meth:`close`; ``port`` stays the same over a restart."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.messages: list[Published] = []
        self.retained: dict[str, bytes] = {}
        self.refuses_clients: int | None = None
        self.is_deaf = False
        self.holds_answers = False
        """Acknowledgements wait until :meth:`let_answers_go`."""
        self.refused_topics: set[str] = set()
        self.clients: list[Connection] = []
        self._tls = tls
        self._change = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Be gone at once, as after a power cut: no client hears of it but by its socket."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in [*self.clients]:
            client.cut()

    def let_answers_go(self) -> None:
        """Send the acknowledgements that were held, and all later ones at once."""
        self.holds_answers = False
        for client in [*self.clients]:
            client.let_answers_go()

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish as another client would."""
        content = payload.encode() if isinstance(payload, str) else payload
        self.take(Published(topic, content, retain))

    def take(self, message: Published) -> None:
        with self._change:
            self.messages.append(message)
            if message.retain:
                self.retained[message.topic] = message.payload
                if not message.payload:
                    del self.retained[message.topic]
            self._change.notify_all()
        for client in [*self.clients]:
            client.send_if_subscribed(message._replace(retain=False))

    def wait_for(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until a condition of the messages holds."""
        with self._change:
            assert self._change.wait_for(condition, seconds), self.summary()

    def of(self, topic: str) -> list[bytes]:
        """The payloads on a topic so far."""
        return [one.payload for one in self.messages if one.topic == topic]

    def wait_for_message(self, topic: str, count: int = 1) -> bytes:
        """The last payload on a topic, once there are so many."""
        self.wait_for(lambda: len(self.of(topic)) >= count)
        return self.of(topic)[-1]

    def wait_for_client(self) -> Connection:
        """A client that has subscribed."""
        self.wait_for(lambda: any(client.topics for client in self.clients))
        return next(client for client in self.clients if client.topics)

    def summary(self) -> str:
        return "\n".join(f"{one.topic} {one.payload[:200]!r}" for one in self.messages[-40:])

    def note_change(self) -> None:
        with self._change:
            self._change.notify_all()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        try:
            if self._tls is not None:
                accepted = self._tls.wrap_socket(accepted, server_side=True)
        except OSError:
            accepted.close()
            return
        client = Connection(self, accepted)
        self.clients.append(client)
        client.serve()


class Connection:
    """One client of the broker."""

    def __init__(self, broker: Broker, accepted: socket.socket) -> None:
        self._broker, self._socket = broker, accepted
        self._stream = accepted.makefile("rb")
        self._mutex = threading.Lock()
        self._held: list[bytes] = []
        self._version = 4
        self._will: Published | None = None
        self.name, self.user, self.password, self.keep_alive = "", None, None, 0
        self.topics: list[str] = []

    def send(self, kind: int, body: bytes) -> None:
        """Send a packet, whatever it means."""
        self._send(kind, body)

    def cut(self) -> None:
        """Cut the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        with contextlib.suppress(OSError, IndexError, ValueError):  # what is no MQTT
            for kind, flags, body in self._packets():
                if not self._handle(kind, flags, body):
                    break
        self._broker.clients.remove(self)
        self._socket.close()
        if self._will is not None:
            self._broker.take(self._will)

    def send_if_subscribed(self, message: Published) -> None:
        if any(matches(topic, message.topic) for topic in self.topics):
            self._send_message(message)

    def _handle(self, kind: int, flags: int, body: Body) -> bool:
        if kind == CONNECT:
            return self._connect(body)
        if kind == PUBLISH:
            self._take(flags, body)
        elif kind == SUBSCRIBE:
            self._subscribe(body)
        elif kind == PINGREQ:
            self._send(PINGRESP, b"")
        elif kind == DISCONNECT:
            self._will = None
            return False
        return True

    def _connect(self, body: Body) -> bool:
        body.text()
        self._version, flags = body.byte(), body.byte()
        self.keep_alive = body.number()
        self._properties(body)
        self.name = body.text()
        if flags & 4:
            self._properties(body)
            self._will = Published(body.text(), body.chunk(), bool(flags & 32))
        self.user = body.text() if flags & 128 else None
        self.password = body.text() if flags & 64 else None
        code = self._broker.refuses_clients or 0
        self._send(CONNACK, bytes([0, code]) + self._no_properties())
        if code:
            self._will = None
        return not code

    def _take(self, flags: int, body: Body) -> None:
        topic = body.text()
        number = body.number() if flags & 6 else None
        self._properties(body)
        is_refused = topic in self._broker.refused_topics
        if not is_refused:
            self._broker.take(Published(topic, body.rest(), bool(flags & 1)))
        if number is not None and not self._broker.is_deaf:
            code = bytes([0x87, 0]) if is_refused and self._version == 5 else b""
            self._held.append(number.to_bytes(2, "big") + code)
            if not self._broker.holds_answers:
                self.let_answers_go()

    def let_answers_go(self) -> None:
        """Send the acknowledgements that were held."""
        while self._held:
            self._send(PUBACK, self._held.pop(0))

    def _subscribe(self, body: Body) -> None:
        number = body.number()
        self._properties(body)
        topics = []
        while body.is_left:
            topics.append(body.text())
            body.byte()
        answer = number.to_bytes(2, "big") + self._no_properties() + bytes([1] * len(topics))
        self._send(SUBACK, answer)
        for topic, payload in [*self._broker.retained.items()]:
            if any(matches(wanted, topic) for wanted in topics):
                self._send_message(Published(topic, payload, retain=True))
        self.topics += topics
        self._broker.note_change()

    def _send_message(self, message: Published) -> None:
        topic = message.topic.encode()
        head = len(topic).to_bytes(2, "big") + topic + self._no_properties()
        self._send(PUBLISH, head + message.payload, flags=1 if message.retain else 0)

    def _properties(self, body: Body) -> None:
        if self._version == 5:
            body.skip(body.length())

    def _no_properties(self) -> bytes:
        return b"\0" if self._version == 5 else b""

    def _send(self, kind: int, body: bytes, flags: int = 0) -> None:
        with self._mutex, contextlib.suppress(OSError):
            self._socket.sendall(bytes([kind << 4 | flags]) + _length(len(body)) + body)

    def _packets(self) -> Iterator[tuple[int, int, Body]]:
        while first := self._stream.read(1):
            length = shift = 0
            while True:
                byte = self._stream.read(1)[0]
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            yield first[0] >> 4, first[0] & 15, Body(self._stream.read(length))


class Body:
    """The rest of a packet, read from its front."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def is_left(self) -> bool:
        return self._at < len(self._content)

    def skip(self, count: int) -> bytes:
        self._at += count
        return self._content[self._at - count:self._at]

    def byte(self) -> int:
        return self.skip(1)[0]

    def number(self) -> int:
        return int.from_bytes(self.skip(2), "big")

    def chunk(self) -> bytes:
        return self.skip(self.number())

    def text(self) -> str:
        return self.chunk().decode()

    def length(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def rest(self) -> bytes:
        return self.skip(len(self._content) - self._at)


def _length(number: int) -> bytes:
    found = bytearray()
    while True:
        number, low = divmod(number, 128)
        found.append(low | (128 if number else 0))
        if not number:
            return bytes(found)


def matches(wanted: str, topic: str) -> bool:
    """Whether a topic is one of those that a subscription names."""
    ours, theirs = wanted.split("/"), topic.split("/")
    for index, level in enumerate(ours):
        if level == "#":
            return True
        if index >= len(theirs) or level not in ("+", theirs[index]):
            return False
    return len(ours) == len(theirs)
