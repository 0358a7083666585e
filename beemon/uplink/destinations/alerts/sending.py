"""Sending: one message to one address by `apprise`, which runs as a child process.

The address is a secret: it is in no argument of a process and in no log. The child reads it from a
file in memory, and the text from its standard input.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from beemon.base.explanation import why
from beemon.base.values import value_class
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.secrets import read_private

PROGRAM = "apprise"
DEADLINE_SECONDS = 30.0
"""The longest time of a child. `apprise` itself gives each connection and each answer 4 s."""
MISSING = f"{PROGRAM} is not installed, so no alert can be sent; run: sudo apt install {PROGRAM}"

_NOT_CONNECTED = re.compile(
    r"Failed to establish a new connection|ConnectTimeoutError|Name or service not known"
)
_UNCERTAIN = re.compile(
    r"timed? ?out|Connection aborted|Connection reset|Broken pipe", re.IGNORECASE
)
_STATUS = re.compile(r"error=(\d{3})\b")
_NO_ADDRESS = re.compile(r"Loaded 0 entries|Unsupported URL|Unparseable|There are no")
_SCHEME = re.compile(r"([a-z0-9+.-]{1,20})://", re.IGNORECASE)
_LARGEST_FILE = 64 << 10


class Result(StrEnum):
    """The result of an attempt; ``UNKNOWN``: the message may have arrived."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@value_class
class Sent:
    """The result of an attempt, and in words why it is not ``DELIVERED``."""

    result: Result
    said: str = ""


class AddressError(Exception):
    """The addresses cannot be used; the text says what to do."""


@value_class
class Address:
    """An apprise URL. It is shown by its ``kind`` and known by its ``mark``."""

    url: str = field(repr=False)

    @property
    def kind(self) -> str:
        """The service, such as ``ntfy``."""
        found = _SCHEME.match(self.url)
        return found[1].lower() if found else "address"

    @property
    def mark(self) -> str:
        """A short hash, which does not show the address."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:12]


def read_addresses(file: Path) -> list[Address]:
    """The addresses in a file, one a line. Raises :class:`AddressError`."""
    try:
        text = read_private(file, _LARGEST_FILE, 'one address a line, such as "ntfy://your-topic",')
    except NotDeliveredError as error:
        raise AddressError(str(error)) from None
    lines = (line.strip() for line in text.splitlines())
    found = [line for line in lines if line and not line.startswith(("#", ";"))]
    _check(found, file)
    return [Address(url) for url in dict.fromkeys(found)]


def _check(found: list[str], file: Path) -> None:
    if not found:
        raise AddressError(f'{file} holds no address; write one a line, such as "ntfy://your-topic"')
    bad = next((number for number, url in enumerate(found, 1) if not _SCHEME.match(url)), None)
    if bad is not None:
        raise AddressError(
            f"address {bad} in {file} is not an apprise URL; write one a line, such as "
            '"ntfy://your-topic"'
        )


def send(address: Address, title: str, body: str, deadline: float = DEADLINE_SECONDS) -> Sent:
    """Send one message to one address, and wait for the result."""
    program = shutil.which(PROGRAM)
    if program is None:
        return Sent(Result.REFUSED, MISSING)
    config = os.memfd_create("address")
    try:
        os.write(config, f"{address.url}\n".encode())
        arguments = [program, "-vvvv", "-i", "text", "-t", title, "-c", f"/proc/self/fd/{config}"]
        return _run(arguments, body, config, deadline, address)
    finally:
        os.close(config)


def _run(
    arguments: list[str], body: str, config: int, deadline: float, address: Address
) -> Sent:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}
    try:
        child = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=(config,), start_new_session=True, env=environment,
        )
    except OSError as error:
        return Sent(Result.REFUSED, f"{PROGRAM} cannot be started: {why(error)}")
    try:
        output, _ = child.communicate(body.encode(), timeout=deadline)
    except subprocess.TimeoutExpired:
        return Sent(Result.UNKNOWN, f"{PROGRAM} did not end within {deadline:g} s")
    finally:
        _end(child)
    return judge(child.returncode, output.decode("utf-8", "replace"), address)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and its own children, if it has not ended."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def judge(code: int, output: str, address: Address) -> Sent:
    """The result of a child, by its exit code and by the reason in its output.

    The output can hold the address, so none of it is repeated.
    """
    service = address.kind
    if code == 0:
        return Sent(Result.DELIVERED)
    if code < 0:
        return Sent(Result.UNKNOWN, f"{PROGRAM} was ended by signal {-code}")
    if _NOT_CONNECTED.search(output):
        return Sent(Result.REFUSED, f"{service} cannot be reached; check the network")
    if status := _STATUS.search(output):
        return Sent(Result.REFUSED, f"{service} refused the message (HTTP status {status[1]})")
    if _UNCERTAIN.search(output):
        return Sent(Result.UNKNOWN, f"{service} did not answer in time")
    if _NO_ADDRESS.search(output):
        return Sent(Result.REFUSED, (
            f"this version of {PROGRAM} does not know the address {service}://…; check urls_file"
        ))
    return Sent(Result.REFUSED, f"{PROGRAM} could not send the message to {service} (exit {code})")
