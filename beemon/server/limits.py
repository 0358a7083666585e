"""The limits of a Server: the number of clients, the length of a request, and the time-outs."""

from __future__ import annotations

from dataclasses import asdict, replace

from beemon.base.values import value_class
from beemon.server.queries import STALE_SECONDS

MAX_CLIENTS = 500


@value_class
class Limits:
    """The limits on TCP clients: their number, and times in seconds.

    - ``idle_seconds``: the maximum silence of a connection between requests.
    - ``request_seconds``: the maximum time of a request from its first byte to its end.
    - ``socket_timeout_seconds``: the silence after which a request counts as finished.
    - ``receive_size_bytes``: the maximum length of a request in bytes.
    - ``stale_seconds``: the age of a heartbeat at which the Orchestrator counts as hung.
    """

    max_clients: int = MAX_CLIENTS
    idle_seconds: float = 30.0
    request_seconds: float = 10.0
    stale_seconds: float = STALE_SECONDS
    socket_timeout_seconds: float = 3
    receive_size_bytes: int = 1024

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if a limit is not above 0."""
        for name, value in asdict(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")

    def replaced(
        self, socket_timeout_seconds: float | None, receive_size_bytes: int | None
    ) -> Limits:
        """The same limits, except those given here that are not None."""
        silence, size = socket_timeout_seconds, receive_size_bytes
        return replace(
            self,
            socket_timeout_seconds=self.socket_timeout_seconds if silence is None else silence,
            receive_size_bytes=self.receive_size_bytes if size is None else size,
        )
