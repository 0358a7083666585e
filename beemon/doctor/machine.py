"""Machine: everything that a check looks at. A test gives it another root and other programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from beemon.base.facts import Json, JsonObject
from beemon.base.replacing import replace_file, sync_folder
from beemon.config.settings import ConfigError, Settings, load
from beemon.devices.ask import ResolvedDevice, resolve_devices
from beemon.ledger import rows, wal
from beemon.ledger.ledger import NAME, LedgerReader, open_reader
from beemon.storage import lock

SECONDS = 10.0
"""The longest time that a program may take to report something."""
MENDING_SECONDS = 180.0
"""The longest time that a program may take to mend something: a swap file is read back slowly."""

_STEPS = 20_000  # of SQLite's machine, between two looks at the clock

Ask = Callable[[str], JsonObject]
"""Returns the service's reply to a query. Raises ``OSError`` if it cannot be reached."""


@dataclass(frozen=True)
class Ran:
    """The exit status of a program, and its output with its errors."""

    status: int
    text: str

    @property
    def is_well(self) -> bool:
        """Whether it succeeded."""
        return self.status == 0


class NotFixedError(Exception):
    """A fix was not possible; the text says why."""


class Machine:
    """One machine. ``root`` is the root of its file system."""

    def __init__(
        self, config: Path, ask: Ask, archive: Path | None = None, root: Path = Path("/")
    ) -> None:
        self.config, self.archive, self.root = config, archive, root
        self._ask = ask

    # Files

    def at(self, path: str) -> Path:
        """A path of the machine."""
        return self.root / path.lstrip("/")

    def read(self, path: str | Path) -> str | None:
        """The text of a file; None if it cannot be read."""
        try:
            file = self.at(path) if isinstance(path, str) else path
            return file.read_text("utf-8", "replace").rstrip("\0\n")
        except OSError:
            return None

    def glob(self, pattern: str) -> list[Path]:
        """The paths that match a pattern, sorted."""
        try:
            return sorted(self.root.glob(pattern.lstrip("/")))
        except OSError:
            return []

    def shown(self, path: Path) -> str:
        """A path as a person of this machine knows it."""
        return f"/{path.relative_to(self.root)}"

    def replace(self, path: Path, content: str | bytes) -> None:
        """Write a file durably, if it has another content; the old one is kept beside it.

        Raises ``OSError``; the old one is as before then.
        """
        fresh = content.encode() if isinstance(content, str) else content
        if path.exists() and path.read_bytes() == fresh:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept = path.with_name(f"{path.name}.before-beemon-{time.strftime('%Y%m%d-%H%M%S')}")
            shutil.copy2(path, kept)
        replace_file(path, fresh, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        sync_folder(path.parent)

    # Programs

    def run(self, *command: str, seconds: float = SECONDS) -> Ran | None:
        """Run a program; None if there is no such program, or it takes too long."""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=seconds,
                check=False, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return Ran(done.returncode, f"{done.stdout}{done.stderr}".rstrip("\n"))

    def change(self, *command: str) -> None:
        """Run a program that mends something. Raises :class:`NotFixedError`."""
        ran = self.run(*command, seconds=MENDING_SECONDS)
        if ran is None:
            took = f"it took longer than {MENDING_SECONDS:.0f} s"
            said = took if shutil.which(command[0]) else "it is not installed"
            raise NotFixedError(f"{' '.join(command)}: {said}")
        if not ran.is_well:
            raise NotFixedError(f"{' '.join(command)}: {''.join(ran.text.splitlines()[-1:])}")

    @cached_property
    def kernel_log(self) -> str | None:
        """The messages of the kernel since boot; None if this user may not read them."""
        for command in (
            ("journalctl", "--dmesg", "--boot", "--no-pager", "--output=short-monotonic",
             "--lines=20000"),
            ("dmesg",),
        ):
            ran = self.run(*command)
            if ran and ran.is_well and re.search(r"^\[", ran.text, re.MULTILINE):
                return ran.text
        return None

    def kernel_lines(self, pattern: str) -> list[str]:
        """The lines of the kernel's messages with a pattern."""
        return [line for line in (self.kernel_log or "").splitlines()
                if re.search(pattern, line, re.IGNORECASE)]

    # The kind of machine

    @cached_property
    def model(self) -> str:
        """The board's name; empty if it has none."""
        return self.read("/proc/device-tree/model") or ""

    @property
    def is_pi(self) -> bool:
        """Whether it is a Raspberry Pi."""
        return self.model.startswith("Raspberry Pi")

    # beemon

    @cached_property
    def settings(self) -> Settings | None:
        """The config on disk; None if it has problems."""
        try:
            return load(self.config)
        except ConfigError:
            return None

    @cached_property
    def devices(self) -> Mapping[str, ResolvedDevice]:
        """The devices of the config whose options are right."""
        return resolve_devices(self.settings.devices)[0] if self.settings else {}

    def ask(self, query: str) -> JsonObject | None:
        """The service's reply; None if it cannot be reached or refuses."""
        try:
            return self._ask(query)
        except (OSError, ValueError):
            return None

    @cached_property
    def status(self) -> Mapping[str, Json] | None:
        """The status of the service; None if it cannot be reached."""
        return self.ask("status")

    @property
    def has_ledger(self) -> bool:
        """Whether the archive has a ledger. Raises ``PermissionError``."""
        return self.archive is not None and (self.archive / NAME).exists()

    @contextmanager
    def ledger(self, seconds: float = SECONDS) -> Iterator[LedgerReader]:
        """The ledger at one moment; a query that takes longer is interrupted.

        Nothing is written beside one that lies there since the service stopped. Raises
        ``sqlite3.Error``.
        """
        assert self.archive is not None
        at_rest = lock.holder(self.archive) is None and not wal.size(self.archive)
        found = LedgerReader(self.archive, at_rest=True) if at_rest else open_reader(self.archive)
        until = time.monotonic() + seconds
        with closing(found) as ledger, rows.one_moment(ledger.db):
            ledger.db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            yield ledger
