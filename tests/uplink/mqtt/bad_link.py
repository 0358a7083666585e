"""A link between a hive and its broker that delays, doubles and cuts."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator

PUBLISH = 3
LONGEST_DELAY = 0.02


class BadLink:
    """Forwards each connection to a port; ``cuts`` connections end, before or after a message."""

    def __init__(self, port: int, seed: int, cuts: int) -> None:
        self.happened: Counter[str] = Counter()
        self._target, self._cuts = port, cuts
        self._choose = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no connections any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                hive, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    broker = socket.create_connection(("127.0.0.1", self._target))
                    for end in (hive, broker):
                        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    for forward, ends in ((self._carry, (hive, broker)), (pour, (broker, hive))):
                        threading.Thread(target=forward, args=ends, daemon=True).start()

    def _carry(self, hive: socket.socket, broker: socket.socket) -> None:
        """Forward the packets of the hive, each with its fate."""
        with hive, broker, contextlib.suppress(OSError):
            for packet in packets(hive):
                fate = self._choose.random() if packet[0] >> 4 == PUBLISH else 1.0
                if fate < 0.2:
                    self.happened["delayed"] += 1
                    time.sleep(self._choose.uniform(0, LONGEST_DELAY))
                if 0.2 <= fate < 0.3 and self._cuts > 0:
                    self._cuts -= 1
                    self.happened["cut"] += 1
                    if fate < 0.25:
                        broker.sendall(packet)  # it arrives, and nobody knows
                    return
                broker.sendall(packet)
                if 0.3 <= fate < 0.4:
                    self.happened["doubled"] += 1
                    broker.sendall(packet)


def pour(source: socket.socket, target: socket.socket) -> None:
    """Forward everything until one end is gone, then end both."""
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def packets(source: socket.socket) -> Iterator[bytes]:
    """The packets of MQTT that come, until the end."""
    with source.makefile("rb") as stream:
        while head := stream.read(1):
            length = shift = 0
            while True:
                byte = stream.read(1)
                head += byte
                length |= (byte[0] & 127) << shift
                shift += 7
                if byte[0] < 128:
                    break
            yield head + stream.read(length)
