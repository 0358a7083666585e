"""The clock: two kinds of time, and how far the wall clock can be believed."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon import clock
from beemon.clock import Quality


def test_a_moment_is_the_same_instant_on_both_clocks():
    before = time.time(), time.monotonic()
    moment = clock.now()
    after = time.time(), time.monotonic()
    assert before[0] - 0.001 <= moment.utc_us / 1e6 <= after[0] + 0.001
    assert before[1] <= moment.monotonic <= after[1]


@pytest.fixture
def machine(tmp_path):
    """The root of a machine's files, with nothing in it yet."""

    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return tmp_path

    return write


def test_a_clock_that_nothing_vouches_for_is_unsure(tmp_path):
    assert clock.quality(tmp_path) is Quality.UNSURE


@pytest.mark.parametrize(("mark", "quality"), [("1\n", Quality.RTC), ("0\n", Quality.UNSURE)])
def test_a_battery_clock_vouches_when_the_kernel_took_the_time_from_it(machine, mark, quality):
    assert clock.quality(machine("sys/class/rtc/rtc0/hctosys", mark)) is quality


def test_a_time_server_vouches_above_all(machine):
    machine("sys/class/rtc/rtc0/hctosys", "0\n")
    root = machine("run/systemd/timesync/synchronized", "")
    assert clock.quality(root) is Quality.SYNCHRONISED


def test_this_machine_has_some_quality():
    assert clock.quality() in Quality


def test_the_boot_id_is_the_kernels():
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", clock.boot_id())
    kernels = subprocess.run(
        ["cat", "/proc/sys/kernel/random/boot_id"], capture_output=True, text=True, check=True
    )
    assert clock.boot_id() == kernels.stdout.strip()


def test_a_time_reads_as_utc_with_milliseconds():
    assert clock.iso(1_780_315_200_000_000) == "2026-06-01T12:00:00.000Z"
    assert clock.iso(0) == "1970-01-01T00:00:00.000Z"


@given(st.integers(0, 4_102_444_800_000))
def test_no_millisecond_is_lost_or_won(milliseconds):
    moment = datetime.fromisoformat(clock.iso(milliseconds * 1000))
    assert moment.tzinfo == UTC
    assert round(moment.timestamp() * 1000) == milliseconds
