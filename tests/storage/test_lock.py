"""The lock on the archive, against a real second process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beemon.storage.lock import ArchiveBusyError, ArchiveLock, holder

PROJECT = Path(__file__).parents[2]
TAKE = """
import sys
from pathlib import Path
from beemon.storage.lock import ArchiveLock
try:
    lock = ArchiveLock(Path(sys.argv[1]))
except OSError as error:
    print(error, flush=True)
    sys.exit(1)
print("taken", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(archive: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that tries to take the archive, says how it went, and waits."""
    arguments = [sys.executable, "-c", TAKE, str(archive)]
    with subprocess.Popen(
        arguments, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.process
def test_a_second_process_cannot_take_the_archive_and_is_told_who_has_it(tmp_path):
    with ArchiveLock(tmp_path), another_process(tmp_path) as second:
        said = second.stdout.readline()
    assert said.startswith(
        f"the archive {tmp_path} is in use by another beemon (process {os.getpid()}); "
    )


@pytest.mark.process
def test_a_killed_process_lets_go_at_once(tmp_path):
    with another_process(tmp_path) as first:
        assert first.stdout.readline() == "taken\n"
        with pytest.raises(ArchiveBusyError, match=f"process {first.pid}"):
            ArchiveLock(tmp_path)
        first.kill()
        first.wait()
        ArchiveLock(tmp_path).close()


def test_the_refused_one_takes_nothing_from_the_holder(tmp_path):
    with ArchiveLock(tmp_path):
        for _ in range(2):
            with pytest.raises(ArchiveBusyError, match=f"process {os.getpid()}"):
                ArchiveLock(tmp_path)


def test_a_lock_that_was_closed_can_be_taken_again(tmp_path):
    ArchiveLock(tmp_path).close()
    with ArchiveLock(tmp_path):
        pass


def test_the_archive_is_made_where_there_is_none(tmp_path):
    with ArchiveLock(tmp_path / "new" / "archive"):
        assert (tmp_path / "new" / "archive").is_dir()


def test_an_archive_that_cannot_be_made_is_an_error_of_the_system(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        ArchiveLock(tmp_path / "file" / "archive")


def test_a_lock_file_without_a_name_in_it_still_locks(tmp_path):
    with ArchiveLock(tmp_path):
        (tmp_path / "lock").write_text("")
        with pytest.raises(ArchiveBusyError, match="process unknown"):
            ArchiveLock(tmp_path)


@pytest.mark.process
def test_who_holds_the_archive_can_be_asked_without_taking_it(tmp_path):
    assert holder(tmp_path) is None
    with another_process(tmp_path) as service:
        service.stdout.readline()
        assert holder(tmp_path) == service.pid
        assert holder(tmp_path) == service.pid
    assert holder(tmp_path) is None


def test_a_lock_that_was_never_written_in_is_held_by_nobody(tmp_path):
    (tmp_path / "lock").touch()
    assert holder(tmp_path) is None
