"""The uplink's own process, beside a simulated hive."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.hive import PATIENCE_SECONDS, Hive


class Carrier:
    """``beemon serve-uplink`` for a hive, with its folder where the service looks for it.

    It has a session of its own, so that a test can end it with its children.
    """

    def __init__(self, hive: Hive) -> None:
        self.hive = hive
        self.folder = hive.archive.with_name(f"{hive.archive.name}-uplink")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Carrier:
        with (self.hive.folder / "uplink.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "beemon", "serve-uplink", "--config", self.hive.config,
                 "--folder", self.folder],
                env=self.hive.environment, stderr=log, stdout=log, start_new_session=True,
            )
        return self

    def said(self) -> str:
        """Its log."""
        return (self.hive.folder / "uplink.log").read_text()

    def wait(self) -> int:
        """Its exit status, once it ends by itself."""
        assert self.process is not None
        return self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> int:
        """End it as systemd does; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it alone, without a chance to end its children."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)
