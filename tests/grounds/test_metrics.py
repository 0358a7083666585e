"""The metrics, as Prometheus' own tool judges them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from beemon.base.status import DeviceState
from beemon.formats.prometheus import UNITS, describe
from beemon.protocol.replies import ReadingFacts
from tests.grounds.container import RELEASES
from tests.grounds.tree import tree
from tests.web.asking import ask, options_for

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(600)]

STATUS = {
    "state": "healthy", "hive": 'a "hive"\n', "version": "1.0", "uptime_seconds": 7.5,
    "heartbeat_age_seconds": 0.2, "waiting": 2, "troubles": [], "free_bytes": 10**9,
    "restarts_last_day": 0,
    "devices": {
        f"sensor.{state}": {"state": state.value, "last_good_age_seconds": 60.0}
        for state in DeviceState
    },
}


def judge(release: str, metrics: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["chroot", tree(release, ("prometheus",)), "promtool", "check", "metrics"],
        input=metrics, capture_output=True, text=True, check=False,
    )


@pytest.mark.parametrize("release", RELEASES)
def test_promtool_finds_no_fault_with_any_metric(
    release: str, archive: Path, tmp_path: Path
) -> None:
    readings = [
        ReadingFacts("sensor.a", f"q{number}", "2026-06-01T12:00:00.000Z", unit, 1.5,
                     uncertainty=0.5)
        for number, unit in enumerate([*UNITS, "", "mV/V"])
    ]
    missing = ReadingFacts("sensor.a", "gone", "2026-06-01T12:00:00.000Z", "g", reason="stuck")
    everything = "".join(describe(STATUS, [*readings, missing], 1.8e9))
    [served] = ask(options_for(archive, tmp_path), "/metrics")
    for text in (everything, served.body.decode()):
        found = judge(release, text)
        assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_promtool_finds_faults(tmp_path: Path) -> None:
    text = "# HELP weight_kilograms x\n# TYPE weight_kilograms gauge\nweight_kilograms 1\n"
    assert judge("trixie", text).returncode != 0
