"""Pieces of recordings: bounded, of kept files alone, each refusal in words."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from pathlib import Path

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality
from beemon.base.recording import RecordingFacts
from beemon.config.settings import ArchiveSettings, Settings
from beemon.ledger import recordings
from beemon.ledger.reader import ArchiveReader
from beemon.protocol.commands import parse
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import Piece
from beemon.server.latest import LatestState
from beemon.server.pieces import MOST_BYTES
from beemon.server.queries import Queries
from beemon.storage import files

AT_US = 1_780_315_200_000_000
CONTENT = bytes(range(256)) * 500


class Archive:
    """An archive with one recording, and the Server's queries about it."""

    def __init__(self, ledger) -> None:
        self.ledger = ledger
        self.reader = ArchiveReader(ledger.archive)
        settings = Settings(archive=ArchiveSettings(path=ledger.archive))
        self.queries = Queries(LatestState(), lambda: settings, lambda: self.reader)
        with ledger.transaction():
            self.job = ledger.accept("record microphone.a 1", "schedule")
            place = files.find_place(ledger.archive, "h", "microphone.a", ".flac", AT_US)
            place.final.write_bytes(CONTENT)
            self.path: Path = place.final
            ledger.begin(self.job, "microphone.a", place)
            sha256 = hashlib.sha256(CONTENT).hexdigest()
            facts = RecordingFacts(
                AT_US, 1.0, Quality.RTC, 1.0, size=len(CONTENT), sha256=sha256
            )
            self.number = recordings.enter(ledger, self.job, "microphone.a", place.final, facts)
            ledger.end(self.job, outcomes.done(recording=ledger.relative(place.final)))

    def ask(self, text: str) -> Piece:
        found = self.queries.answer(parse(text, []))
        assert isinstance(found, Piece)
        return found

    def refusal(self, offset: int = 0, job: int | None = None) -> tuple[str, str]:
        with pytest.raises(RequestError) as error:
            self.ask(f"piece {job or self.job} {offset}")
        return error.value.code, str(error.value)


@pytest.fixture
def kept(ledger):
    found = Archive(ledger)
    yield found
    found.reader.close()


def test_the_pieces_are_the_file(kept):
    got = b""
    while True:
        piece = kept.ask(f"piece {kept.job} {len(got)}")
        data = base64.b64decode(piece.data, validate=True)
        assert len(data) <= MOST_BYTES
        got += data
        if len(got) == piece.bytes:
            break
    assert got == CONTENT
    assert hashlib.sha256(got).hexdigest() == piece.sha256
    assert kept.path == kept.ledger.archive / piece.recording


def test_at_the_end_of_the_file_a_piece_is_empty_and_behind_it_refused(kept):
    assert kept.ask(f"piece {kept.job} {len(CONTENT)}").data == ""
    code, said = kept.refusal(len(CONTENT) + 1)
    assert code == "bad-argument"
    assert "128000 bytes" in said


def test_a_piece_fits_into_one_reply_of_bounded_length(kept):
    assert len(kept.ask(f"piece {kept.job} 0").data) == 4 * MOST_BYTES // 3 == 64 << 10


def test_a_job_that_there_is_not_has_no_piece(kept):
    assert kept.refusal(job=99)[0] == "unknown-job"


def test_a_job_without_a_recording_says_how_it_ended(kept):
    with kept.ledger.transaction():
        waiting = kept.ledger.accept("record microphone.a 1", "schedule")
        missed = kept.ledger.accept("record microphone.a 1", "schedule")
        kept.ledger.end(missed, outcomes.skipped("low-disk", "no space"))
    assert kept.refusal(job=waiting) == ("no-recording", f"job {waiting} has not ended yet")
    code, said = kept.refusal(job=missed)
    assert code == "no-recording"
    assert "skipped (low-disk)" in said


def test_a_recording_whose_deletion_has_begun_is_not_sent(kept):
    with kept.ledger.transaction():
        recordings.begin_deletion(kept.ledger, kept.number, AT_US + 1)
    code, said = kept.refusal()
    assert code == "no-recording"
    assert "was deleted" in said


@pytest.mark.parametrize("table", ["jobs", "recordings"])
def test_a_damaged_row_is_not_followed(kept, table):
    with kept.ledger.transaction():
        kept.ledger.db.execute(
            f"UPDATE main.{table} SET facts = 'x' WHERE job = ?", (kept.job,)
        )
    assert kept.refusal()[0] == "unreadable"


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "recordings", "a\0b"])
def test_a_path_that_leaves_the_archive_is_refused(kept, path):
    with kept.ledger.transaction():
        kept.ledger.db.execute("UPDATE main.recordings SET path = ?", (path,))
        kept.ledger.db.execute(
            "UPDATE main.jobs SET final = ?1, facts = json_set(facts, '$.recording', ?1)", (path,)
        )
    assert kept.refusal()[0] == "unreadable"


def test_no_link_in_the_archive_is_followed(kept, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    kept.path.unlink()
    kept.path.symlink_to(secret)
    assert kept.refusal()[0] == "unreadable"


def test_no_pipe_in_the_archive_is_waited_for(kept):
    kept.path.unlink()
    os.mkfifo(kept.path)
    assert kept.refusal()[0] == "unreadable"


def test_a_file_that_was_deleted_between_two_pieces_is_missing(kept):
    kept.ask(f"piece {kept.job} 0")
    kept.path.unlink()
    code, said = kept.refusal(MOST_BYTES)
    assert code == "unreadable"
    assert "No such file" in said


def test_a_file_of_another_length_is_refused(kept):
    kept.path.write_bytes(CONTENT[:1000])
    code, said = kept.refusal()
    assert code == "unreadable"
    assert "1000 bytes, but 128000" in said


def test_descriptors_are_closed(kept):
    kept.ask(f"piece {kept.job} 0")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(50):
        kept.ask(f"piece {kept.job} 0")
    kept.path.write_bytes(b"")
    for _ in range(50):
        kept.refusal()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_many_threads_get_the_same_piece(kept):
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.ask(f"piece {kept.job} 7").data))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) == 1


def test_a_job_from_a_damaged_database_has_a_number_below_0_and_can_be_named(kept):
    with kept.ledger.transaction() as ledger:
        for table in ("jobs", "recordings"):
            ledger.db.execute(f"UPDATE {table} SET job = -1 WHERE job = ?", (kept.job,))
    assert kept.queries.answer(parse("job -1", [])).outcome == "done"
    assert parse("wait -1", [])["JOB"] == -1
    assert base64.b64decode(kept.ask("piece -1 0").data) == CONTENT[:MOST_BYTES]
    assert kept.refusal(job=-2)[0] == "unknown-job"
