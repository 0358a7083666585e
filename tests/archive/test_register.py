"""The Server's hand in the ledger."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.archive.register import Register


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    register = Register(tmp_path)
    yield register
    register.close()


def test_looking_up_does_not_wait_for_a_write(register: Register, tmp_path: Path) -> None:
    job = register.accept("read", "test")
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = threading.Thread(target=register.accept, args=("read", "test"))
    writing.start()
    time.sleep(0.1)  # it waits for the other one by now
    began = time.monotonic()
    assert register.job(job) is not None
    assert time.monotonic() - began < 0.5
    other.execute("ROLLBACK")
    other.close()
    writing.join()
