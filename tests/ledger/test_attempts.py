"""The starts that did not get far: counted beside the ledger, whatever becomes of that file."""

from __future__ import annotations

from pathlib import Path

from beemon.ledger import attempts
from beemon.ledger.attempts import BEGAN, FAILED, NAME, RENEWED, Attempts


def test_starts_are_counted_until_one_goes_well(tmp_path: Path) -> None:
    assert attempts.earlier(tmp_path) == Attempts(0, 0, renewed=False)
    for word in (BEGAN, FAILED, BEGAN, RENEWED):
        attempts.note(tmp_path, word)
    assert attempts.earlier(tmp_path) == Attempts(2, 1, renewed=True)
    attempts.clear(tmp_path)
    assert attempts.earlier(tmp_path) == Attempts(0, 0, renewed=False)


def test_a_line_after_one_that_was_cut_short_counts(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"fai")
    attempts.note(tmp_path, BEGAN)
    assert attempts.earlier(tmp_path) == Attempts(1, 0, renewed=False)


def test_where_nothing_can_be_written_the_start_goes_on(tmp_path: Path) -> None:
    attempts.note(tmp_path / "gone", BEGAN)
    attempts.clear(tmp_path / "gone")
    (tmp_path / NAME).mkdir()
    attempts.clear(tmp_path)
    assert attempts.earlier(tmp_path) == Attempts(0, 0, renewed=False)
