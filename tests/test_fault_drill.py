"""The fault drill: a brief one against the real service, and what it holds to be wrong."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent
DRILL = runpy.run_path(str(PROJECT / "scripts/drill.py"))


def course(device, *answers):
    """A device's requests, each as (seconds until its answer, reason or None)."""
    now, found = 0.0, DRILL["Course"](device)
    for seconds, reason in answers:
        job = {"outcome": "failed", "reason": reason} if reason else {"outcome": "done"}
        found.answers.append(DRILL["Answered"](now, now + seconds, job))
        now += seconds
    return found


GOOD = (0.1, None)
RESTARTED = {"recovery": {"restarts": 1}}


def judged(*answers, health=RESTARTED):
    return DRILL["judge"](course("sensor.hang", GOOD, GOOD, *answers), health)


def test_the_brief_drill_finds_nothing_wrong_and_keeps_to_its_time():
    drill = subprocess.run(
        [sys.executable, "scripts/drill.py", "--brief"],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False,
    )
    assert drill.returncode == 0, drill.stdout + drill.stderr
    assert "5 faults in" in drill.stdout
    assert "WRONG" not in drill.stdout


def test_a_row_tells_the_reason_the_tier_and_the_times():
    row, wrong = judged((2.0, "timeout"), (1.5, "back-off"), (0.5, None))
    assert row == ["sensor.hang", "hang", "timeout", "restarts", "2.0 s", "1.5 s", "2.0 s"]
    assert wrong == []


def test_what_does_not_hold_is_wrong():
    back = ((0.5, "back-off"), (0.5, None))
    assert judged()[1] == ["the fault did not show"]
    assert judged((2.0, "device-error"), *back)[1] == ["expected timeout and restarts"]
    assert judged((2.0, "timeout"), *back, health={})[1] == ["expected timeout and restarts"]
    assert judged((5.1, "timeout"), *back)[1] == ["noticed too late"]
    assert judged((2.0, "timeout"), (4.1, "back-off"), GOOD)[1] == ["asked again too late"]
    assert judged((2.0, "timeout"), (15.1, None))[1] == ["recovered too late"]
    assert "recovered too late" in judged((2.0, "timeout"), (1.0, "back-off"))[1]


def test_a_good_device_may_neither_fail_nor_wait():
    judge = DRILL["judge_good"]
    assert judge(course("camera.good", (9.0, None), GOOD, GOOD))[1] == []
    assert judge(course("camera.good", GOOD, GOOD, (5.1, None)))[1] == ["delayed too long"]
    assert judge(course("camera.good", GOOD, GOOD, (1, "timeout")))[1] == ["failed: timeout"]
    assert judge(course("sensor.good", GOOD, GOOD, (8, "worker-died")))[1] == ["delayed too long"]
    assert judge(course("sensor.good", GOOD))[1] == ["hardly ever worked"]
