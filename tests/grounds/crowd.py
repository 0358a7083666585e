"""A crowd of clients from one process: ``python -m tests.grounds.crowd PORT SECONDS``.

50 send a byte of a request each second and never its end (and come back when they are hung up
on), 50 say nothing, the others ask `ping` once a second. When all are connected it prints a line,
and at the end what the askers saw, as JSON.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

LORIS = 50
SILENT = 50
ASKING = 399
SIZE = LORIS + SILENT + ASKING


@dataclass
class Member:
    """One client: what it sends each second, and when next."""

    kind: str
    connection: socket.socket
    due: float
    asked: float | None = None


@dataclass
class Clients:
    """All clients, in one loop."""

    port: int
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    members: list[Member] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)

    def gather(self) -> None:
        """Connect everybody, spread over the second."""
        kinds = ["loris"] * LORIS + ["silent"] * SILENT + ["asking"] * ASKING
        random.Random(1).shuffle(kinds)
        for number, kind in enumerate(kinds):
            member = Member(kind, self._connect(), time.monotonic() + number / SIZE)
            self.members.append(member)
            self.selector.register(member.connection, selectors.EVENT_READ, member)

    def press(self, seconds: float) -> None:
        """Ask, dribble and be silent for so long."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for member in self.members:
                if member.due <= now:
                    self._act(member, now)
            for key, _ in self.selector.select(0.005):
                self._hear(key.data)

    def leave(self) -> None:
        """Hang up, all at once."""
        for member in self.members:
            member.connection.close()

    def _act(self, member: Member, now: float) -> None:
        member.due += 1.0
        if member.kind == "asking" and member.asked is None:
            member.asked = now
            member.connection.sendall(b"ping\n")
        elif member.kind == "loris":
            member.connection.sendall(b"p")

    def _hear(self, member: Member) -> None:
        data = member.connection.recv(4096)
        if not data:
            self._come_back(member)
        elif member.kind == "asking" and member.asked is not None and data.startswith(b"OK"):
            self.seconds.append(time.monotonic() - member.asked)
            member.asked = None

    def _come_back(self, member: Member) -> None:
        self.ended[member.kind] = self.ended.get(member.kind, 0) + 1
        self.selector.unregister(member.connection)
        member.connection.close()
        member.connection, member.asked = self._connect(), None
        self.selector.register(member.connection, selectors.EVENT_READ, member)

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def main(port: int, seconds: float) -> None:
    """Come, press, leave, and say what was seen."""
    crowd = Clients(port)
    crowd.gather()
    print("all are connected", flush=True)
    crowd.press(seconds)
    crowd.leave()
    answered = sorted(crowd.seconds)
    print(json.dumps({
        "answers": len(answered),
        "p99_ms": round(answered[len(answered) * 99 // 100] * 1e3, 2),
        "ended": crowd.ended,
    }))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
