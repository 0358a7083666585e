"""Power cuts under load lose nothing; and where a sync is taken away, the ground says so."""

import subprocess

import pytest

from tests.grounds.tree import PROJECT

pytestmark = [pytest.mark.ground("powercut"), pytest.mark.timeout(300)]


def cut(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    command = [PROJECT / "scripts/powercut", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_hundred_power_cuts_lose_nothing() -> None:
    run = cut("--states", "200")
    assert run.returncode == 0, run.stderr + run.stdout
    assert run.stdout.startswith("200 states in ")
    assert "4 booted" in run.stdout


def test_a_device_that_flushes_nothing_is_noticed() -> None:
    assert cut("--states", "500", "--first", "--lying").returncode == 1


@pytest.mark.parametrize(
    ("unsynced", "kinds"),
    [
        ("*.part", {"torn file"}),
        ("*/recordings/????-??-??", {"missing file"}),
        ("*/ledger.db-wal", {"lost job", "unknown file"}),
        ("*/ledger.db", {"lost job", "unknown file", "no recovery"}),
    ],
    ids=["recording", "folder", "log", "ledger"],
)
def test_a_sync_that_is_taken_away_is_missed(unsynced: str, kinds: set[str]) -> None:
    run = cut("--states", "500", "--first", "--unsynced", unsynced)
    assert run.returncode == 1, run.stderr + run.stdout
    assert kinds & {line.split(": ")[1] for line in run.stderr.splitlines() if ": " in line}
