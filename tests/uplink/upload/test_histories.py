"""Uploads through thousands of random histories: kills, faults, rot, wrong clocks, full disks.

Nothing is marked as uploaded that the far end did not hold at that moment, byte for byte, and
nothing is deleted that is not marked. When all is well again, all that is still here is there.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.base.clock import Moment
from beemon.base.moments import US_PER_DAY, US_PER_SECOND
from beemon.base.recording import Recording, RecordingFacts
from beemon.uplink.destinations.upload.manifest import (
    MANIFEST_SECONDS,
    manifest_name,
    read_manifest,
)
from beemon.uplink.destinations.upload.remote import PART, RemoteError
from beemon.uplink.destinations.upload.sent import folder_of
from beemon.uplink.destinations.upload.uploader import Rules, Uploader
from tests.uplink.upload.far_end import FarEnd, Killed

HISTORIES = 10_000 if "BEEMON_LONG" in os.environ else 1_000
PARTS = 4
START_US = 1_780_000_000 * US_PER_SECOND
UUIDS = ("0f3a9c2e-1111-4222-8333-444455556666", "7b1d0e55-9999-4888-8777-666655554444")


class Hive:
    """A hive with its recordings, its ledger and its uplink, which is started as often as need be.
    """

    def __init__(self, folder: Path, uuid: str, chance: random.Random, far_end: FarEnd) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        self.uuid = uuid
        self.far_end = far_end
        self.made: dict[int, tuple[Recording, bytes]] = {}
        self.marked: dict[int, str] = {}
        self.deleted: set[int] = set()
        self.damaged: set[int] = set()
        self.forgotten = 0
        self.orders: deque[Callable[[], object]] = deque()
        self.budget = True
        self._chance = chance
        self._day = 1
        self.start()

    def start(self) -> None:
        """Start its uplink, which knows only what is in its folder."""
        state = self.folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        self.uploader = Uploader(
            self.far_end, self, self.archive, self.uuid, "hive", state, self, Rules()
        )

    def record(self) -> None:
        """Make a recording; those of two hives have the same names."""
        number = len(self.made) + 1
        self._day += self._chance.random() < 0.2
        path = f"recordings/2026-06-{self._day:02}/hive@2026-06-{self._day:02}@{number}.mic.flac"
        content = self._chance.randbytes(self._chance.randrange(1, 60))
        file = self.archive / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        facts = RecordingFacts(
            size=len(content), sha256=hashlib.sha256(content).hexdigest(), job=number
        )
        recording = Recording(number, "microphone.brood", path, "2026-06-01T00:00:00.000Z", facts)
        self.made[number] = (recording, content)

    def damage(self) -> None:
        """Change a file that is not uploaded yet, as a bad card does."""
        waiting = [one.recording for one in self.not_uploaded(0, 100)]
        if waiting:
            number = self._chance.choice(waiting)
            recording, content = self.made[number]
            (self.archive / recording.path).write_bytes(content[:-1])
            self.damaged.add(number)

    def retain(self) -> None:
        """Delete an uploaded recording, as retention does."""
        here = [number for number in self.marked if number not in self.deleted]
        if here:
            number = self._chance.choice(here)
            (self.archive / self.made[number][0].path).unlink()
            self.deleted.add(number)

    def not_uploaded(self, after: int, most: int) -> list[Recording]:
        """As the ledger answers."""
        return [
            recording for number, (recording, _) in self.made.items()
            if number > after and number not in self.marked and number not in self.deleted
        ][:most]

    def uploaded(self, after: int, most: int) -> list[Recording]:
        """As the ledger answers."""
        kept = [number for number in self.marked if number > after and number not in self.deleted]
        return [self.made[number][0] for number in sorted(kept)][:most]

    def report(self, recording: int, sha256: str, proof: str) -> None:
        """Order the mark, and look whether the far end had it when it was last asked."""
        if self._chance.random() < self.far_end.faults / 2:
            raise ConnectionError("nothing answers")
        made, content = self.made[recording]
        name = self.remote_name(recording)
        assert sha256 == made.facts.sha256
        assert self.far_end.truths.get(name) == content, f"{name} is not proved"
        assert proof == ("hash" if self.far_end.powers.hashes else "read-back")
        self.orders.append(lambda: self.marked.__setitem__(recording, name))
        if self._chance.random() < self.far_end.kills:
            raise Killed

    def forget(self, recording: int) -> None:
        """Order to mark it as not uploaded."""
        self.orders.append(lambda: self.marked.pop(recording, None))
        self.forgotten += 1

    def carry_out(self) -> None:
        """Carry out one order: the service accepts orders at once, and carries them out later."""
        if self.orders:
            self.orders.popleft()()

    def finish(self, now: Moment) -> float:
        """Work until nothing is left to do; the time in seconds until the next look."""
        for _ in range(5000):
            pause = self.uploader.step(now)
            if pause > 0 and not self.orders:
                return pause
            if pause > 0:
                self.carry_out()
        raise AssertionError("it does not come to an end")

    def remote_name(self, recording: int) -> str:
        """The name at the far end, in the folder that is this archive's."""
        rest = self.made[recording][0].path.removeprefix("recordings/")
        folders = list(self.uploader._places.values())
        return f"{folders[0] if folders else 'hive'}/{rest}"

    def spend(self) -> None:
        """The budget of the day is spent, or a new day begins."""
        self.budget = not self.budget

    def may_send(self, size: int) -> bool:
        return self.budget

    def count(self, size: int) -> None:
        pass


class History:
    """One random history of one or two hives and their far end."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.far_end = FarEnd(
            self.chance, can_move=self.chance.random() < 0.6,
            hashes=self.chance.choice([(), ("md5",), ("md5", "sha1"), ("sha1",), ("quickxor",)]),
        )
        self.far_end.powers = self.far_end.powers.__class__(
            self.far_end.powers.can_move,
            tuple(name for name in self.far_end.powers.hashes if name != "quickxor"),
        )
        count = 2 if self.chance.random() < 0.3 else 1
        self.hives = [
            Hive(folder / str(number), UUIDS[number], self.chance, self.far_end)
            for number in range(count)
        ]
        self.now = Moment(START_US, 1000.0)

    def run(self) -> None:
        """Trouble first, then peace, in which everything must arrive."""
        self.far_end.faults = self.chance.choice([0.0, 0.05, 0.3])
        self.far_end.kills = self.chance.choice([0.0, 0.03])
        for _ in range(self.chance.randrange(10, 60)):
            self.disturb(self.chance.choice(self.hives))
        self.far_end.faults = self.far_end.kills = 0.0
        self.far_end.space = None
        for hive in self.hives:
            hive.budget = True
            self.settle(hive)
        for hive in self.hives:
            self.judge(hive)

    def disturb(self, hive: Hive) -> None:
        """Let one thing happen."""
        events: list[tuple[int, Callable[[], None]]] = [
            (25, hive.record),
            (5, self.far_end.rot),
            (3, hive.damage),
            (5, hive.retain),
            (4, self.fill),
            (3, hive.spend),
            (5, self.set_clock),
            (3, lambda: self.lose_notes(hive)),
            (3, hive.orders.clear),  # the service is killed; its next run carries out no order
            (47, lambda: self.work(hive, self.chance.randrange(1, 15))),
        ]
        weights, happens = zip(*events, strict=True)
        self.chance.choices(happens, weights)[0]()

    def fill(self) -> None:
        self.far_end.space = self.chance.choice([None, 0, 200])

    def set_clock(self) -> None:
        self.now = Moment(
            self.now.utc_us + self.chance.choice([-1, 1]) * self.chance.randrange(400) * US_PER_DAY,
            self.now.monotonic + self.chance.choice([1.0, 4000.0, 90_000.0]),
        )

    def lose_notes(self, hive: Hive) -> None:
        """A power cut tears the last note, which was not synced yet; or all notes are lost."""
        while hive.orders and self.chance.random() < 0.8:
            hive.carry_out()
        hive.orders.clear()
        state = hive.folder / "state"
        if self.chance.random() < 0.3:
            shutil.rmtree(state)
        for file in state.rglob("*.json*"):
            cut = self.chance.randrange(9)
            content = file.read_bytes()
            last = re.findall(rb'"recording": (\d+)', content)
            if not last or int(last[-1]) not in hive.marked:
                file.write_bytes(content[: len(content) - cut])
        hive.start()

    def work(self, hive: Hive, steps: int) -> None:
        for _ in range(steps):
            if self.chance.random() < 0.5:
                hive.carry_out()
            try:
                hive.uploader.step(self.now)
            except (RemoteError, ConnectionError):
                return
            except Killed:
                hive.start()
                return

    def settle(self, hive: Hive) -> None:
        """Work without trouble until nothing is left to do, then compare everything once more."""
        for _ in range(2):
            hive.start()
            hive.uploader.check_all()
            hive.finish(self.now)
            self.now = Moment(self.now.utc_us, self.now.monotonic + MANIFEST_SECONDS)
            hive.finish(self.now)

    def judge(self, hive: Hive) -> None:
        """All that is here and sound is there, marked, and named by a manifest that is true."""
        assert {one.recording for one in hive.not_uploaded(0, 1000)} <= hive.damaged
        for number, (recording, content) in hive.made.items():
            name = hive.remote_name(number)
            if number in hive.deleted or number in hive.damaged:
                continue
            assert self.far_end.files[name] == content, f"{name} is torn, or another hive's"
            entries = read_manifest(
                hive.uuid, folder_of(name), self.far_end.files[manifest_name(folder_of(name))]
            )
            assert {e.name: e.digests.sha256 for e in entries}[name] == recording.facts.sha256


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where a sync takes no time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_marks_or_deletes_without_proof(memory_folder, part):
    for seed in range(part, HISTORIES, PARTS):
        folder = memory_folder / "history"
        try:
            History(folder, seed).run()
        except Exception as error:
            error.add_note(f"in history {seed}")
            raise
        shutil.rmtree(folder)


def test_a_part_of_a_file_is_never_under_a_final_name_where_files_can_be_moved(memory_folder):
    chance = random.Random(1)
    far_end = FarEnd(chance, can_move=True, hashes=("md5",))
    hive = Hive(memory_folder, UUIDS[0], chance, far_end)
    for _ in range(20):
        hive.record()
    history = History(memory_folder / "other", 0)
    far_end.kills = 0.2
    for _ in range(400):
        history.work(hive, 5)
        whole = {hive.remote_name(n): content for n, (_, content) in hive.made.items()}
        for name, content in far_end.files.items():
            if not name.endswith((PART, ".json")):
                assert content == whole[name]
