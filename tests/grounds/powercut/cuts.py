"""A run of power cuts: the service under load, states of its disk, their verdicts."""

from __future__ import annotations

import math
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
from tests.grounds.powercut.device import Cut, Device
from tests.grounds.powercut.load import Load, Service
from tests.grounds.powercut.promises import Promises

MOUNT = "commit=60"
"""ext4 writes its journal every 5 s by itself; here only when it is asked: what was not synced
stays lost for longer."""
LIFE_SECONDS = 15.0
"""Until the service is killed; after two lives the power is cut in earnest."""
UNSURE_SECONDS = 3.0
"""Of the first life the clock is wrong; what was dated by it is then dated anew."""
EPOCHS = 3
"""How often the service goes on from what such a cut left: then comes a new archive, for one that
grows takes longer to judge."""
AHEAD = 6
"""States that may wait to be judged; then the load has the machine for itself for a moment."""
PAUSE_SECONDS = 0.06
"""At most, and at random, between two states."""
BOOT_EVERY = 50
MOST_WRITES = 40
CUT = "cut.img"
SHOWN = 12
TOLD_EVERY = 500


@dataclass(frozen=True)
class Options:
    """``unsynced`` is the pattern of the files whose syncs are taken away; ``keep`` a folder for
    the images of bad states; ``seed`` chooses the moments; ``first`` ends with a bad state, and
    ``minutes`` ends it at any rate."""

    states: int
    minutes: float = math.inf
    judges: int = os.cpu_count() or 2
    seed: int = 1
    unsynced: str | None = None
    keep: Path | None = None
    quiet: bool = False
    first: bool = False
    flushes: bool = True


class PowerCuts:
    """A run: epochs of load, of which states are kept and judged."""

    def __init__(self, folder: Path, images: Path, options: Options) -> None:
        folder.mkdir()
        self._folder = folder
        self._images = images
        self._image = images / "hive.img"
        self._options = options
        self._court = Court(folder, options.judges)
        self._chance = random.Random(options.seed)
        self._environment = _without_syncs(folder, options.unsynced)
        self._promises = Promises()
        self._cut_at = 0.0
        self._began = time.monotonic()
        self._waiting = 0
        self.taken = 0
        self.epochs = 0
        self.bad = 0
        self.kinds: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """Keep as many states as asked, and wait for all verdicts."""
        is_spoiled = self._options.unsynced is not None or not self._options.flushes
        while not self._is_over:
            if is_spoiled or self.epochs % EPOCHS == 0:
                self._promises = Promises()
                disk.format_image(self._image)
            self._epoch()
            self.epochs += 1
        while self._waiting:
            self._hear()
        self._court.close()

    @property
    def _is_over(self) -> bool:
        is_enough = self.taken >= self._options.states or self.seconds > self._options.minutes * 60
        return is_enough or bool(self.bad and self._options.first)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def _epoch(self) -> None:
        """Two lives of the service, the first of which ends by a kill; then the cut."""
        with (
            Device(self._image, self._folder / "device", flushes=self._options.flushes) as device,
            disk.mounted(device.file, self._folder / "hive", MOUNT) as mount,
        ):
            disk.CLOCK_MARK.unlink(missing_ok=True)
            for is_worn in (False, True):
                self._live(device, mount / ARCHIVE, is_worn=is_worn)
        self._promises.forget_after(self._cut_at)
        (self._images / CUT).replace(self._image)

    def _live(self, device: Device, archive: Path, *, is_worn: bool) -> None:
        """Start, work, be killed; the last state is kept."""
        service = Service(archive, self._folder / "service", **self._environment)
        load = Load(service, self._promises, is_worn=is_worn)
        began = time.monotonic()
        service.start()
        try:
            load.begin()
            while (age := time.monotonic() - began) < LIFE_SECONDS and not self._is_over:
                if age > UNSURE_SECONDS:
                    disk.CLOCK_MARK.touch()
                time.sleep(self._chance.uniform(0, PAUSE_SECONDS))
                self._take(device)
            self._cut_at = self._keep(device, self._images / CUT)
        finally:
            service.kill()
            load.end()

    def _take(self, device: Device) -> None:
        """Have one more state judged; wait where too many are waiting."""
        self.taken += 1
        image = self._images / f"state-{self.taken}.img"
        at = self._keep(device, image)
        boots = self.taken % BOOT_EVERY == 0
        self._court.take(State(self.taken, image, self._promises.before(at), boots))
        self._waiting += 1
        while self._waiting >= AHEAD:
            self._hear()

    def _keep(self, device: Device, to: Path) -> float:
        """Have the power cut of a copy of the disk; return when.

        One half of the cuts comes at any moment, the other while the disk is being written to.
        """
        share = self._chance.choice([0.0, 1.0, self._chance.random()])
        writes = self._chance.choice([None, self._chance.randrange(MOST_WRITES)])
        left = device.cut(Cut(to, share, self._chance.getrandbits(32), writes))
        self.counts["cached"] += left.cached > 0
        return left.at

    def _hear(self) -> None:
        verdict = self._court.verdict()
        self._waiting -= 1
        self.counts += verdict.counts
        if verdict.violations:
            self._tell(verdict)
        verdict.image.unlink()
        if (judged := self.taken - self._waiting) % TOLD_EVERY == 0 and not self._options.quiet:
            print(f"{judged} states in {self.seconds:.0f} s, {self.bad} with a violation",
                  file=sys.stderr, flush=True)

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
