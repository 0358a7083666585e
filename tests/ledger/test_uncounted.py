"""Uncounted videos: which are still to be counted, and what is entered about each."""

from __future__ import annotations

from contextlib import closing

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.ledger import readings, uncounted
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import open_reader
from beemon.ledger.uncounted import AT_ONCE, Bees

CAMERA = "camera.entrance"
NOON_US = 1_780_000_000_000_000
HOUR_US = 3_600_000_000
BEES = Bees(3.25, 60, 4)


def record(ledger, hour, device=CAMERA, suffix="mp4", **facts):
    start_us = NOON_US + round(hour * HOUR_US)
    whole = {"start_monotonic": 3600.0 * hour + 9000, "seconds": 10.0, "clock": "rtc", **facts}
    with ledger.transaction():
        job = ledger.accept(f"record {device}", "test")
        return catalog.enter(
            ledger, job, device, ledger.archive / f"recordings/{device}-{hour}.{suffix}",
            RecordingFacts(start_us, size=9, sha256="ab", **whole),
        )


def newest(ledger, hours=(0, 24), cameras=(CAMERA,), longest=120.0):
    from_us, until_us = (NOON_US + hour * HOUR_US for hour in hours)
    return uncounted.find_newest(ledger.db, cameras, from_us, until_us, longest)


def enter(ledger, video, bees):
    with ledger.transaction():
        uncounted.enter(ledger, video, bees)


def give_up(ledger, hours=(0, 24)):
    with ledger.transaction():
        return uncounted.give_up(ledger, [CAMERA], *(NOON_US + hour * HOUR_US for hour in hours))


def entered(ledger):
    found = ledger.db.execute(
        "SELECT quantity, value, reason, quality, uncertainty, utc_us, job, clock, unit"
        " FROM readings JOIN series USING (series) ORDER BY utc_us, quantity"
    )
    return [tuple(row) for row in found]


def test_the_newest_video_comes_first_until_it_is_counted(ledger):
    first, second = record(ledger, 1), record(ledger, 2)
    assert newest(ledger).number == second
    enter(ledger, newest(ledger), BEES)
    assert newest(ledger).number == first
    enter(ledger, newest(ledger), None)
    assert newest(ledger) is None


@pytest.mark.parametrize("facts", [
    {"device": "camera.other"},
    {"suffix": "jpg"},
    {"verdict": "failed"},
    {"clock": "unsure"},
    {"seconds": 121.0},
    {"hour": 25},
    {"hour": -1},
])
def test_what_is_not_to_be_counted_is_not_found(ledger, facts):
    record(ledger, **{"hour": 1, **facts})
    assert newest(ledger) is None


def test_a_deleted_video_is_neither_found_nor_entered(ledger):
    number = record(ledger, 1)
    video = newest(ledger)
    with ledger.transaction():
        catalog.begin_deletion(ledger, number, NOON_US)
    assert newest(ledger) is None
    enter(ledger, video, BEES)
    assert give_up(ledger) == 0
    assert entered(ledger) == []


def test_the_bees_are_readings_of_the_videos_beginning(ledger):
    record(ledger, 1)
    enter(ledger, newest(ledger), BEES)
    of_video = (NOON_US + HOUR_US, 1, "rtc", "")
    assert entered(ledger) == [
        ("bees", 3.25, None, None, None, *of_video),
        ("bees_in", 4.0, None, "estimated", 1.0, *of_video),
        ("bees_out", 60.0, None, "estimated", 3.0, *of_video),
    ]


def test_a_video_that_was_not_counted_has_a_reason(ledger):
    record(ledger, 1)
    enter(ledger, newest(ledger), None)
    assert {row[:3] for row in entered(ledger)} == {
        (quantity, None, "not-counted") for quantity in ("bees", "bees_in", "bees_out")
    }


def test_an_older_video_that_is_counted_later_does_not_become_the_latest(ledger, tmp_path):
    for hour in (1, 2):
        record(ledger, hour)
    enter(ledger, newest(ledger), BEES)
    enter(ledger, newest(ledger), Bees(9.0, 0, 0))
    with closing(open_reader(tmp_path)) as reader:
        values = {one.quantity: one.value for one in readings.latest(reader.db)}
    assert values == {"bees": 3.25, "bees_out": 60.0, "bees_in": 4.0}


def test_another_reading_at_the_same_moment_counts_no_video(ledger):
    number = record(ledger, 1)
    at = Stamp(NOON_US + HOUR_US, 1.0, Quality.RTC)
    with ledger.transaction():
        others = [Reading(CAMERA, "motion", "", 3.0, None, at),
                  Reading("camera.other", "bees", "", 3.0, None, at)]
        readings.keep(ledger, 1, others)
        readings.keep(ledger, 77, [Reading(CAMERA, "bees", "", 3.0, None, at)])
    assert newest(ledger).number == number
    enter(ledger, newest(ledger), BEES)
    assert newest(ledger) is None


def test_old_videos_are_given_up_some_at_a_time_however_long_they_are(ledger):
    for number in range(AT_ONCE + 2):
        record(ledger, number / 100, seconds=3600.0)
    counted = record(ledger, 5)
    enter(ledger, newest(ledger), BEES)
    assert [give_up(ledger) for _ in range(3)] == [AT_ONCE, 2, 0]
    reasons = [row[2] for row in entered(ledger) if row[0] == "bees"]
    assert reasons == ["not-counted"] * (AT_ONCE + 2) + [None]
    assert counted == AT_ONCE + 3
