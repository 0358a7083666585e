"""Children: the programs that carry files, each for a bounded time.

A child dies with this process, even if that is killed. Otherwise the old upload would continue
beside the one that a restarted uplink begins.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, cast

from beemon.base import tether
from beemon.uplink.destinations.upload.remote import RemoteError

_KEPT = ("PATH", "LANG", "TZ", "http_proxy", "https_proxy", "no_proxy")
_LONGEST_MESSAGE = 300
_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_LOGIN = re.compile(r"://[^/@\s]+@")


class FailedError(RemoteError):
    """A child ended with another ``status`` than 0, or took too long, and then has no status."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class Children:
    """Runs programs to their end; ``secrets`` appear in no message."""

    def __init__(self, environment: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment = {**kept, **environment}
        self._secrets = [secret for secret in secrets if len(secret) > 3]

    def run(self, command: Sequence[str], seconds: float) -> bytes:
        """Run a program to its end; return its output. Raises :class:`FailedError`."""
        with tempfile.TemporaryFile() as output:
            with self._started(command, seconds, output.fileno()) as child:
                child.wait(seconds)
            output.seek(0)
            return output.read()

    @contextlib.contextmanager
    def reading(self, command: Sequence[str], seconds: float) -> Iterator[BinaryIO]:
        """The output of a program, which must be read to its end. Raises :class:`FailedError`."""
        with self._started(command, seconds, subprocess.PIPE) as child:
            assert child.stdout is not None
            # A program that writes nothing would be waited for without a limit.
            timer = threading.Timer(seconds, child.kill)
            timer.daemon = True
            timer.start()
            try:
                yield cast(BinaryIO, child.stdout)
            finally:
                timer.cancel()
                child.stdout.close()
            child.wait(seconds)

    @contextlib.contextmanager
    def _started(
        self, command: Sequence[str], seconds: float, output: int
    ) -> Iterator[subprocess.Popen[bytes]]:
        with tempfile.TemporaryFile() as errors:
            child = self._start(command, output, errors)
            try:
                yield child
            except subprocess.TimeoutExpired:
                raise FailedError(
                    f"{command[0]} was stopped after {seconds:.0f} s: the remote storage is too "
                    "slow, or does not answer", None,
                ) from None
            finally:
                child.kill()
                child.wait()
            if child.returncode:
                raise FailedError(self._told(command[0], child, errors), child.returncode)

    def _start(
        self, command: Sequence[str], output: int, errors: BinaryIO
    ) -> subprocess.Popen[bytes]:
        try:
            return tether.start(command, self._environment, output, errors)
        except OSError as error:
            raise RemoteError(f"{command[0]} cannot be started: {error.strerror}") from error

    def _told(self, program: str, child: subprocess.Popen[bytes], errors: BinaryIO) -> str:
        """Why it failed: its last words, without secrets."""
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4096))
        text = errors.read().decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, "…")
        text = _LOGIN.sub("://…@", text)
        lines = [_STAMP.sub("", line).strip() for line in text.splitlines() if line.strip()]
        last = lines[-1] if lines else f"it ended with status {child.returncode}"
        said = "".join(c if c.isprintable() else "?" for c in last)
        return f"{program}: {said[:_LONGEST_MESSAGE]}"
