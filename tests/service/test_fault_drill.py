"""The fault drill: a brief one against the real service, and what it holds to be wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("gpiozero")

from tests.grounds.drill.case import Case, Rig
from tests.grounds.drill.service import Answered, Course
from tests.grounds.drill.verdict import Ledger, judge, judge_good, judge_output, table

PROJECT = Path(__file__).parents[2]
STUCK = Case("freezes", "it stands", "stuck", "errors", lies=("weight",), lag=2.0)
HANGS = Case("hangs", "it never answers", "timeout", "restarts")
CHATTERS = Case("lies", "it chatters", None, None, zero=("count",))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """As much of one as a verdict looks at."""
    db = sqlite3.connect(tmp_path / "ledger.db")
    db.executescript(
        "CREATE TABLE series (series, sensor, quantity);"
        "CREATE TABLE readings (series, value, reason, job);"
        "CREATE TABLE recordings (job, verdict);"
        "CREATE TABLE jobs (job, command, origin, accepted_monotonic, outcome, reason, message);"
        "INSERT INTO series VALUES (1, 'sensor.a', 'weight'), (2, 'sensor.a', 'count');"
    )
    db.close()
    return Ledger(tmp_path)


def enter(ledger: Ledger, *statements: str) -> None:
    db = sqlite3.connect(ledger._path)
    db.executescript(";".join(statements))
    db.close()


def answer(asked: float, seconds: float, reason: str | None, job: int = 1) -> Answered:
    outcome = {"outcome": "failed", "reason": reason} if reason else {"outcome": "done"}
    return Answered(asked, asked + seconds, {"job": job, **outcome})


def course(case: Case, *under: Answered, tier: str | None = None, well: float = 2.0,
           device: str = "sensor.a") -> Course:
    """A case that began at 100 s, whose fault was taken away at 110 s."""
    counted = {tier: 1} if tier else {}
    return Course(
        Rig(device, "a driver", "", []), case, 100.0, 110.0, 110.0 + well, list(under), [], counted
    )


def wrong(ledger: Ledger, case: Case, *under: Answered, **more: object) -> list[str]:
    return judge(course(case, *under, **more), ledger, "5 of 5").wrong  # type: ignore[arg-type]


@pytest.mark.ground("alsa")
@pytest.mark.timeout(300)
def test_the_brief_drill_finds_nothing_wrong() -> None:
    drill = subprocess.run(
        [sys.executable, "-m", "tests.grounds.drill", "--brief"],
        cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False,
    )
    assert drill.returncode == 0, drill.stdout + drill.stderr
    assert "0 not as it should be" in drill.stdout
    assert "WRONG" not in drill.stdout


def test_a_row_tells_the_reason_the_tier_and_the_times(ledger: Ledger) -> None:
    row = judge(course(HANGS, answer(101, 2, "timeout"), tier="restarts"), ledger, "5 of 5")
    assert row.wrong == []
    assert row.cells == [
        "a driver", "hangs", "it never answers", "timeout", "restarts", "3.0 s", "2.0 s", "5 of 5",
    ]
    assert table(("driver",) * 8, [row]).splitlines()[1].startswith("a driver  hangs ")


def test_another_reason_or_tier_is_wrong(ledger: Ledger) -> None:
    expected = ["expected timeout and restarts"]
    assert wrong(ledger, HANGS, answer(101, 2, "io-error"), tier="restarts") == expected
    assert wrong(ledger, HANGS, answer(101, 2, "timeout"), tier="errors") == expected


def test_what_comes_too_late_is_wrong(ledger: Ledger) -> None:
    late = answer(101, 9, "timeout")
    assert wrong(ledger, HANGS, late, tier="restarts") == ["noticed too late"]
    slow = wrong(ledger, HANGS, answer(101, 2, "timeout"), tier="restarts", well=61.0)
    assert slow == ["well again too late"]


def test_a_value_under_a_fault_was_made_up_unless_it_cannot_be_known_yet(ledger: Ledger) -> None:
    enter(ledger, "INSERT INTO readings VALUES (1, 5.0, NULL, 1), (1, NULL, 'stuck', 2)",
          "INSERT INTO readings VALUES (2, 5.0, NULL, 2)")
    stuck = answer(103, 0.1, "partly", job=2)
    assert wrong(ledger, STUCK, answer(101, 0.1, None), stuck, tier="errors") == []
    assert wrong(ledger, STUCK, answer(102.5, 0.1, None), stuck, tier="errors") == [
        "weight had a value",
    ]


def test_a_fault_that_cannot_be_told_may_not_be_counted(ledger: Ledger) -> None:
    enter(ledger, "INSERT INTO readings VALUES (2, 0.0, NULL, 1), (2, 3.0, NULL, 2)")
    assert wrong(ledger, CHATTERS, answer(101, 0.1, None)) == []
    assert wrong(ledger, CHATTERS, answer(101, 0.1, None, job=2)) == ["count was 3"]


def test_a_recording_of_a_lie_may_not_count(ledger: Ledger) -> None:
    enter(ledger, "INSERT INTO recordings VALUES (1, 'failed'), (2, 'good')")
    case = Case("lies", "grey", "check-failed")
    failed = answer(101, 1, "check-failed")
    assert wrong(ledger, case, failed, tier="reopened", device="camera.a") == []
    good = answer(101, 1, "check-failed", job=2)
    told = wrong(ledger, case, good, tier="reopened", device="camera.a")
    assert told == ["its recording counted as good"]


def test_a_good_device_may_lose_no_slot_and_no_value(ledger: Ledger) -> None:
    slots = [f"({n}, 'read sensor.a', 'schedule', {100 + 5 * n}, 'done', NULL, NULL)"
             for n in range(3)]
    enter(ledger, f"INSERT INTO jobs VALUES {', '.join(slots)}",
          "INSERT INTO readings VALUES (1, 5.0, NULL, 0), (1, 5.0, NULL, 1), (1, NULL, 'crc', 2)")
    assert judge_good("sensor.a", ledger, 99.0, 106.0).wrong == []
    assert judge_good("sensor.a", ledger, 99.0, 111.0).wrong == ["lost: crc"]
    assert "a slot is missing" in judge_good("sensor.a", ledger, 90.0, 106.0).wrong


def test_a_good_output_does_what_it_is_asked() -> None:
    assert judge_output("output.a", [answer(1, 0.1, None)]).wrong == []
    assert judge_output("output.a", [answer(1, 0.1, "timeout")]).wrong == ["lost: timeout"]
