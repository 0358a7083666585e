"""Words that take long: their priority, their progress on a terminal, and Ctrl-C."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from beemon.base.progress import Progress
from beemon.cli import long_work
from beemon.ledger.ledger import Ledger
from tests import seasons
from tests.hive import Hive, until

READINGS = 200_000
PROJECT = Path(__file__).parents[2]
SECONDS = 60.0
MICROPHONE = '[microphone.brood]\ndriver = "simulated"\n'


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C works as at a terminal, though what runs in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_result_and_the_error_are_those_of_the_work() -> None:
    assert long_work.run(lambda _: 7, "stopped") == 7
    with pytest.raises(ZeroDivisionError):
        long_work.run(lambda _: 1 // 0, "stopped")


def test_work_runs_at_idle_priority_and_its_caller_does_not() -> None:
    def priority(_: Progress) -> int:
        return os.sched_getscheduler(0)

    assert long_work.run(priority, "stopped") == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_work_is_stopped_by_ctrl_c_and_says_what_it_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work(progress: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            progress.tell("working")

    with pytest.raises(KeyboardInterrupt):
        long_work.run(work, "stopped; nothing was changed")
    assert capsys.readouterr().err == "beemon: stopped; nothing was changed\n"


def test_what_is_done_by_the_time_of_ctrl_c_counts() -> None:
    def work(_: Progress) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return 7

    assert long_work.run(work, "stopped") == 7


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that takes some seconds to export or to check."""
    archive = tmp_path_factory.mktemp("long") / "archive"
    seasons.make(archive)
    with closing(Ledger(archive)) as ledger, ledger.transaction():
        ledger.db.execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)"
            " INSERT INTO readings (utc_us, series, value, monotonic_ms, clock, job)"
            " SELECT ? + n * 1000000 + 7, 1, n, n, 'rtc', 1 FROM n", (READINGS, seasons.NOON),
        )
    return archive


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    with Hive(tmp_path_factory.mktemp("hive"), MICROPHONE) as hive:
        yield hive


@contextmanager
def at_terminal(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`beemon` with these words, its errors on a terminal; the process, and the other end."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "beemon", *words], cwd=folder, stderr=theirs,
            stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )
        os.close(theirs)
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read(terminal: int, until: bytes = b"\0") -> bytes:
    """What comes, up to a text or the end."""
    found, deadline = b"", time.monotonic() + SECONDS
    while until not in found and select.select([terminal], [], [], deadline - time.monotonic())[0]:
        try:
            found += os.read(terminal, 4096)
        except OSError:  # the end of a terminal
            break
    return found


EXPORT = ("export", "2026-06-01", "2026-06-10", "--output", "out", "--path")


@pytest.mark.process
def test_progress_is_one_line_and_ctrl_c_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    with at_terminal(tmp_path, *EXPORT, str(archive)) as (process, terminal):
        assert b"of 10 days of readings written" in read(terminal, b"written")
        process.send_signal(signal.SIGINT)
        rest = read(terminal)
        assert process.wait(SECONDS) == 130
    shown, _, said = rest.rpartition(b" \r")
    assert b"\n" not in shown
    assert said == b"beemon: stopped; the unfinished out was deleted\r\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_a_pipe_gets_no_progress(archive: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "beemon", "archive", "check", "--path", str(archive)], cwd=tmp_path,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False,
    )
    assert ended.stderr == ""


@pytest.mark.process
def test_a_wait_at_a_terminal_shows_its_progress_and_then_nothing(
    hive: Hive, tmp_path: Path
) -> None:
    words = ("record", "microphone.brood", "3", "--wait", "--config", str(hive.config))
    with at_terminal(tmp_path, *words) as (process, terminal):
        shown = read(terminal)
        assert process.wait(SECONDS) == 0
    [first, *_, last] = [part.strip() for part in shown.decode().split("\r") if part.strip()]
    assert re.fullmatch(r"job \d+: record microphone\.brood 3, 1 of 3 s", first)
    assert re.fullmatch(r"job \d+: record microphone\.brood 3, \d+ (of 3 )?s", last)
    assert b"\n" not in shown
    assert re.search(rb"\r +\r$", shown)


@pytest.mark.process
def test_ctrl_c_ends_a_wait_and_says_that_the_job_goes_on(hive: Hive, tmp_path: Path) -> None:
    words = ("record", "microphone.brood", "600", "--wait", "--config", str(hive.config))
    with at_terminal(tmp_path, *words) as (process, terminal):
        read(terminal, b" of 600 s")
        process.send_signal(signal.SIGINT)
        rest = read(terminal).decode()
        assert process.wait(SECONDS) == 130
    said = r"\r +\rbeemon: job (\d+) continues; for its outcome: beemon wait \1\r\n$"
    told = re.search(said, rest)
    assert told
    assert hive.do(f"cancel {told[1]}")["outcome"] == "done"


@pytest.mark.process
def test_a_program_gets_no_progress_even_at_a_terminal(hive: Hive, tmp_path: Path) -> None:
    words = ("record", "microphone.brood", "2", "--wait", "--json", "--config", str(hive.config))
    with at_terminal(tmp_path, *words) as (process, terminal):
        assert read(terminal) == b""
        assert process.wait(SECONDS) == 0


def test_what_is_printed_meanwhile_takes_the_place_of_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    with long_work.shown("looking for devices") as line:
        screen.wait_for("looking for devices, 1 s")
        line.say("found one")
        screen.wait_for("looking for devices", after="found one")
    written = screen.getvalue()
    before = written[:written.index("found one")]
    assert re.search(r"\r +\r$", before)
    assert re.search(r"\r +\r$", written)


def test_a_narrow_terminal_shows_the_time_of_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "40")
    with long_work.shown("job 17: record microphone.brood-left 30", 30.0):
        screen.wait_for("\rjob 17: record microphone.b…, 1 of 30 s")
    assert all(len(part) <= 39 for part in re.split("[\r\n]", screen.getvalue()))


class Screen(io.StringIO):
    """A terminal that remembers what was written."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError

    def wait_for(self, text: str, after: str = "") -> None:
        """Return once this text was written."""
        until(lambda: text in self.getvalue().rpartition(after)[2] if after
              else text in self.getvalue())
