"""What the tests of the archive share: a ledger of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.archive.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger in which a run has begun."""
    ledger = Ledger(tmp_path)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
    yield ledger
    ledger.close()
