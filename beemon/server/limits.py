"""The limits of a Server: the number of clients, the length of a request, and the time-outs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from beemon.server.queries import STALE_SECONDS

MAX_CLIENTS = 500


@dataclass(frozen=True)
class Limits:
    """How many clients there may be by TCP, and for how many seconds they are waited for.

    ``idle_seconds`` is how long a connection may stay silent between requests, ``request_seconds``
    how long a request may take from its first byte to its end, and ``socket_timeout_seconds`` how
    long it may be silent meanwhile; ``receive_size_bytes`` is how long it may be, and
    ``stale_seconds`` the age of a heartbeat from which on the Orchestrator counts as hung.
    """

    max_clients: int = MAX_CLIENTS
    idle_seconds: float = 30.0
    request_seconds: float = 10.0
    stale_seconds: float = STALE_SECONDS
    socket_timeout_seconds: float = 3
    receive_size_bytes: int = 1024

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for what is not above 0."""
        for name, value in asdict(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")

    def replaced(
        self, socket_timeout_seconds: float | None, receive_size_bytes: int | None
    ) -> Limits:
        """The same limits but for those that are not None."""
        silence, size = socket_timeout_seconds, receive_size_bytes
        return replace(
            self,
            socket_timeout_seconds=self.socket_timeout_seconds if silence is None else silence,
            receive_size_bytes=self.receive_size_bytes if size is None else size,
        )
