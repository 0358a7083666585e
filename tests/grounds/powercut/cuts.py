"""A run of power cuts: the service under load, states of its disk, their verdicts."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.grounds.powercut import disk
from tests.grounds.powercut.court import ARCHIVE, Court, State, Verdict
from tests.grounds.powercut.load import Load, Service
from tests.grounds.powercut.promises import Promises

MOUNT = "commit=60"
"""ext4 writes its journal every 5 s by itself; here only when it is asked: what was not synced
stays lost for longer."""
EPOCH = 250
"""States until the power is cut in earnest, and the service goes on from the last state."""
LIVES = 4
"""Epochs of one archive: then comes a new one, for one that grows takes longer to judge."""
AHEAD = 6
"""States that may wait to be judged; then the load has the machine for itself for a moment."""
PAUSE_SECONDS = 0.12
"""At most, and at random, between two states."""
BOOT_EVERY = 50
CUT = "cut.img"
SHOWN = 12


@dataclass(frozen=True)
class Options:
    """``unsynced`` is the pattern of the files whose syncs are taken away; ``keep`` a folder for
    the images of bad states; ``seed`` chooses the moments; ``first`` ends with a bad state."""

    states: int
    judges: int = os.cpu_count() or 2
    seed: int = 1
    unsynced: str | None = None
    keep: Path | None = None
    quiet: bool = False
    first: bool = False


class PowerCuts:
    """A run: epochs of load, of which states are kept and judged."""

    def __init__(self, folder: Path, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._images = disk.prepare(folder)
        self._image = self._images / "hive.img"
        self._court = Court(folder, options.judges)
        self._chance = random.Random(options.seed)
        self._environment = _without_syncs(folder, options.unsynced)
        self._waiting = 0
        self.taken = 0
        self.epochs = 0
        self.bad = 0
        self.kinds: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self._promises = Promises()

    def run(self) -> None:
        """Keep as many states as asked, and wait for all verdicts."""
        while not self._is_over:
            if self.epochs % LIVES == 0:
                self._promises = Promises()
                disk.format_image(self._image)
            self._epoch(min(EPOCH, self._options.states - self.taken))
            self.epochs += 1
        while self._waiting:
            self._hear()
        self._court.close()

    @property
    def _is_over(self) -> bool:
        return self.taken >= self._options.states or bool(self.bad and self._options.first)

    def _epoch(self, states: int) -> None:
        """Two lives of the service, the first of which ends by a kill; then the cut."""
        with disk.mounted(self._image, self._folder / "hive", MOUNT) as mount:
            self._live(mount / ARCHIVE, states // 2)
            cut = self._live(mount / ARCHIVE, states - states // 2)
        self._promises.forget_after(cut)
        (self._images / CUT).replace(self._image)

    def _live(self, archive: Path, states: int) -> float:
        """Start, work, be killed; return the moment of the last state, which is kept."""
        service = Service(archive, self._folder / "service", **self._environment)
        load = Load(service, self._promises)
        service.start()
        try:
            self._take(states // 10)  # while it starts
            load.begin()
            self._take(states - states // 10)
            return self._keep(self._images / CUT)
        finally:
            service.kill()
            load.end()

    def _take(self, states: int) -> None:
        for _ in range(states):
            if self._is_over:
                return
            time.sleep(self._chance.uniform(0, PAUSE_SECONDS))
            self.taken += 1
            image = self._images / f"state-{self.taken}.img"
            at = self._keep(image)
            boots = self.taken % BOOT_EVERY == 0
            self._court.take(State(self.taken, image, self._promises.before(at), boots))
            self._waiting += 1
            while self._waiting >= AHEAD:
                self._hear()

    def _keep(self, to: Path) -> float:
        """Copy the disk; return a moment before that."""
        at = time.monotonic()
        disk.copy(self._image, to)
        return at

    def _hear(self) -> None:
        verdict = self._court.verdict()
        self._waiting -= 1
        self.counts += verdict.counts
        if verdict.violations:
            self._tell(verdict)
        verdict.image.unlink()

    def _tell(self, verdict: Verdict) -> None:
        self.bad += 1
        self.kinds.update({violation.partition(":")[0] for violation in verdict.violations})
        if self.bad <= SHOWN and not self._options.quiet:
            for violation in verdict.violations[:5]:
                print(f"state {verdict.number}: {violation}", file=sys.stderr, flush=True)
            if self._options.keep:
                shutil.copy(verdict.image, self._options.keep / verdict.image.name)


def _without_syncs(folder: Path, pattern: str | None) -> dict[str, str]:
    """The environment of a service whose syncs of these files do nothing."""
    if pattern is None:
        return {}
    source, library = Path(__file__).with_name("unsynced.c"), folder / "unsynced.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), "UNSYNCED": pattern}
