"""Sessions: the browsers that are logged in. They are lost when the process ends."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from beemon.web.roles import Role

LASTING_SECONDS = 30 * 86400.0
MOST = 100
"""More sessions than that end the oldest."""


@dataclass
class Session:
    """One browser: its role, and the secret that each of its changing requests has to show."""

    role: Role
    ends: float
    """On the monotonic clock, in seconds."""
    proof: int | str
    """The version of the password by which it began, or the id of the token."""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class Sessions:
    """The sessions by a hash of their id: the memory of the process has no cookie in it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._of: dict[bytes, Session] = {}

    def begin(self, role: Role, proof: int | str) -> tuple[str, Session]:
        """A new session by this password or token, and the id that its browser keeps."""
        self._end_old()
        name = secrets.token_urlsafe(32)
        session = Session(role, self._now() + LASTING_SECONDS, proof)
        self._of[_key(name)] = session
        return name, session

    def find(self, name: str | None) -> Session | None:
        """The session of this id, if it has not ended."""
        session = self._of.get(_key(name)) if name else None
        return session if session is not None and session.ends > self._now() else None

    def end(self, name: str) -> None:
        """End one session."""
        self._of.pop(_key(name), None)

    def _end_old(self) -> None:
        now = self._now()
        alive = {key: session for key, session in self._of.items() if session.ends > now}
        self._of = dict(list(alive.items())[-(MOST - 1):])


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "replace")).digest()
