"""The config watch: check that the config on disk is valid, and is the one in use.

A config that was edited without a reload, or that a reload refused, would be used at the next
start. This may be after a power cut, with nobody near the hive. It is therefore reported as a
problem until the config is mended or reloaded.
"""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from beemon.base.moments import clock_text
from beemon.base.options import Problem
from beemon.config import settings as config
from beemon.config.settings import ConfigError, Settings
from beemon.protocol.reports import Trouble
from beemon.server.latest import LatestState

ABOUT = "config"
LOOK_SECONDS = 10.0
"""Time in seconds between two looks at the files; a reload causes a look at once."""

_RELOAD = "sudo systemctl reload beemon"
_RESTART = "sudo systemctl restart beemon"

Signature = tuple[tuple[str, int, int, int, int], ...]


class ConfigWatch:
    """Notes on the ``board`` any difference between the config on disk and ``settings``, those in
    use.

    ``begun`` are the Server's own settings, which stay in use until a restart. A separate thread
    reads the files, because a disk may hang.
    """

    def __init__(
        self, begun: Settings, settings: Callable[[], Settings], board: LatestState
    ) -> None:
        self._begun, self._settings, self._board = begun, settings, board
        self._seen: tuple[Settings, Signature] | None = None
        self._wrong_since: datetime | None = None
        self._refused_files: Mapping[str, bytes] | None = None
        self._stopped = False
        self._called = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="config", daemon=True)

    def start(self) -> None:
        """Begin to watch, if the service has a config file."""
        if self._begun.source is not None and not self._stopped:
            self.look()
            self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped = True
        self._called.set()

    def take_over(self) -> None:
        """Settle the problem, because the config on disk is taken over; the next look checks it."""
        self._seen = None
        self._board.settle_trouble(ABOUT)
        self.look_soon()

    def look_soon(self) -> None:
        """Have the thread look at once."""
        self._called.set()

    def look(self) -> None:
        """Note the problem with the config on disk, or that there is none, if its files changed."""
        running = self._settings()
        path = config.original(running)
        seen = running, _signature(path)
        if seen == self._seen:
            return
        self._seen = seen
        trouble = self._judge(running, path)
        if trouble is None:
            self._board.settle_trouble(ABOUT)
        else:
            self._board.note_trouble(trouble)

    def _go_on(self) -> None:
        while True:
            self._called.wait(LOOK_SECONDS)
            self._called.clear()
            if self._stopped:
                return
            self.look()

    def _judge(self, running: Settings, path: Path) -> Trouble | None:
        check = _check(path)
        try:
            found = _load(path)
        except ConfigError as error:
            self._refused_files = self._refused_files or {}
            return self._wrong(running, str(error.problems[0]), check)
        if running.fallback and found.files == self._refused(found):
            return self._wrong(running, running.fallback.partition("\n")[0], check)
        self._wrong_since = None
        if _said(found) != _said(running):
            can_reload = found.archive_path == running.archive_path
            return Trouble(ABOUT, "the config on disk was changed but is not in use yet",
                           f"{check}; {_RELOAD if can_reload else _RESTART}")
        if running.server != self._begun.server:
            return Trouble(ABOUT, "[server] in the config was changed but is not in use yet",
                           _RESTART)
        return None

    def _refused(self, found: Settings) -> Mapping[str, bytes]:
        """The files of a config that an earlier start refused, because of its own or a driver's
        options."""
        if self._refused_files is None:
            self._refused_files = found.files
        return self._refused_files

    def _wrong(self, running: Settings, what: str, check: str) -> Trouble:
        if self._wrong_since is None:
            self._wrong_since = datetime.now().astimezone()
        runs = "the last good one" if running.fallback else "the one before"
        since = clock_text(self._wrong_since)
        return Trouble(
            ABOUT, f"the config on disk has been wrong since {since}, so {runs} is used: {what}",
            f"fix it; {check}; {_RELOAD}",
        )


def _load(path: Path) -> Settings:
    """Load the config on disk without the drivers' checks. Raises :class:`ConfigError`."""
    for file in config.config_files(path):
        if file.exists() and not file.is_file():
            raise ConfigError([Problem(str(file), "is not a file")])
    return config.load(path)


def _said(settings: Settings) -> tuple[object, ...]:
    """The content of a config, independent of its files."""
    return (settings.hive, settings.server, settings.archive, settings.retention, settings.devices)


def _signature(path: Path) -> Signature:
    """A signature of the files that changes when they change, without reading them."""
    try:
        files = config.config_files(path)
    except ConfigError:
        return ()
    return tuple((str(file), *_stat(file)) for file in files)


def _stat(file: Path) -> tuple[int, int, int, int]:
    try:
        found = file.stat()
    except OSError as error:
        return (0, 0, 0, -(error.errno or 1))
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, stat.S_IFMT(found.st_mode))


def _check(path: Path) -> str:
    named = "" if path == config.DEFAULT_PATH else f" --config {path}"
    return f"beemon config check{named}"
