"""BEEP: never faster than it allows, no value that was not measured, nothing twice."""

from __future__ import annotations

import json

import pytest

from beemon.uplink.contract import Batch, Newest, NotDeliveredError
from beemon.uplink.destinations.beep import MOST_REQUESTS, Beep, Pace, Settings
from tests.uplink.conftest import batch_of, job_of, reading
from tests.uplink.servers import Said

SAVED = Said(201, b'"saved"')


class Watch:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def beep(server, uplink_hive, ledger, tmp_path, watch):
    job_of(ledger, reading(0, 1.0), reading(0, 1.0, "sensor.brood", "temperature", "°C"))
    key = tmp_path / "key"
    key.write_text("the-key\n")
    key.chmod(0o600)
    server.answer = lambda _: SAVED
    settings = Settings(url=f"{server.url}/api/sensors", key_file=key)
    return Beep(settings, uplink_hive, Pace(watch))


def messages(server):
    return [json.loads(asked.body) for asked in server.asked]


def test_the_readings_of_a_second_are_one_message_in_its_units(beep, server):
    brood = reading(0.4, 34.5, "sensor.brood", "temperature", "°C")
    assert beep.deliver(batch_of([reading(0, 41000.0)], [brood])) == 2
    assert messages(server) == [
        {"key": "the-key", "time": 1_780_000_000, "weight_kg": 41.0, "t_i": 34.5}
    ]


def test_a_missing_value_is_left_out_and_never_0(beep, server):
    assert beep.deliver(batch_of([reading(0, None, reason="stuck")], [reading(60, 5.0)])) == 2
    assert [message["weight_kg"] for message in messages(server)] == [0.005]


def test_it_sends_ten_messages_a_minute_and_the_rest_later(beep, server, watch):
    jobs = [[reading(60 * n, float(n))] for n in range(25)]
    assert beep.deliver(batch_of(*jobs)) == MOST_REQUESTS
    seconds = beep.look(None)
    assert 60 <= seconds <= 62
    assert beep.deliver(batch_of(*jobs[10:])) == 0
    watch.seconds += seconds
    assert beep.deliver(batch_of(*jobs[10:])) == MOST_REQUESTS
    watch.seconds += beep.look(None)
    assert beep.deliver(batch_of(*jobs[20:])) == 5
    times = [message["time"] for message in messages(server)]
    assert times == sorted(set(times))
    assert len(times) == 25


def test_a_job_with_more_messages_than_beep_takes_in_a_minute_gets_there(beep, server, watch):
    batch = batch_of([reading(0, 1.0)], [reading(60 + n, float(n)) for n in range(25)])
    assert beep.deliver(batch) == 1
    rest = Batch(batch.archive, batch.records[1:], is_first=False, is_last=True)
    for wanted in (0, 1):
        watch.seconds += beep.look(None)
        assert beep.deliver(rest) == wanted
    times = [message["time"] for message in messages(server)]
    assert len(times) == len(set(times)) == 26


def test_of_messages_that_are_refused_the_earlier_ones_are_acknowledged(beep, server):
    answers = [SAVED, SAVED, Said(500, b'"sensor-write-error"')]
    server.answer = lambda _: answers.pop(0)
    with pytest.raises(NotDeliveredError, match="sensor-write-error") as caught:
        beep.deliver(batch_of(*([reading(60 * n, float(n))] for n in range(5))))
    assert caught.value.acknowledged == 2


@pytest.mark.parametrize("said", [Said(200, b"<html>"), Said(400, b"no key"), Said(401, b"")])
def test_only_saved_is_an_acknowledgement(beep, server, said):
    server.answer = lambda _: said
    with pytest.raises(NotDeliveredError):
        beep.deliver(batch_of([reading(0, 1.0)]))


def test_a_field_of_a_sensor_that_does_not_measure_it_is_told(beep):
    wrong = Settings(url=beep.settings.url, key_file=beep.settings.key_file,
                     fields={"h": "sensor.scale"})
    with pytest.raises(NotDeliveredError, match=r"correct `fields` in \[beep\]"):
        Beep(wrong, beep.hive).deliver(batch_of([reading(0, 1.0)]))


def test_the_newest_readings_are_sent_as_they_are(beep, server):
    beep.show_newest(Newest(tuple(beep.hive.reader.latest()), None))
    assert messages(server) == [
        {"key": "the-key", "time": 1_780_000_000, "t_i": 1.0, "weight_kg": 0.001}
    ]


def test_another_key_is_another_hive_there(beep, tmp_path):
    before = beep.place
    assert beep.place == before
    beep.settings.key_file.write_text("another")
    assert beep.place != before
