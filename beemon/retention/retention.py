"""Retention: the recordings to delete when space is short, in the configured order.

Uploaded recordings are deleted first, the oldest of them first. The others follow in the order of
devices in the config, the oldest of each device first. Recordings that failed their check are last.
The newest recordings of each device are kept, and its newest good ones. So is any recording that is
held (:func:`~beemon.storage.files.hold_file`).

The age of a recording is its number, so a wrong clock does not matter. Recordings that failed their
check have a quota, independently of the free space. A deletion has two steps in the ledger, so that
a half finished one is completed after a power cut.
"""

from __future__ import annotations

import contextlib
import heapq
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from beemon.base.values import value_class
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.retention import pausing
from beemon.storage import files

MOST_AT_ONCE = 100
"""Maximum number of recordings deleted in one transaction."""
BLOCK = 4096  # what a file takes on disk is a multiple of this

_COLUMNS = "recording, device, path, size"
_UPLOADED = (
    f"SELECT {_COLUMNS} FROM recordings"  # noqa: S608  # all constants
    " WHERE uploaded_us IS NOT NULL AND deleting_us IS NULL ORDER BY recording"
)
_GOOD_OF_DEVICE = (
    f"SELECT {_COLUMNS} FROM recordings"  # noqa: S608
    " WHERE device = ? AND deleting_us IS NULL AND verdict <> 'failed' AND uploaded_us IS NULL"
    " ORDER BY recording"
)
_FAILED = (
    f"SELECT {_COLUMNS} FROM recordings"  # noqa: S608
    " WHERE verdict = 'failed' AND deleting_us IS NULL AND uploaded_us IS NULL ORDER BY recording"
)
_EVIDENCE = (
    f"SELECT {_COLUMNS} FROM recordings"  # noqa: S608
    " WHERE verdict = 'failed' AND deleting_us IS NULL ORDER BY recording"
)
_EVIDENCE_SIZE = (
    "SELECT coalesce(sum(size), 0) FROM recordings"
    " WHERE verdict = 'failed' AND deleting_us IS NULL"
)
_NEXT_DEVICE = (
    "SELECT device FROM recordings WHERE device > ? AND deleting_us IS NULL ORDER BY device LIMIT 1"
)
_NEWEST = (
    "SELECT recording FROM recordings WHERE device = ? AND deleting_us IS NULL"
    " ORDER BY recording DESC LIMIT ?"
)
_NEWEST_GOOD = (
    "SELECT recording FROM recordings"
    " WHERE device = ? AND deleting_us IS NULL AND verdict <> 'failed'"
    " ORDER BY recording DESC LIMIT ?"
)


@value_class
class Candidate:
    """A recording that may go; ``path`` is relative to the archive, ``size`` in bytes."""

    recording: int
    device: str
    path: str
    size: int


def candidates(db: sqlite3.Connection, order: Sequence[str], keep: int) -> Iterator[Candidate]:
    """All that may be deleted, what is to go first at first; ``keep`` of each device stay.

    Raises ``sqlite3.Error``.
    """
    devices = list(_devices(db))
    newest = _newest(db, devices, keep)
    for stage in _stages(db, devices, order):
        yield from (found for found in stage if found.recording not in newest)


def surplus_evidence(
    db: sqlite3.Connection, quota: float, keep: int, is_held: Callable[[Candidate], bool]
) -> list[Candidate]:
    """The oldest of the recordings that failed their check, as far as they exceed ``quota`` bytes.

    Raises ``sqlite3.Error``.
    """
    (size,) = db.execute(_EVIDENCE_SIZE).fetchone()
    if size <= quota:
        return []
    newest = _newest(db, _devices(db), keep)
    evidence = map(_candidate, db.execute(_EVIDENCE))
    offered = (found for found in evidence if found.recording not in newest)
    return choose(offered, size - quota, 0, is_held)


def choose(
    offered: Iterable[Candidate],
    bytes_wanted: float,
    inodes_wanted: float,
    is_held: Callable[[Candidate], bool],
) -> list[Candidate]:
    """The first of those offered that free enough space, without those that are held."""
    chosen: list[Candidate] = []
    free = (candidate for candidate in offered if not is_held(candidate))
    for candidate in islice(free, MOST_AT_ONCE):
        if bytes_wanted <= 0 and inodes_wanted <= 0:
            break
        chosen.append(candidate)
        bytes_wanted -= -(-candidate.size // BLOCK) * BLOCK
        inodes_wanted -= 1
    return chosen


def begin_deletion(ledger: Ledger, chosen: Iterable[Candidate]) -> None:
    """Enter that their files are about to go."""
    begin_noted_deletion(ledger, [candidate.recording for candidate in chosen])


def begin_noted_deletion(ledger: Ledger, numbers: Iterable[int]) -> None:
    """The same for recordings of which only the numbers are known."""
    now = ledger.clock.now().utc_us
    for number in numbers:
        catalog.begin_deletion(ledger, number, now)


def remove_files(
    archive: Path, chosen: Iterable[Candidate]
) -> tuple[list[Candidate], OSError | None]:
    """Remove their files, for good; return those that have gone, and what kept another one.

    It may be repeated.
    """
    gone, trouble = [], None
    for folder, inside in _by_folder(archive, chosen).items():
        try:
            for candidate in inside:
                (archive / candidate.path).unlink(missing_ok=True)
            if folder.is_dir():
                files.sync_folder(folder)
        except OSError as error:
            trouble = error
        else:
            gone += inside
    return gone, trouble


def end_deletion(ledger: Ledger, gone: Iterable[Candidate]) -> None:
    """Enter that their files have gone; a day's folder is deleted with the last of them."""
    now = ledger.clock.now().utc_us
    for folder, inside in _by_folder(ledger.archive, gone).items():
        for candidate in inside:
            catalog.end_deletion(ledger, candidate.recording, now)
        if not _is_awaited(ledger, folder):
            with contextlib.suppress(OSError):  # mostly because there is more in it
                folder.rmdir()


def half_done(db: sqlite3.Connection) -> list[Candidate]:
    """The recordings whose deletion began and did not come to its end."""
    return [_candidate(row) for row in catalog.half_deleted(db)]


def _by_folder(archive: Path, chosen: Iterable[Candidate]) -> dict[Path, list[Candidate]]:
    found = defaultdict(list)
    for candidate in chosen:
        found[(archive / candidate.path).parent].append(candidate)
    return found


def _is_awaited(ledger: Ledger, folder: Path) -> bool:
    """Whether a recording is about to be begun in a folder: they are placed by this thread."""
    start = f"{ledger.relative(folder)}/"
    found = ledger.db.execute(
        "SELECT 1 FROM jobs WHERE outcome IS NULL AND substr(temporary, 1, ?) = ?",
        (len(start), start),
    )
    return found.fetchone() is not None


def _stages(
    db: sqlite3.Connection, devices: list[str], order: Sequence[str]
) -> Iterator[Iterator[Candidate]]:
    yield map(_candidate, db.execute(_UPLOADED))
    ranks = {name: pausing.rank(name, order) for name in devices}
    for rank in sorted(set(ranks.values())):
        alike = [name for name in devices if ranks[name] == rank]
        rows = [map(_candidate, db.execute(_GOOD_OF_DEVICE, (name,))) for name in alike]
        yield heapq.merge(*rows, key=lambda candidate: candidate.recording)
    yield map(_candidate, db.execute(_FAILED))


def _newest(db: sqlite3.Connection, devices: Iterable[str], keep: int) -> set[int]:
    return {
        row[0]
        for name in devices
        for newest in (_NEWEST, _NEWEST_GOOD)
        for row in db.execute(newest, (name, keep))
    }


def _devices(db: sqlite3.Connection) -> Iterator[str]:
    """Every device that has a recording: one step through the index for each."""
    name = ""
    while row := db.execute(_NEXT_DEVICE, (name,)).fetchone():
        name = str(row[0])
        yield name


def _candidate(row: sqlite3.Row) -> Candidate:
    return Candidate(row["recording"], row["device"], row["path"], row["size"])
