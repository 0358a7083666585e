"""The clock: two kinds of time, and how far the wall clock can be believed."""

from __future__ import annotations

import re
import subprocess
import time

import pytest

from beemon.base import clock
from beemon.base.clock import ClockWatch, Quality, Stamp


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


def unknown() -> int | None:
    return None


def rtc(machine, took_it="1\n", tells=None):
    machine("sys/class/rtc/rtc0/hctosys", took_it)
    return machine("sys/class/rtc/rtc0/since_epoch", f"{round(tells or time.time())}\n")


def test_a_clock_that_nothing_vouches_for_is_unsure(tmp_path):
    assert clock.quality(tmp_path, unknown) is Quality.UNSURE


def test_a_battery_clock_vouches_when_the_kernel_took_the_time_from_it(machine):
    assert clock.quality(rtc(machine), unknown) is Quality.RTC


def test_a_battery_clock_that_the_kernel_did_not_ask_vouches_for_nothing(machine):
    assert clock.quality(rtc(machine, "0\n"), unknown) is Quality.UNSURE


@pytest.mark.parametrize(
    "wrong", [946_684_800, time.time() - 30 * 86400, time.time() + 3 * 86400],
    ids=["2000", "a month behind", "three days ahead"],
)
def test_a_battery_clock_with_an_empty_battery_vouches_for_nothing(machine, wrong):
    assert clock.quality(rtc(machine, tells=wrong), unknown) is Quality.UNSURE


def test_a_time_server_vouches_above_all(machine):
    rtc(machine)
    root = machine("run/systemd/timesync/synchronized", "")
    assert clock.quality(root, unknown) is Quality.SYNCHRONISED


@pytest.mark.parametrize(
    ("error_us", "quality"),
    [(0, Quality.SYNCHRONISED), (15_999_999, Quality.SYNCHRONISED),
     (16_000_000, Quality.UNSURE), (None, Quality.UNSURE)],
)
def test_what_keeps_the_time_vouches_by_what_it_told_the_kernel(tmp_path, error_us, quality):
    assert clock.quality(tmp_path, lambda: error_us) is quality


def test_an_operators_word_is_more_than_a_battery_clock_and_less_than_a_server(
    machine, tmp_path, monkeypatch
):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    rtc(machine)
    assert clock.believe(clock.now()) in (Quality.TOLD, Quality.SYNCHRONISED)
    assert clock.quality(tmp_path, unknown) is Quality.TOLD
    assert clock.quality(tmp_path, lambda: 0) is Quality.SYNCHRONISED


def test_no_word_makes_the_past_right(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    with pytest.raises(ValueError, match=r"1970-01-01T00:01:00\.000Z: set it first"):
        clock.believe(clock.Moment(60_000_000, 60.0))
    assert not list(tmp_path.iterdir())


def test_an_operators_word_needs_the_unit_to_keep_it_in(monkeypatch):
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    with pytest.raises(ValueError, match="without its unit"):
        clock.believe(clock.now())


def test_the_kernel_of_this_machine_says_how_wrong_its_clock_may_be():
    error = clock.kernel_error_us()
    assert error is not None
    assert 0 <= error <= 16_000_000


def test_this_machine_has_some_quality():
    assert clock.quality() in Quality
    assert clock.MACHINE.stamp().quality is clock.quality()
    assert clock.MACHINE.boot_id() == clock.boot_id()


# The watch

def stamp(utc_seconds: float, monotonic: float, quality: Quality = Quality.UNSURE) -> Stamp:
    return Stamp(round(utc_seconds * 1e6), monotonic, quality)


def test_a_clock_that_runs_gives_the_watch_nothing_to_say():
    watch = ClockWatch(stamp(1000, 10))
    assert watch.find_change(stamp(1001, 11)) is None
    assert watch.find_change(stamp(4601.9, 3611)) is None  # slewed, not set


@pytest.mark.parametrize("jump", [-3e7, -1.0, 1.0, 1.6e9])
def test_a_clock_that_was_set_is_noticed_once(jump):
    watch = ClockWatch(stamp(1.7e9, 10))
    change = watch.find_change(stamp(1.7e9 + 1 + jump, 11))
    assert change is not None
    assert change.seconds == jump
    assert not change.made_sure
    assert watch.find_change(stamp(1.7e9 + 2 + jump, 12)) is None


def test_a_clock_that_becomes_right_is_noticed_set_or_not():
    watch = ClockWatch(stamp(1000, 10))
    change = watch.find_change(stamp(1001, 11, Quality.SYNCHRONISED))
    assert change is not None
    assert (change.made_sure, change.seconds) == (True, 0.0)
    assert watch.find_change(stamp(1002, 12, Quality.SYNCHRONISED)) is None


def test_a_battery_clock_that_a_time_server_confirms_was_right_before():
    watch = ClockWatch(stamp(1000, 10, Quality.RTC))
    change = watch.find_change(stamp(1001, 11, Quality.SYNCHRONISED))
    assert change is not None
    assert not change.made_sure


@pytest.mark.process
def test_the_boot_id_is_the_kernels():
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", clock.boot_id())
    kernels = subprocess.run(
        ["cat", "/proc/sys/kernel/random/boot_id"], capture_output=True, text=True, check=True
    )
    assert clock.boot_id() == kernels.stdout.strip()
