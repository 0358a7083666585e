"""The line protocol, as bytes: no socket and no clock here.

Grammar, for a client that opens a TCP connection::

    request  = text [CR] LF            at most `limit` bytes before the terminator
    text     = UTF-8 of printable characters, words separated by spaces
    reply    = ("OK" / "ERROR") SP json-object LF

Each request line gets one reply line, in order (`watch` then streams lines). A request may arrive
in any number of pieces, and several requests may arrive together. The text at the end of the
stream, or before a silence, also counts as a request. The object of an ERROR has a ``code`` from
:data:`ERRORS`, a ``message`` that names the problem and the value, and a ``remedy`` for it.

If a request belongs to another protocol, the Server replies with one ERROR and closes the
connection. Signs of another protocol are bytes that are not UTF-8, control characters, and HTTP
methods and headers. A first character that is ASCII but not a letter is another sign. Otherwise a
web page could make a browser send a command, for example inside a TLS hello. The Server also closes
the connection after :data:`MAX_REFUSED` requests in a row that it does not understand.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING

from beemon.base.explanation import Explanation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from beemon.base.facts import JsonObject

ERRORS = {
    "empty": Explanation(
        "the request is empty",
        "Send a word: `beemon help` lists them.",
    ),
    "too-long": Explanation(
        "the request is longer than receive_size_bytes",
        "Shorten the request, or raise `receive_size_bytes` in the config.",
    ),
    "not-utf8": Explanation(
        "the request is not UTF-8; the connection is closed",
        "Send the request as UTF-8.",
    ),
    "control-character": Explanation(
        "the request contains a NUL, a tab or another non-printing character; the connection is "
        "closed",
        "Send printable characters only, and one request a line.",
    ),
    "http": Explanation(
        "the request looks like HTTP, which beemon does not support; the connection is closed",
        "Use the `beemon` command, or a plain connection that sends one request a line.",
    ),
    "not-finished": Explanation(
        "the request was not finished in time; the connection is closed",
        "Connect again, and end each request with a newline.",
    ),
    "not-authorised": Explanation(
        "the first line was not `auth TOKEN` with the right token",
        "Join the group beemon, `sudo adduser $USER beemon`, and log in again; or use sudo.",
    ),
    "too-many-clients": Explanation(
        "the maximum number of clients is connected; the connection is closed",
        "Close a client that is no longer needed, and connect again.",
    ),
    "too-many-waiting": Explanation(
        "the maximum number of clients is waiting or watching",
        "End a `beemon watch` or `beemon wait JOB` that is no longer needed.",
    ),
    "unknown-command": Explanation(
        "the first word is neither a command nor a query",
        "List the words: `beemon help`.",
    ),
    "bad-argument": Explanation(
        "an argument is missing, superfluous, or not what the command takes",
        "Read how the word is used: `beemon help WORD`.",
    ),
    "unknown-device": Explanation(
        "the config names no such device",
        "List the devices: `beemon devices`.",
    ),
    "unknown-job": Explanation(
        "the database holds no such job",
        "List the latest jobs: `beemon jobs`.",
    ),
    "unknown-finding": Explanation(
        "the database holds no such finding",
        "List the findings: `beemon findings 365d`.",
    ),
    "no-recording": Explanation(
        "the job has no recording, or its recording was deleted",
        "Read how the job ended: `beemon job JOB`.",
    ),
    "unreadable": Explanation(
        "the file of the recording, or its row in the database, is damaged or missing",
        "Check the archive: `beemon archive check`.",
    ),
    "queue-full": Explanation(
        "the maximum number of commands is waiting",
        "Wait until some are done, or end those that you do not need: `beemon cancel DEVICE`.",
    ),
    "bad-config": Explanation(
        "the config on disk has problems; the service keeps the one that it runs with",
        "Find the mistake: `beemon config check`.",
    ),
    "no-ledger": Explanation(
        "the database cannot be read or written at the moment; nothing was accepted",
        "Read what is wrong with the disk: `beemon status`.",
    ),
    "too-slow": Explanation(
        "the query would take too long and was stopped, or other long ones are being answered",
        "Try a shorter time, or try again later: beemon counts past days while it is idle.",
    ),
    "stopping": Explanation(
        "the service is stopping; nothing was accepted",
        "Start the service: `sudo systemctl start beemon`.",
    ),
    "defect": Explanation(
        "beemon has a defect, or found data that it cannot read; see the journal",
        "Report the traceback to beemon's developers: `journalctl -u beemon`. Then check the "
        "data: `beemon archive check`.",
    ),
}
"""Every error code, and when it is sent."""

NOT_UNDERSTOOD = ("empty", "too-long", "unknown-command", "bad-argument", "unknown-device")
"""The errors of a client that does not know the vocabulary."""
MAX_REFUSED = 5
"""Maximum number of requests in a row with such an error before the connection is closed."""

_HTTP = re.compile(  # a method, or a field name (RFC 9110, section 5.6.2) and its colon
    rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) |[!#$%&'*+.^_`|~0-9A-Za-z-]+:"
)
_NO_WORD = re.compile(rb" *[!-@[-`{-~]")  # ASCII punctuation or a digit; RESP, JSON, SMTP begin so
_NO_TEXT = re.compile(rb"[\x00-\x1f\x7f\xc0\xc1\xf5-\xff]")  # bytes that no line of text holds


class RequestError(ValueError):
    """A request that cannot be granted: ``code`` is one of :data:`ERRORS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def reply(self) -> bytes:
        """The ERROR line that tells the client."""
        remedy = ERRORS[self.code].remedy
        return _line("ERROR", {"code": self.code, "message": str(self), "remedy": remedy})


class RequestReader:
    """Cuts a stream of bytes into requests, independently of the pieces in which it arrives.

    A request of more than ``limit`` bytes is returned once, cut to ``limit + 1`` bytes, as soon as
    it is too long; the rest of its line is skipped. If that rest is not text, nothing more is
    returned, and ``is_foreign`` is true.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skipping = False
        self.is_foreign = False

    @property
    def pending(self) -> bool:
        """Whether a request has begun and not ended."""
        return self._skipping or bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes off the wire; return the requests that are complete now."""
        self._buffer += data
        requests = []
        while not self.is_foreign and (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            if not self._skipping:
                requests.append(line[: self._limit + 1])
            self._skip(line[0 if self._skipping else self._limit + 1 :])
            self._skipping = False
        return requests + self._overflow()

    def finish(self) -> list[bytes]:
        """End the stream: the remaining bytes are the last request."""
        return self.feed(b"\n") if self.pending else []

    def _overflow(self) -> list[bytes]:
        if self.is_foreign:
            self._buffer.clear()
        # One byte over the limit may still turn out to be the CR of a CRLF.
        if self._skipping or len(self._buffer) > self._limit + 1:
            cut = [] if self._skipping else [bytes(self._buffer[: self._limit + 1])]
            rest = bytes(self._buffer[0 if self._skipping else self._limit + 1 :])
            self._buffer.clear()
            if rest.endswith(b"\r"):  # perhaps of a CRLF
                self._buffer += b"\r"
                rest = rest[:-1]
            self._skip(rest)
            self._skipping = True
            return cut
        return []

    def _skip(self, rest: bytes) -> None:
        self.is_foreign = self.is_foreign or _NO_TEXT.search(rest) is not None


def is_http(message: bytes) -> bool:
    """Whether a request begins like HTTP: a method and a space, or a header's name and colon."""
    return _HTTP.match(message) is not None


def is_foreign(message: bytes, limit: int) -> bool:
    """Whether a request belongs to another protocol, so that nothing after it is obeyed."""
    if is_http(message) or _NO_WORD.match(message):
        return True
    try:  # a request that is too long was cut, perhaps within a character
        text, _ = codecs.utf_8_decode(message, "strict", len(message) <= limit)
    except UnicodeDecodeError:
        return True
    return not text.isprintable()


def decode(message: bytes, limit: int) -> str:
    """The text of a request. Raises :class:`RequestError`."""
    if is_http(message):
        raise RequestError("http", "this is not an HTTP server; send `help` and a newline instead")
    if len(message) > limit:
        raise RequestError("too-long", f"a request has at most {limit} bytes")
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError("not-utf8", f"byte {error.start + 1} is not UTF-8") from error
    check_printable(text)
    return text


def check_printable(text: str) -> None:
    """Raise :class:`RequestError` if a character would end, hide or break a request."""
    if text.isprintable():
        return
    at = next(i for i, character in enumerate(text) if not character.isprintable())
    code = "not-utf8" if "\ud800" <= text[at] <= "\udfff" else "control-character"
    raise RequestError(
        code, f"character {at + 1} is U+{ord(text[at]):04X}; only printable ones are allowed"
    )


def ok(reply: DataclassInstance) -> bytes:
    """The OK line with a reply."""
    from beemon.base.facts import to_json  # a client reads lines, and writes none

    return _line("OK", to_json(reply))


def parse_reply(line: bytes) -> tuple[bool, JsonObject]:
    """A reply line as (whether it was OK, its object). Raises ``ValueError`` for anything else."""
    word, _, rest = line.decode("utf-8").strip().partition(" ")
    if word not in ("OK", "ERROR"):
        raise ValueError(f"this is not a reply of beemon: {line[:80]!r}")
    payload = json.loads(rest)
    if not isinstance(payload, dict):
        raise ValueError(f"this is not a reply of beemon: {line[:80]!r}")  # noqa: TRY004
    return word == "OK", payload


def _line(word: str, payload: JsonObject) -> bytes:
    return f"{word} {_encode(payload)}\n".encode("ascii")


_encode = json.JSONEncoder(allow_nan=False, check_circular=False).encode  # it is a tree
