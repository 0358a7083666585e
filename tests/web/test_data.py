"""The routes of the data: what each gives of an archive, and what of a damaged one or none."""

from __future__ import annotations

import io
import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import av
import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.finding import FIRST, WITHDRAWN, Finding
from beemon.base.readings import Reading
from beemon.ledger import events, findings
from beemon.ledger import readings as series
from beemon.web.data import ROUTES
from beemon.web.roles import Role
from tests.web.asking import ask, options_for, paths, send

DAY = "2026-06-01"
NOW_US = 1_780_315_200_000_000  # its noon
ASKED = {
    "/api/series": "device=sensor.brood&quantity=temperature&since=2026-06-01",
    "/api/gains": "device=sensor.scale&quantity=weight",
    "/api/traffic": "device=sensor.entrance",
    "/api/recordings": f"device=microphone.brood&day={DAY}",
    "/api/export/series.csv": "device=sensor.brood&quantity=temperature&since=2026-06-01",
}
NAMED = {"{job}": "3", "{device}": "microphone.brood", "{day}": DAY}


def address(path: str) -> str:
    query = ASKED.get(path)
    for name, value in NAMED.items():
        path = path.replace(name, value)
    return f"{path}?{query}" if query else path


ALL = [path for path in paths() if path != "/api/changes"]


@pytest.fixture
def options(archive, tmp_path):
    return options_for(archive, tmp_path)


def test_a_series_has_its_gaps(options):
    [told] = ask(options, "/api/series?device=sensor.scale&quantity=weight"
                          "&since=2026-06-01&until=2026-06-02")
    assert told.status == 200
    assert told.json["unit"] == "g"
    assert told.json["value"] == [None, 31250.5, 31250.5]
    assert told.json["reasons"] == {"0": "all-ones"}


def test_an_unknown_quantity_is_named_with_the_nearest(options):
    [told] = ask(options, "/api/series?device=sensor.brood&quantity=temperatur")
    assert told.status == 404
    assert 'did you mean "temperature"' in told.json["message"]


def test_jobs_and_recordings_are_told_to_an_owner(options):
    jobs, one, listed, file = ask(
        options, "/api/jobs?count=2", "/api/jobs/3",
        f"/api/recordings?device=microphone.brood&day={DAY}", "/api/recordings/3")
    assert [job["job"] for job in jobs.json["jobs"]] == [4, 3]
    assert one.json["recording"].endswith(".flac")
    [recording] = listed.json["recordings"]
    assert (recording["job"], recording["kind"], recording["seconds"]) == (3, "sound", 2.0)
    assert recording["bytes"] == len(file.body)
    assert (file.body[:4], file.headers["Content-Type"]) == (b"fLaC", "audio/flac")


def test_a_viewer_learns_no_path(options):
    for told in ask(options, "/api/jobs", "/api/jobs/3", role=Role.VIEWER):
        assert told.status == 200
        assert b"recordings/" not in told.body
        assert b'"recording"' not in told.body


def test_findings_are_the_latest_of_each_matter_also_for_a_viewer(tmp_path, ledger):
    swarm = Finding(
        "swarm", FIRST, "apiary-7", f"{DAY}T10:15:00.000Z", f"{DAY}T10:45:00.000Z",
        f"{DAY}T10:45:00.000Z", "At 12:15 1.3 kg left.", "swarm", 1, for_=("By day.",),
    )
    with ledger.transaction():
        at = Stamp(NOW_US, 1.0, Quality.SYNCHRONISED)
        findings.enter(ledger, swarm, at)
        last = findings.enter(ledger, replace(swarm, stage=WITHDRAWN, says="It was put back."), at)
    since = f"/api/findings?since={DAY}"
    [told] = ask(options_for(ledger.archive, tmp_path), since, role=Role.VIEWER)
    [one] = told.json["findings"]
    assert (one["finding"], one["stage"], one["says"]) == (last, "withdrawn", "It was put back.")
    assert one["for"] == ["By day."]


def test_a_viewer_learns_neither_a_place_nor_a_path_by_any_route(tmp_path, ledger):
    path = "recordings/2026-06-01/secret.flac"
    with ledger.transaction():
        at = Stamp(NOW_US, 1.0, Quality.UNSURE)
        events.enter(ledger, "note", f"{path} is gone", at=at, latitude=36.217, deep=[{
            "path": path, "longitude": 36.217, "said": f"at /x/{path}"}])
        job = ledger.accept(f"uploaded {path} 00 hash", "test", at)
        ledger.end(job, outcomes.failed("lost", f"no {path}", recording=path, source=path))
    asked = [route for route in ROUTES if route.role is Role.VIEWER]
    addresses = [address(route.path).replace("/3", f"/{job}") for route in asked
                 if route.path != "/api/changes"]
    addresses += ["/api/events?since=2026-05-01", "/api/export/events.csv?since=2026-05-01"]
    options = options_for(ledger.archive, tmp_path)
    for told in ask(options, *addresses, role=Role.VIEWER):
        assert not {b"secret", b"36.217"} & {word for word in (b"secret", b"36.217")
                                            if word in told.body}
    assert any(b"secret" in told.body for told in ask(options, *addresses))


def test_a_range_of_a_recording_is_sent(options):
    [told] = ask(options, "/api/recordings/3", headers={"Range": "bytes=1-3"})
    assert (told.status, told.body) == (206, b"LaC")
    assert told.headers["Content-Range"].startswith("bytes 1-3/")


def test_the_sound_of_a_day_is_listed_and_drawn(options):
    told, picture = ask(options, f"/api/sound/microphone.brood/{DAY}",
                        f"/api/sound/microphone.brood/{DAY}.png")
    [slot] = told.json["slots"]
    assert (slot["job"], slot["outcome"]) == (3, "done")
    assert told.json["picture"].startswith(f"api/sound/microphone.brood/{DAY}.png?of=")
    assert (picture.headers["Content-Type"], picture.body[:4]) == ("image/png", b"\x89PNG")


def test_a_sound_that_nobody_measured_is_heard_from_its_file(options):
    [picture] = ask(options, f"/api/sound/microphone.brood/{DAY}.png")
    with av.open(io.BytesIO(picture.body)) as file:
        opacity = next(file.decode(video=0)).to_ndarray(format="rgba")[..., 3]
    assert opacity[:, 720].any()
    assert not opacity[:, 800:].any()


def test_a_strip_is_drawn_once(options, monkeypatch):
    path = f"/api/sound/microphone.brood/{DAY}.png"
    [first] = ask(options, path)
    [kept] = (options.cache / "strips").iterdir()
    kept.write_bytes(b"kept")
    [second] = ask(options, path)
    [known] = ask(options, path, headers={"If-None-Match": first.headers["ETag"]})
    assert (second.body, known.status, known.body) == (b"kept", 304, b"")


def test_a_day_without_sound_is_an_empty_strip(options):
    told, picture = ask(options, "/api/sound/microphone.brood/2020-01-01",
                        "/api/sound/microphone.brood/2020-01-01.png")
    assert (told.json["slots"], picture.status) == ([], 200)


@pytest.mark.parametrize("day", ["2026-02-30", "9999-12-31", "today", "0000-01-01", "2026-6-1"])
def test_what_is_no_day_is_refused(options, day):
    [told] = ask(options, f"/api/sound/microphone.brood/{day}")
    assert told.status == 400


def test_downloads_are_files_without_formulas(options):
    events, series = ask(options, "/api/export/events.csv?since=2026-05-01",
                         address("/api/export/series.csv"))
    assert b"\"'=HYPERLINK" in events.body
    assert 'filename="events.csv"' in events.headers["Content-Disposition"]
    lines = series.body.decode("utf-8-sig").splitlines()
    assert len(lines) == 7
    assert lines[1] == ("2026-06-01T12:00:00.000Z,2026-06-01T12:00:00.000+00:00,sensor.brood,"
                        "temperature,35.0,°C,good,,")


def test_a_silent_recorder_is_told_with_its_last_sign_of_life(options):
    status, readings, budget = ask(options, "/api/status", "/api/readings", "/api/budget")
    assert status.json["reached"] is False
    assert {"since", "message", "remedy", "now", "zone"} <= set(status.json)
    assert {one["sensor"] for one in readings.json["readings"]} >= {"sensor.brood"}
    assert (budget.status, budget.json["code"]) == (503, "unreachable")


@pytest.mark.parametrize("body", [
    "", "null", "[]", "{}", "{", '{"command": 5}', '{"command": ""}', '{"command": " "}',
    '{"command": "reload"}', '{"command": "switch output.fan on"}', '{"command": "auth x"}',
    '{"command": "read\\nreload"}', '{"command": "read", "more": 1}', '{"command": "\\ud800"}',
    '{"command": "record ' + "9" * 600 + '"}', "[" * 15_000, b"\xff\xfe{",
    '{"command": "status"}', '{"command": "recordmicrophone.brood"}',
])
def test_nothing_but_the_listed_commands_is_sent(options, body):
    told = send(options, "/api/commands", body)
    assert (told.status, told.json["code"]) == (400, "bad-parameter")


def test_a_command_to_a_silent_recorder_is_refused_in_words(options):
    told = send(options, "/api/commands", '{"command": "read"}')
    assert (told.status, told.json["code"]) == (503, "unreachable")


# What is not there, or damaged

@pytest.mark.parametrize("path", ALL)
def test_without_an_archive_nothing_is_a_defect(tmp_path, path):
    [told] = ask(options_for(tmp_path / "none", tmp_path), address(path))
    assert told.status in ((200,) if path in ("/api/status", "/metrics") else (404, 503))


@pytest.mark.parametrize("path", ALL)
def test_an_empty_archive_has_no_defect(tmp_path, ledger, path):
    [told] = ask(options_for(ledger.archive, tmp_path), address(path))
    assert told.status in (200, 404, 503)
    assert told.status != 503 or told.json["code"] == "unreachable"


WRONG = (b"\xff\x00", "text", -1, 2**62, "{}", "[]", None, "recordings/../../etc/passwd", "a\0b")


@pytest.fixture(params=range(4))
def damaged(archive, tmp_path, request) -> Path:
    """The archive with wrong values in each column of each table, others by each seed."""
    chance = random.Random(request.param)
    copy = tmp_path / "damaged"
    shutil.copytree(archive, copy)
    with sqlite3.connect(copy / "ledger.db") as db:
        db.create_function("chance", 0, chance.random)
        tables = [name for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        for table in tables:
            columns = db.execute(f"PRAGMA table_info({table})").fetchall()
            for _, column, _, is_needed, _, key in columns:
                if not key and not is_needed:
                    db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE chance() < 0.3",
                               (chance.choice(WRONG),))
                elif not key:
                    db.execute(f"UPDATE OR IGNORE {table} SET {column} = x'ff00'"
                               " WHERE chance() < 0.3")
    db.close()
    return copy


def test_damaged_rows_are_no_defect(damaged, tmp_path):
    for told in ask(options_for(damaged, tmp_path), *map(address, ALL)):
        assert told.status in (200, 404, 503)


def test_a_file_that_is_no_ledger_is_no_defect(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no ledger at all" * 100)
    for told in ask(options_for(tmp_path, tmp_path), *map(address, ALL)):
        assert told.status in (200, 404, 503)


def test_every_route_has_a_role():
    assert {route.role for route in ROUTES} <= {Role.VIEWER, Role.OWNER}
    owners = {route.path for route in ROUTES if route.role is Role.OWNER}
    assert owners == {
        "/api/recordings", "/api/recordings/{job}", "/api/recordings/{job}/picture",
        "/api/sound/{device}/{day}", "/api/sound/{device}/{day}.png", "/api/commands",
        "/api/live/{device}.jpg",
    }


# Many sensors, and a clock that was wrong

def fill(ledger, sensors: int, *times_us: int) -> None:
    """A reading of each sensor at each time, each by a job of its own."""
    for at_us in times_us:
        with ledger.transaction():
            at = Stamp(at_us, 1.0, Quality.UNSURE)
            job = ledger.accept("read", "schedule", at)
            series.keep(ledger, job, [
                Reading(f"sensor.s{number}", "weight", "g", float(number), None, at)
                for number in range(sensors)
            ])
            events.enter(ledger, "note", "hello", at=at)
            ledger.end(job, outcomes.done())


def test_sixty_sensors_are_all_told(tmp_path, ledger):
    fill(ledger, 60, *(NOW_US - minute * 60_000_000 for minute in range(30)))
    readings, metrics, found = ask(
        options_for(ledger.archive, tmp_path), "/api/readings", "/metrics",
        "/api/series?device=sensor.s59&quantity=weight&since=2026-06-01&until=2026-06-02")
    assert len(readings.json["readings"]) == 60
    assert metrics.body.count(b"\nbeemon_reading_grams{") == 60
    assert {*found.json["value"]} == {59.0}


@pytest.mark.parametrize("at_us", [0, -10**15, 4_070_908_800_000_000, 253_000_000_000_000_000],
                         ids=["1970", "1938", "2099", "9987"])
@pytest.mark.parametrize("since", ["7d", "0001-01-01", "9999-12-31", "today"])
def test_times_of_a_wrong_clock_are_no_defect(tmp_path, ledger, at_us, since):
    fill(ledger, 2, at_us, at_us + 60_000_000, NOW_US)
    name = "device=sensor.s1&quantity=weight"
    found = ask(options_for(ledger.archive, tmp_path), *(f"/api/{path}" for path in (
        f"series?{name}&since={since}", f"series?{name}&since={since}&until=9999-12-31",
        f"gains?{name}&since={since}", f"events?since={since}", f"completeness?since={since}",
        f"traffic?device=sensor.s1&since={since}", "calendar?days=400", "readings", "status",
        f"export/series.csv?{name}&since={since}", f"recordings?device=sensor.s1&day={DAY}",
    )))
    assert [one.status for one in found if one.status != 200] == [404]  # the traffic


def test_a_chart_of_all_times_holds_those_of_the_wrong_clock(tmp_path, ledger):
    fill(ledger, 2, 0, NOW_US)
    [told] = ask(options_for(ledger.archive, tmp_path),
                 "/api/series?device=sensor.s1&quantity=weight&since=0001-01-01")
    assert [value for value in told.json["value"] if value is not None] == [1.0, 1.0]
    assert told.json["by"] == "hour"
