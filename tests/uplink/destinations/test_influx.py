"""Influx lines by HTTP: only 204 is an acknowledgement."""

from __future__ import annotations

import pytest

from beemon.uplink.contract import Newest, NotDeliveredError
from beemon.uplink.destinations.influx import MOST_BYTES, Settings, make
from tests.uplink.conftest import batch_of, job_of, reading
from tests.uplink.servers import Said


@pytest.fixture
def influx(server, uplink_hive):
    return make(Settings(url=f"{server.url}/write?db=hives"), uplink_hive)


def test_each_reading_is_a_line_and_a_missing_one_has_its_reason(influx, server):
    batch = batch_of([reading(0, 41000.5)], [reading(60, None, reason="stuck")])
    assert influx.deliver(batch) == 2
    (asked,) = server.asked
    assert asked.path == "/write?db=hives"
    first, second = asked.body.decode().splitlines()
    assert "sensor=sensor.scale" in first
    assert "value=41000.5" in first
    assert "job=1i" in first
    assert first.endswith("1780000000000000000")
    assert 'reason="stuck"' in second
    assert "value" not in second


def test_jobs_without_readings_need_no_request(influx, server):
    assert influx.deliver(batch_of([], [])) == 2
    assert server.asked == []


def test_the_latest_readings_are_the_same_points_as_in_the_history(influx, server, ledger):
    exact = reading(0.000123, 41000.5)
    job_of(ledger, exact)
    influx.show_newest(Newest((), None))
    influx.deliver(batch_of([exact]))
    newest, history = (asked.body.decode().split(" ") for asked in server.asked)
    assert (newest[0], newest[-1]) == (history[0], history[-1])


@pytest.mark.parametrize("said", [
    Said(200, b"<html>Please log in to the hotel's network</html>"), Said(301, b""),
    Said(401, b"no token"), Said(500, b"full"), Said(body=None),
])
def test_another_answer_is_no_acknowledgement(influx, server, said):
    server.answer = lambda _: said
    with pytest.raises(NotDeliveredError, match=r"127.0.0.1"):
        influx.deliver(batch_of([reading(0, 1.0)]))


def test_a_server_that_wants_a_rest_gets_it(influx, server):
    server.answer = lambda _: Said(429, b"slow down", {"Retry-After": "170"})
    with pytest.raises(NotDeliveredError) as caught:
        influx.deliver(batch_of([reading(0, 1.0)]))
    assert caught.value.retry_after == 170


def test_the_token_is_read_at_each_use_and_never_by_everybody(server, uplink_hive, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-secret\n")
    token.chmod(0o640)
    influx = make(Settings(url=server.url, token_file=token), uplink_hive)
    influx.deliver(batch_of([reading(0, 1.0)]))
    assert server.asked[0].headers["Authorization"] == "Token a-secret"
    token.chmod(0o644)
    with pytest.raises(NotDeliveredError, match="chmod"):
        influx.deliver(batch_of([reading(0, 1.0)]))


def test_a_delivery_is_shown_only_if_something_has_arrived(influx, server):
    influx.deliver(batch_of([]))
    assert "far" not in influx._hive._states.seen()
    influx.deliver(batch_of([reading(0, 1.0)]))
    assert influx._hive._states.seen()["far"].delivered


def test_its_bytes_are_counted(influx, server):
    influx.deliver(batch_of([reading(0, 1.0)]))
    assert influx._hive.meter.sent_today == len(server.asked[0].body)


def test_a_large_batch_comes_in_pieces_of_which_each_counts(influx, server):
    batch = batch_of(*([reading(n, float(n))] * 40 for n in range(100)))
    answers = [Said(204), Said(500, b"full")]
    server.answer = lambda _: answers.pop(0)
    with pytest.raises(NotDeliveredError) as caught:
        influx.deliver(batch)
    first = server.asked[0].body
    assert len(first) <= MOST_BYTES
    assert caught.value.acknowledged == first.count(b"\n") / 40 > 0


@pytest.mark.parametrize("status", [400, 422])
def test_readings_that_are_older_than_the_server_keeps_do_not_stop_the_others(
    influx, server, status
):
    said = b'{"error":"partial write: points beyond retention policy dropped=1"}'
    server.answer = lambda _: Said(status, said)
    assert influx.deliver(batch_of([reading(0, 1.0)])) == 1
    server.answer = lambda _: Said(400, b'{"error":"partial write: field type conflict"}')
    with pytest.raises(NotDeliveredError):
        influx.deliver(batch_of([reading(0, 1.0)]))
