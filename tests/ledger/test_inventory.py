"""The inventory: files that nobody accounts for. What a check makes of it is tested there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base.recording import RecordingFacts
from beemon.ledger import inventory
from beemon.ledger import recordings as catalog
from beemon.ledger.inventory import Unknown
from beemon.ledger.ledger import Ledger
from beemon.storage import files


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    ledger.prepare()
    ledger.begin_run()
    yield ledger
    ledger.close()


def file(archive: Path, name: str) -> Path:
    path = archive / files.FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def unknown(ledger: Ledger) -> list[Unknown]:
    return list(inventory.unknown_files(ledger.archive, ledger.db))


def test_unknown_files_come_in_the_order_of_their_names(ledger: Ledger) -> None:
    for name in ("2026-02-01/b", "2026-02-01/a", "2026-01-01/c"):
        file(ledger.archive, name)
    paths = [found.path for found in unknown(ledger)]
    assert paths == [
        "recordings/2026-01-01/c", "recordings/2026-02-01/a", "recordings/2026-02-01/b",
    ]


def test_what_has_a_row_is_known_until_it_is_deleted(ledger: Ledger) -> None:
    path = file(ledger.archive, "2026-01-01/a")
    number = catalog.enter(ledger, 1, "camera.a", path, RecordingFacts(size=0, sha256=""))
    assert unknown(ledger) == []
    catalog.begin_deletion(ledger, number, 1)
    assert unknown(ledger) == []
    catalog.end_deletion(ledger, number, 1)
    assert unknown(ledger) == [Unknown("recordings/2026-01-01/a", is_deleted=True)]


def test_what_a_job_writes_is_known(ledger: Ledger) -> None:
    place = files.find_place(ledger.archive, "hive", "camera.a", ".mp4", 10**15)
    place.temporary.touch()
    [found] = unknown(ledger)
    assert found.is_temporary
    ledger.begin(ledger.accept("record camera.a", "test"), "camera.a", place)
    assert unknown(ledger) == []


def test_a_file_that_goes_meanwhile_is_nothing(ledger: Ledger) -> None:
    file(ledger.archive, "2026-01-01/a")
    last = file(ledger.archive, "2026-01-01/b")
    found = inventory.unknown_files(ledger.archive, ledger.db)
    next(found)
    last.unlink()
    assert list(found) == []


def test_an_archive_without_recordings_has_no_files(ledger: Ledger) -> None:
    assert not inventory.has_files(ledger.archive)
    file(ledger.archive, "2026-01-01/a")
    assert inventory.has_files(ledger.archive)
