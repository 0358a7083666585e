"""The page's own process, in front of a simulated hive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.hive import PATIENCE_SECONDS, Hive, until

PASSWORD = "buckwheat-honey"


class Site:
    """``beemon serve-page`` for a hive, with its state in folders of the test."""

    def __init__(self, hive: Hive, port: int) -> None:
        self.hive, self.port = hive, port
        self.address = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None
        folders = {name: str(hive.folder / f"page-{name.lower()}") for name in (
            "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CACHE_DIRECTORY",
        )}
        for folder in folders.values():
            Path(folder).mkdir(exist_ok=True)
        self.runtime = Path(folders["RUNTIME_DIRECTORY"])
        self.environment = {"TZ": "UTC", **os.environ, **folders}

    def start(self) -> Site:
        """Start it and wait until it answers."""
        with (self.hive.folder / "page.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "beemon", "serve-page", "--config", self.hive.config],
                env=self.environment, stderr=log, stdout=log,
            )
        until(self.answers)
        return self

    def answers(self) -> bool:
        """Whether it answers a request."""
        assert self.process is not None
        assert self.process.poll() is None, (self.hive.folder / "page.log").read_text()
        try:
            self.session()
        except OSError:
            return False
        return True

    def session(self) -> dict[str, object]:
        """Who a visitor without a cookie is."""
        with urllib.request.urlopen(f"{self.address}api/session", timeout=10) as reply:
            found: dict[str, object] = json.load(reply)
        return found

    def code(self) -> str:
        """The one-time code, as `beemon page` prints it."""
        return until(lambda: (self.runtime / "code").read_text().strip())

    def stop(self) -> None:
        """Stop it as systemd does."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_SECONDS)
