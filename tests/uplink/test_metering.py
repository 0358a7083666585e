"""Metering: a budget holds for a day, whatever the clock and the power do."""

from __future__ import annotations

import pytest

from beemon.base.clock import Moment
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkSettings

DAY_US = 86_400_000_000
TODAY_US = 20_000 * DAY_US + DAY_US // 2


class Watch:
    """A wall clock that the test sets."""

    def __init__(self) -> None:
        self.utc_us = TODAY_US

    def now(self) -> Moment:
        return Moment(self.utc_us, 0.0)


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def meter(tmp_path, watch):
    return lambda: Meter(tmp_path / "sent.json", UplinkSettings(daily_budget=1000.0), watch)


def test_the_budget_is_anew_each_day(meter, watch):
    one = meter()
    one.count(1000)
    assert not one.may_send()
    watch.utc_us += DAY_US
    assert one.left() == 1000


@pytest.mark.parametrize("wrong_us", [0, 80 * 365 * DAY_US])
def test_a_clock_that_is_wrong_for_a_while_gives_no_second_budget(meter, watch, wrong_us):
    one = meter()
    one.count(900)
    watch.utc_us = wrong_us
    one.count(50)
    watch.utc_us = TODAY_US
    assert one.left() == 100
    one.close()
    assert meter().left() == 100


def test_a_power_cut_forgets_a_small_part_of_the_budget(meter):
    one = meter()
    for _ in range(99):
        one.count(10)
    assert meter().left() <= 60  # of which 10 are right


def test_a_budget_of_nothing_is_not_saved_with_every_message(tmp_path, watch):
    one = Meter(tmp_path / "sent.json", UplinkSettings(daily_budget=0.0), watch)
    for _ in range(100):
        one.count(200)
    assert not one.may_send()
    assert not (tmp_path / "sent.json").exists()
    one.close()
    assert (tmp_path / "sent.json").exists()


@pytest.mark.parametrize("content", [
    "", "{", "[]", '{"days": 5}', '{"days": {"2024-10-04": "x"}}', '{"day": "x", "bytes": 5}',
])
def test_a_damaged_count_begins_again(meter, tmp_path, content):
    (tmp_path / "sent.json").write_text(content)
    assert meter().left() == 1000


def test_a_full_disk_keeps_nothing_from_being_counted(meter, tmp_path, caplog):
    (tmp_path / "sent.json").mkdir()
    one = meter()
    one.count(400)
    assert one.left() == 600
    assert "was not saved" in caplog.text
