"""A 1-Wire bus with temperature sensors, and the kernel's side of it: a thread behind its files."""

from __future__ import annotations

import threading
import time

STEP_SECONDS = 0.001


class Master:
    """The folder of a bus. Whoever writes ``trigger`` makes all sensors convert."""

    def __init__(self, folder, takes=0.05):
        self.folder = folder
        self.takes = takes
        self.conversions = 0
        self.bulk = folder / "therm_bulk_read"
        folder.mkdir(parents=True, exist_ok=True)
        self._say("0")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self):
        self._ending.set()
        self._thread.join()

    def _run(self):
        while not self._ending.wait(STEP_SECONDS):
            if self.bulk.is_file() and self.bulk.read_text() == "trigger\n":
                self._say("-1")
                time.sleep(self.takes)
                self.conversions += 1
                self._say("1")

    def _say(self, state):
        """At once, as the kernel does: no reader sees half of it."""
        fresh = self.folder / ".state"
        fresh.write_text(f"{state}\n")
        fresh.rename(self.bulk)
