"""The archive of this run: what is refused while it is shut, and what is said of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from beemon.config.settings import ArchiveSettings, Settings
from beemon.ledger import quarantine
from beemon.ledger.session import ArchiveSession
from beemon.protocol.lines import RequestError
from beemon.server.archive import ArchiveInUse
from beemon.server.in_force import ConfigInForce
from beemon.server.latest import LatestState


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveInUse]:
    settings = Settings(archive=ArchiveSettings(path=tmp_path / "archive"))
    board = LatestState()
    with closing(ArchiveSession(settings.archive_path)) as session:
        yield ArchiveInUse(session, ConfigInForce(settings, board), board)


def test_while_it_cannot_be_opened_every_question_is_refused(
    archive: ArchiveInUse, tmp_path: Path
) -> None:
    (tmp_path / "archive").write_text("no folder")
    trouble = archive.open()
    assert trouble is not None
    assert archive.why_shut() == trouble
    for use in (archive.opened, archive.reader):
        with pytest.raises(RequestError) as refused:
            use()
        assert refused.value.code == "no-ledger"
    (tmp_path / "archive").unlink()
    assert archive.open() is None
    assert archive.reader().jobs(9) == []


def test_only_damage_is_a_reason_to_begin_again(archive: ArchiveInUse, tmp_path: Path) -> None:
    archive.open()
    assert not archive.give_up(sqlite3.OperationalError("the disk is full"))
    assert quarantine.marked(tmp_path / "archive") is None


def test_an_archive_that_was_never_away_is_not_back(archive: ArchiveInUse) -> None:
    archive.open()
    assert not archive.is_known_back(0.0)
