"""The service's link to systemd and the journal: readiness, watchdog, status line, logs.

Without systemd, every call here is harmless, and the log goes to standard error for a person.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import time
from pathlib import Path

import sdnotify

log = logging.getLogger(__name__)

IDENTIFIER = "beemon"
EXIT_FAILED = 1
_PATIENCE_SECONDS = 5.0  # for what systemd must not miss, when it is slow to read
_OWN_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notifier:
    """Tells systemd how the service is.

    It takes the variables out of the environment: a child that could speak to systemd could also
    feed the watchdog of a service that hangs.
    """

    def __init__(self) -> None:
        self._status = ""
        self.watchdog_seconds = _watchdog_seconds()
        self._notifier = sdnotify.SystemdNotifier()
        self._notifier.debug = True  # failures are judged here, where sdnotify would hide them
        for name in _OWN_VARIABLES:
            os.environ.pop(name, None)

    def ready(self) -> None:
        """The service does its work (again, after a reload)."""
        self._say("READY=1", _PATIENCE_SECONDS)

    def alive(self) -> None:
        """Feed the watchdog; call this on evidence of progress only."""
        if self.watchdog_seconds:
            self._say("WATCHDOG=1")

    def reloading(self) -> None:
        """The config is about to change; :meth:`ready` follows, whether it did or not."""
        now = time.monotonic_ns() // 1000
        self._say(f"RELOADING=1\nMONOTONIC_USEC={now}", _PATIENCE_SECONDS)

    def stopping(self) -> None:
        """The service is about to end."""
        self._say("STOPPING=1")

    def status(self, sentence: str) -> None:
        """The sentence that `systemctl status` shows, on one line; sent when it changes."""
        line = " ".join(sentence.split())
        if line != self._status and self._say(f"STATUS={line}"):
            self._status = line

    def _say(self, message: str, seconds: float = 0.0) -> bool:
        """Whether systemd took the message, or there is no systemd.

        While it does not read, its socket is soon full, and the thread that speaks to it would
        hear no heartbeat. sdnotify sends Latin-1, and systemd reads UTF-8.
        """
        if self._notifier.socket is None:
            return True
        self._notifier.socket.settimeout(seconds)
        try:
            self._notifier.notify(message.encode().decode("latin-1"))
        except OSError:
            return False
        return True


def _watchdog_seconds() -> float | None:
    owner = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    usec = os.environ.get("WATCHDOG_USEC", "")
    return int(usec) / 1e6 if usec.isdigit() and owner == str(os.getpid()) else None


class _Terminal(logging.Formatter):
    """Log lines for a person: the time, the level if it is a warning or worse, the text."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(shown_level)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        calm = record.levelno <= logging.INFO
        record.shown_level = "" if calm else f"{record.levelname.lower()}: "
        return super().format(record)


def start_log(*, verbose: bool = False) -> None:
    """Log to the journal with its fields where this is a systemd service, else to stderr."""
    handler = _journal_handler() if _stderr_is_the_journal() else None
    if handler is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Terminal())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)


def _stderr_is_the_journal() -> bool:
    """systemd.exec(5): a shell below a service inherits the variable, but not the stream."""
    try:
        stderr = os.fstat(2)
    except OSError:  # closed
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def _journal_handler() -> logging.Handler | None:
    try:
        journal = importlib.import_module("systemd.journal")
    except ImportError:
        return None  # standard error reaches the journal too, without the fields
    handler: logging.Handler = journal.JournalHandler(SYSLOG_IDENTIFIER=IDENTIFIER)
    return handler


def fields(
    *, job: int | None = None, device: str | None = None, outcome: str | None = None
) -> dict[str, str]:
    """Journal fields for a log record: ``log.info(…, extra=fields(job=17))``."""
    given = {"JOB": job, "DEVICE": device, "OUTCOME": outcome}
    return {name: str(value) for name, value in given.items() if value is not None}


def fail(error: Exception) -> int:
    """Log why the service ends; its exit status.

    The service's own errors say all in words, without a number; the system's need their file.
    """
    own = error.strerror if isinstance(error, OSError) and not error.filename else None
    log.critical("%s", own or error)
    return EXIT_FAILED


def last_result() -> str | None:
    """The result of the service's last run in this boot, which the unit's ExecStopPost= saved.

    Its first word is one of ``$SERVICE_RESULT`` (systemd.exec(5)): success, watchdog, signal, ….
    """
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if not folder:
        return None
    try:
        return (Path(folder) / "ended").read_text("utf-8").strip() or None
    except (OSError, ValueError):
        return None


def runtime_folder(archive: Path) -> Path:
    """The folder of the socket and the live pictures: under systemd ``$RUNTIME_DIRECTORY``, else
    the archive."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(given) if given else archive
