"""The facts of a recording: they travel, are added to, and are read from anything stored."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.facts import members, to_json
from beemon.base.recording import LostSamples, RecordingFacts, checked_facts, recording_facts

SOUND = RecordingFacts(
    1_770_000_000_000_000, 12.5, Quality.RTC, 60.0, samples=960000, rate=16000,
    gaps=(LostSamples(5, 100, 3),), findings=("lost: 100 samples",), more={"gain": 3},
)


def test_what_is_known_comes_back_as_it_was_told():
    told = json.loads(json.dumps(to_json(SOUND)))
    assert told["clock"] == "rtc"
    assert told["gaps"] == [{"at": 5, "samples": 100, "uncertainty": 3}]
    assert told["gain"] == 3
    assert "width" not in told
    assert recording_facts(told) == SOUND


def test_nothing_is_told_of_what_nothing_is_known_of():
    assert to_json(RecordingFacts()) == {}
    assert recording_facts({}) == RecordingFacts()


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, "long", [{"at": 1}], 1e300])
@pytest.mark.parametrize("member", members(RecordingFacts), ids=lambda member: member.name)
def test_a_member_of_any_kind_is_read_and_told_again(member, value):
    told = {"rate": 16000, "sampler": "x", member.name: value}
    read = recording_facts(told)
    assert to_json(read) == told
    assert read.rate in (16000, None)


def test_a_member_that_is_not_right_is_not_known():
    read = recording_facts({"seconds": "long", "rate": 16000})
    assert (read.seconds, read.rate, read.more) == (None, 16000, {"seconds": "long"})


def test_who_comes_later_knows_better():
    wrong = recording_facts({"seconds": "long", "frames": 5, "gain": 1})
    later = wrong.and_then(RecordingFacts(seconds=2.5, more={"gain": 2}))
    assert later == RecordingFacts(seconds=2.5, frames=5, more={"gain": 2})


def test_its_start_is_a_time_where_all_of_it_is_known():
    assert SOUND.start == Stamp(1_770_000_000_000_000, 12.5, Quality.RTC)
    with pytest.raises(ValueError, match="when the recording began"):
        _ = replace(SOUND, clock=None).start


def test_what_a_driver_states_is_plain_once_it_is_checked():
    stated = replace(SOUND, clock="rtc", seconds=np.float64(60), gaps=[LostSamples(5, 100, 3)])
    checked = checked_facts(stated)
    assert checked == SOUND
    assert type(checked.seconds) is float
    assert checked_facts(RecordingFacts()) == RecordingFacts()


@pytest.mark.parametrize(
    ("stated", "error", "says"),
    [
        ({"seconds": 1.0}, TypeError, "no RecordingFacts"),
        (None, TypeError, "no RecordingFacts"),
        (replace(SOUND, samples=np.int64(5)), TypeError, "int64"),
        (replace(SOUND, more={"gain": np.float32(5)}), TypeError, "float32"),
        (replace(SOUND, more={"gain": [float("inf")]}), ValueError, '"gain" is .inf., '),
        (replace(SOUND, seconds=float("nan")), ValueError, '"seconds" is nan'),
        (replace(SOUND, start_utc_us=1_770_000_000.0), ValueError, '"start_utc_us"'),
        (replace(SOUND, start_utc_us=2**63), ValueError, "no time"),
        (replace(SOUND, clock="sundial"), ValueError, '"clock"'),
    ],
)
def test_what_the_database_cannot_hold_is_a_defect_of_the_driver(stated, error, says):
    with pytest.raises(error, match=says):
        checked_facts(stated)


@pytest.mark.parametrize("stated", [
    b"\xff" * 9999,
    replace(SOUND, more={"picture": b"\xff" * 9999}),
    replace(SOUND, more={"levels": [float("nan")] * 9999}),
    replace(SOUND, codec=["h264"] * 9999),
])
def test_its_message_is_short_however_much_the_driver_states(stated):
    with pytest.raises((TypeError, ValueError)) as caught:
        checked_facts(stated)
    assert len(str(caught.value)) < 200


def test_each_member_says_what_it_is():
    assert all(member.says for member in members(RecordingFacts))
