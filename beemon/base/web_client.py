"""Web client: one request to an HTTP server of somebody else, with a time limit.

No redirection is followed: credentials would travel with it.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from beemon.base.options import BadOptionError, in_toml, split_url

SECONDS = 20.0
LONGEST_ANSWER = 65536  # bytes


class NoAnswerError(OSError):
    """The server did not answer, or not in HTTP."""


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
    seconds: float = SECONDS, longest: int = LONGEST_ANSWER,
) -> Answer:
    """Send a request and read the answer, which may take ``seconds`` as a whole.

    The body is cut to ``longest`` bytes. Raises :class:`NoAnswerError`.
    """
    parts = urlsplit(url)
    host, path = parts.netloc, parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    connection = _connection(parts.scheme, host, seconds)
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        said = response.read(longest)
        return Answer(response.status, said, _seconds(response.getheader("Retry-After")))
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(f"{host} does not answer: {reason_of(error)}") from error
    except ValueError:  # its text may have the secret
        raise NoAnswerError(
            f"the password or token for {host} has characters that HTTP cannot carry"
        ) from None
    finally:
        connection.close()


def reason_of(error: Exception) -> str:
    """The reason why a connection failed; for a certificate, the next step too."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (f"its certificate is not trusted: {error.verify_message}; check the address, the "
                "certificate and this computer's clock")
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def web_address(value: object) -> str:
    """Parse the address of a server. Raises :class:`BadOptionError`."""
    parts = split_url(value) if _can_be_sent(value) else None
    if parts is None or not _has_host_name(parts):
        raise BadOptionError(
            f'must be an address such as "https://server.example/path", not {in_toml(value)}'
        )
    if "@" in parts.netloc:
        raise BadOptionError("must not have a password in it; put that in a file of its own")
    return parts.geturl()


def _can_be_sent(value: object) -> bool:
    """Whether a request can have this text in its first line."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value


def _has_host_name(parts: SplitResult) -> bool:
    """Whether the name of the host can be looked up."""
    try:
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    return True


class _Stream(io.RawIOBase):
    """The bytes of an answer, until a certain monotonic time.

    The time limit of a socket counts for each read, and a server may send byte by byte for ever.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._socket, self._until = sock, until
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("its answer takes too long")
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp.close()
        seconds = sock.gettimeout() or SECONDS
        self.fp = io.BufferedReader(_Stream(sock, time.monotonic() + seconds))


def _connection(scheme: str, host: str, seconds: float) -> http.client.HTTPConnection:
    try:
        connection = (
            http.client.HTTPSConnection(host, timeout=seconds, context=_tls())
            if scheme == "https" else http.client.HTTPConnection(host, timeout=seconds)
        )
    except (http.client.InvalidURL, OSError) as error:
        raise NoAnswerError(f"{host} cannot be reached: {error}") from error
    connection.response_class = _Response
    return connection


@functools.cache
def _tls() -> ssl.SSLContext:
    """The certificates of the system: reading them costs more than a request."""
    return ssl.create_default_context()


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
