"""What the tests of the archive share: a ledger of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.archive.ledger import Ledger, LedgerReader, open_reader
from tests.archive import seasons


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger in which a run has begun."""
    ledger = Ledger(tmp_path)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of everything, for who only reads."""
    archive = tmp_path_factory.mktemp("archive")
    seasons.make(archive)
    return archive


@pytest.fixture
def reader(archive: Path) -> Iterator[LedgerReader]:
    """Who reads that archive."""
    reader = open_reader(archive)
    yield reader
    reader.close()
