"""Restarts: what of the starts of the service is a trouble, and in which words."""

from __future__ import annotations

import re

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.ledger.starts import Start
from beemon.server.restarts import Restarts

NOW = Stamp(1_780_000_000_000_000, 100_000.0, Quality.SYNCHRONISED)


def start(why: str, hours_ago: float, boot: str = "boot") -> Start:
    seconds = hours_ago * 3600
    at = Stamp(NOW.utc_us - round(seconds * 1e6), NOW.monotonic - seconds, NOW.quality)
    return Start(at, boot, why)


def restarts(*starts: Start) -> Restarts:
    return Restarts(starts, lambda: NOW, "boot")


@pytest.mark.parametrize("why", ["first", "stop", "reboot"])
def test_a_start_that_was_wanted_is_no_trouble(why):
    found = restarts(start(why, 1))
    assert found.trouble is None
    assert found.count == 0
    assert found.start.why == why


@pytest.mark.parametrize(("why", "said"), [
    ("watchdog", "restarted once in the last 24 hours, most recently by the watchdog at 20"),
    ("crash", "most recently after a crash at 20"),
    ("failure", "most recently after it had failed at 20"),
])
def test_one_restart_that_nobody_wanted_is_a_trouble_for_a_day(why, said):
    trouble = restarts(start("stop", 1), start(why, 23)).trouble
    assert said in trouble.says
    assert re.search(r" at \S+ \d\d:\d\d:\d\d(Z| [+-]\d\d:\d\d)$", trouble.says)
    assert "beemon events 1d start" in trouble.remedy
    assert restarts(start("stop", 1), start(why, 25)).trouble is None


def test_a_crash_loop_is_counted():
    loop = [start("watchdog", n / 60) for n in range(15)]
    assert "restarted 15 times in the last 24 hours, most recently by the watchdog" in (
        restarts(*loop).trouble.says
    )


def test_one_power_cut_is_none_but_several_a_day_are():
    cuts = [start("power-cut", hours, f"boot-{hours}") for hours in (1, 2, 3)]
    assert restarts(cuts[0]).trouble is None
    assert restarts(cuts[0]).count == 1
    assert "power supply" in restarts(*cuts).trouble.remedy


def test_without_a_ledger_nothing_is_known_of_it():
    assert restarts().trouble is None
    assert (restarts().start, restarts().count) == (None, None)
