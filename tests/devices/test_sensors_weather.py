"""The weather from files and servers: values where all is well, and a reason for everything else.

The answers have the shapes of a WeatherLink Live, of WeeWX's JSON and of Open-Meteo; the servers
are real ones on loopback.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from beemon.config import settings
from beemon.devices import load
from beemon.devices._base import DeviceError, Measurement, Refusal
from beemon.devices.ask import resolve_devices
from tests.devices.contracts import SensorContract
from tests.uplink.servers import Said, far_server

FIELDS = {"temperature": "data.conditions.0.temp", "humidity": "data.conditions.0.hum"}


def station(**more) -> dict:
    """A WeatherLink Live's answer, of this minute."""
    outside = {"data_structure_type": 1, "temp": 63.7, "hum": 52.2, "wind_speed_last": 10, **more}
    inside = {"data_structure_type": 4, "temp_in": 78.0}
    return {"data": {"did": "1", "ts": int(time.time()), "conditions": [outside, inside]},
            "error": None}


def model(**more) -> dict:
    """Open-Meteo's answer, of this quarter of an hour."""
    return {
        "latitude": 36.2, "longitude": -81.7, "elevation": 980.0,
        "current_units": {"time": "unixtime", "interval": "seconds", "temperature_2m": "°C"},
        "current": {
            "time": int(time.time()) // 900 * 900, "interval": 900, "temperature_2m": 24.8,
            "relative_humidity_2m": 58, "surface_pressure": 903.4, "precipitation": 0.2,
            "wind_speed_10m": 3.11, "wind_direction_10m": 245, "shortwave_radiation": 303.7, **more,
        },
    }


@pytest.fixture
def server():
    with far_server() as server:
        server.answer = lambda _: Said(200, json.dumps(station()).encode())
        yield server


def weather(source, **options):
    table = {"driver": "weather", "source": str(source), "fields": FIELDS, **options}
    device = load("sensor", "sensor.weather", {k: v for k, v in table.items() if v is not None})
    device.open()
    return device


def values(said) -> dict[str, float]:
    return {one.quantity: one.value for one in said if isinstance(one, Measurement)}


def refused(device) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        device.read()
    return caught.value


class TestWeather(SensorContract):
    @pytest.fixture
    def device(self, server):
        return load("sensor", "sensor.weather", {
            "driver": "weather", "source": f"{server.url}/v1", "fields": FIELDS,
            "units": {"temperature": "°F"}, "time": "data.ts",
        })


def test_a_station_is_read_in_beemons_units(server):
    fields = {**FIELDS, "wind_speed": "data.conditions.0.wind_speed_last"}
    device = weather(server.url, fields=fields, time="data.ts",
                     units={"temperature": "°F", "wind_speed": "mph"})
    said = device.read()
    assert values(said) == {
        "temperature": pytest.approx(17.611, abs=0.001), "humidity": 52.2, "wind_speed": 4.4704,
    }
    assert {(one.unit, one.quality) for one in said} == {
        ("°C", "good"), ("%", "good"), ("m/s", "good"),
    }


def test_the_values_of_a_model_are_marked(server):
    device = weather(server.url, modelled=True, units={"temperature": "°F"})
    assert {one.quality for one in device.read()} == {"modelled"}


def test_open_meteo_gets_a_rounded_position_and_no_other_data(server):
    server.answer = lambda _: Said(200, json.dumps(model()).encode())
    device = weather("open-meteo", fields=None, latitude=36.2168, longitude=-81.6746,
                     server=f"{server.url}/v1/forecast")
    said = device.read()
    assert values(said) == {
        "temperature": 24.8, "humidity": 58.0, "pressure": 90340.0, "rain_rate": 0.8,
        "wind_speed": 3.11, "wind_direction": 245.0, "radiation": 303.7,
    }
    assert {one.quality for one in said} == {"modelled"}
    (asked,) = server.asked
    position = "latitude=36.2&longitude=-81.7"
    assert asked.path.startswith(f"/v1/forecast?{position}&current=temperature_2m,")
    assert "36.21" not in str(asked)
    assert {*asked.headers} <= {"Host", "Accept-Encoding", "Content-Length"}


def test_nothing_is_asked_before_a_reading(server):
    weather(server.url).close()
    assert server.asked == []


@pytest.mark.parametrize(("content", "fields"), [
    ('{"dateTime": 1, "outTemp": 12.5, "outHumidity": 80}',
     {"temperature": "outTemp", "humidity": "outHumidity"}),
    ('{"current": {"temp.out": "12.5 °C"}, "hum": ["80%"]}',
     {"temperature": "current.temp.out", "humidity": "hum.0"}),
    ("\ufefftime;T out;H\n10:00;11,0;70\n10:05;12,5;80\n",
     {"temperature": "T out", "humidity": "H"}),
    ("time,t,h\n10:00,12.5,80\n10:05,13", {"temperature": "t", "humidity": "h"}),
    ("time,t,h\n10:00,12.5,80\n10:05,1,8", {"temperature": "t", "humidity": "h"}),
    ("t\th\r\n12.5\t80", {"temperature": "t", "humidity": "h"}),
], ids=["json", "nested", "semicolons", "half a line", "half a number", "tabs"])
def test_a_file_may_have_different_forms(tmp_path, content, fields):
    file = tmp_path / "now"
    file.write_text(content)
    assert values(weather(file, fields=fields).read()) == {"temperature": 12.5, "humidity": 80.0}


def test_of_a_large_table_the_latest_line_counts(tmp_path):
    file = tmp_path / "year.csv"
    lines = (f"2026-01-01 {number},{number / 10000:.4f},50\n" for number in range(60_000))
    file.write_text("time,t,h\n" + "".join(lines))
    said = weather(file, fields={"temperature": "t", "humidity": "h"}).read()
    assert values(said)["temperature"] == 5.9999


@pytest.mark.parametrize(("answer", "reason"), [
    (Said(301, b"", {"Location": "http://127.0.0.1:1/"}), "no-answer"),
    (Said(302, b'{"t": 1}', {"Location": "http://127.0.0.1:1/"}), "no-answer"),
    (Said(404, b'{"t": 1}'), "no-answer"),
    (Said(500, b""), "no-answer"),
    (Said(200, None), "no-answer"),
    (Said(200, b""), "not-a-number"),
    (Said(204, b""), "not-a-number"),
    (Said(200, b"<html><title>Log in</title>\n<body>Welcome, guest</body></html>"), "not-a-number"),
    (Said(200, b'{"t": 21.5'), "not-a-number"),
    (Said(200, b"[" * 100_000), "not-a-number"),
    (Said(200, b'{"t": 21.5, "x": "' + b"a" * 300_000 + b'"}'), "not-a-number"),
    (Said(200, b'{"t": ' + b"9" * 5000 + b"}"), "not-a-number"),
    (Said(200, b"\0" * 5000), "not-a-number"),
    (Said(200, b"t\n\0\n"), "not-a-number"),
    *((Said(200, f'{{"t": {value}}}'.encode()), reason) for value, reason in [
        ("null", "not-a-number"), ("true", "not-a-number"), ("NaN", "not-a-number"),
        ("1e999", "not-a-number"), ('"---"', "not-a-number"), ('"12:30"', "not-a-number"),
        ('"2026-06-01"', "not-a-number"), ('{"v": 1}', "not-a-number"), ("[1]", "not-a-number"),
        ('""', "not-a-number"), ("-9999", "out-of-range"), ("61", "out-of-range"),
    ]),
    (Said(200, b'{"other": 1}'), "not-a-number"),
    (Said(200, b"[1, 2]"), "not-a-number"),
], ids=lambda said: f"{said.status} {said.body[:24] if said.body else None!r}"
                    if isinstance(said, Said) else "")
def test_a_wrong_answer_is_a_reason_and_never_a_number(server, answer, reason):
    server.answer = lambda _: answer
    assert refused(weather(server.url, fields={"temperature": "t"})).reason == reason
    assert len(server.asked) == 1  # no redirection was followed


def test_one_wrong_field_leaves_the_others(server):
    server.answer = lambda _: Said(200, json.dumps(station(temp=None, hum=52)).encode())
    cold, humid = weather(server.url).read()
    assert isinstance(cold, Refusal)
    assert (cold.quantity, cold.unit, cold.reason) == ("temperature", "°C", "not-a-number")
    assert values([humid]) == {"humidity": 52.0}


@pytest.mark.parametrize(("told", "unit", "value"), [
    ("50 °F", None, None), ("50°F", None, None), ("50 F", None, None), ("290 K", None, None),
    ("50 °F", "°F", 10.0), ("10 °C", "°F", None), ("10 °C", None, 10.0), ("10 c", None, 10.0),
    ("10 degrees", None, 10.0), ("10", None, 10.0),
])
def test_a_unit_in_the_answer_must_be_that_of_the_config(server, told, unit, value):
    server.answer = lambda _: Said(200, json.dumps({"t": told}).encode())
    units = {"units": {"temperature": unit}} if unit else {}
    device = weather(server.url, fields={"temperature": "t"}, **units)
    if value is None:
        assert "in `units`" in str(refused(device))
    else:
        assert values(device.read()) == {"temperature": value}


@contextmanager
def listening(answer) -> Iterator[str]:
    """The address of a server that does with its first connection as the test says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def drip(connection: socket.socket) -> None:
    """An answer without an end, each piece of it in time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


@pytest.mark.process
@pytest.mark.parametrize("answer", [lambda connection: connection.recv(99999) and
                                    connection.recv(1), drip], ids=["silent", "dripping"])
def test_a_slow_server_is_given_up(answer):
    with listening(answer) as url:
        began = time.monotonic()
        assert refused(weather(url, wait="1s")).reason == "no-answer"
        assert time.monotonic() - began < 15


def test_a_server_that_is_not_there_is_a_reason():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(weather(f"http://127.0.0.1:{port}/")).reason == "no-answer"


@pytest.mark.parametrize(("age", "is_stale"), [(0, False), (59, False), (61, True), (-9, False),
                                               (-11, True)])
@pytest.mark.parametrize("form", ["seconds", "milliseconds", "text", "iso", "naive"])
def test_the_time_of_the_values_counts(server, age, is_stale, form):
    at = datetime.now(UTC) - timedelta(minutes=age)
    told = {
        "seconds": at.timestamp(), "milliseconds": round(at.timestamp() * 1000),
        "text": str(int(at.timestamp())), "iso": at.astimezone().isoformat(),
        "naive": at.replace(tzinfo=None).isoformat(),
    }[form]
    server.answer = lambda _: Said(200, json.dumps({"at": told, "t": 21.5}).encode())
    device = weather(server.url, fields={"temperature": "t"}, time="at")
    if is_stale:
        assert refused(device).reason == "stale"
    else:
        assert values(device.read()) == {"temperature": 21.5}


def test_a_time_without_a_zone_may_be_local(server, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        told = (datetime.now(UTC) + timedelta(hours=9)).replace(tzinfo=None).isoformat()
        server.answer = lambda _: Said(200, json.dumps({"at": told, "t": 21.5}).encode())
        fields = {"temperature": "t"}
        assert weather(server.url, fields=fields, time="at", time_zone="local").read()
        assert refused(weather(server.url, fields=fields, time="at")).reason == "stale"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("told", ["yesterday", "", None, True, "12:30"])
def test_a_time_that_is_none_gives_no_value(server, told):
    server.answer = lambda _: Said(200, json.dumps({"at": told, "t": 21.5}).encode())
    device = weather(server.url, fields={"temperature": "t"}, time="at")
    assert refused(device).reason == "not-a-number"


def test_the_age_of_a_file_counts(tmp_path):
    file = tmp_path / "now.json"
    file.write_text('{"t": 21.5}')
    device = weather(file, fields={"temperature": "t"}, stale_after="10m")
    assert values(device.read()) == {"temperature": 21.5}
    old = time.time() - 700
    os.utime(file, (old, old))
    assert refused(device).reason == "stale"


def test_a_file_that_is_no_file_is_a_reason(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refused(weather(tmp_path / "pipe")).reason == "device-error"
    assert refused(weather(tmp_path)).reason in ("device-error", "io-error")
    missing = weather(tmp_path / "missing")
    assert refused(missing).reason == "missing-device"
    assert missing.absent() == f"{tmp_path / 'missing'} is missing"


@pytest.mark.parametrize(("options", "problem"), [
    ({"source": "now.json"}, "must be an absolute path"),
    ({"source": "ftp://host/x"}, "must be an absolute path"),
    ({"source": "http://user:word@host/"}, "must not have a password"),
    ({"source": 5}, "must be an absolute path"),
    ({"fields": {}}, '"fields" must name'),
    ({"fields": {"temprature": "t"}}, 'did you mean "temperature"?'),
    ({"fields": {"temperature": 5}}, "must be a table of texts"),
    ({"units": {"temperature": "F"}}, "known: °C, °F, K"),
    ({"units": {"pressure": "hPa"}}, '"units" has pressure'),
    ({"wait": "30s"}, '"timeout" must be longer than "wait"'),
    ({"source": "open-meteo", "fields": None}, 'needs "latitude" and "longitude"'),
    ({"source": "open-meteo", "latitude": 1.0, "longitude": 2.0}, "has its own"),
    ({"source": "open-meteo", "fields": None, "latitude": 91.0, "longitude": 2.0}, "between -90"),
])
def test_a_config_that_cannot_work_is_a_problem(options, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        weather(**{"source": "/run/now.json", **options})


def test_weather_has_a_worker_of_its_own(tmp_path):
    (tmp_path / "beemon.toml").write_text("""
[sensor.weather]
driver = "weather"
source = "/run/now.json"
fields = { temperature = "t" }
[sensor.brood]
driver = "simulated"
""")
    resolved, problems = resolve_devices(settings.load(tmp_path / "beemon.toml").devices)
    assert problems == []
    groups = {device.group for device in resolved.values()}
    assert len(groups) == 2
    assert resolved["sensor.weather"].quantities == {"temperature"}
