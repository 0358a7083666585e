"""Web client: one request to an HTTP server of somebody else, with a time limit.

No redirection is followed: credentials would travel with it.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from beemon.base.options import BadOptionError, in_toml
from beemon.base.quoting import shown
from beemon.uplink.contract import NotDeliveredError

SECONDS = 20.0
_LONGEST_ANSWER = 65536  # bytes
_ASKS_LATER = (429, 503)


class Answer(NamedTuple):
    """The answer of a server: its status, its body, and the time in s that it wants to rest."""

    status: int
    body: bytes
    retry_after: float | None

    @property
    def is_good(self) -> bool:
        """Whether the status is one of success; the log-in page of a network has one, too."""
        return 200 <= self.status < 300


def send(
    method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """Send a request and read the answer. Raises :class:`NotDeliveredError` if there is none."""
    parts = urlsplit(url)
    host, path = parts.netloc, parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    connection = _connection(parts.scheme, host, seconds)
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        said = response.read(_LONGEST_ANSWER)
        return Answer(response.status, said, _seconds(response.getheader("Retry-After")))
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise NotDeliveredError(f"{host} does not answer: {reason}") from error
    finally:
        connection.close()


def check_answer(answer: Answer, url: str, wanted: Collection[int]) -> None:
    """Raise :class:`NotDeliveredError` unless the server answered with a wanted status."""
    if answer.status in wanted:
        return
    said = shown(answer.body.decode("utf-8", "replace").strip(), 120)
    later = answer.retry_after if answer.status in _ASKS_LATER else None
    raise NotDeliveredError(
        f"{urlsplit(url).hostname} did not take it: status {answer.status}, {said}",
        retry_after=later,
    )


def web_address(value: object) -> str:
    """Parse the address of a server. Raises :class:`BadOptionError`."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadOptionError(
            f'must be an address such as "https://server.example/path", not {in_toml(value)}'
        )
    if "@" in parts.netloc:
        raise BadOptionError("must not have a password in it; put that in a file of its own")
    return parts.geturl()


def _connection(scheme: str, host: str, seconds: float) -> http.client.HTTPConnection:
    try:
        if scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, timeout=seconds, context=context)
        return http.client.HTTPConnection(host, timeout=seconds)
    except (http.client.InvalidURL, OSError) as error:
        raise NotDeliveredError(f"{host} cannot be reached: {error}") from error


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
